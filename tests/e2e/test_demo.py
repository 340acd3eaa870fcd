"""``ensemble-lsp demo``, as ``make demo`` runs it; with the small model, and with the coder model where it is."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ensemble_lsp.settings import default_data_dir
from tests.e2e.conftest import SERVER

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(330)]

STEPS = (
    "You begin a line",
    "You have another idea",
    "You write the next line",
    "You rename a parameter, and the next edits are offered",
    "You hover over circle_area",
    "You ask for a function",
    "Do the models agree?",
    "Does it work?",
    "What the server has learned about its models",
)
CODER = Path("models") / "qwen2.5-coder-0.5b.gguf"


def demo(tmp_path: Path, data: Path, *more: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    # A folder given relative must do as well.
    command = [str(SERVER), "demo", "--data-dir", os.path.relpath(data, tmp_path), *more]
    return subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False
    )


def played(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """The steps by title, after a run without a failure."""
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] is True
    assert report["seconds"] > 0
    assert [s["step"] for s in report["steps"]] == list(STEPS)
    return {s["step"]: s for s in report["steps"]}


def test_the_demo_plays_every_part_and_prints_it(tmp_path: Path, weights: Path) -> None:
    done = demo(tmp_path, weights.parents[1], "--small", "--fetch")
    assert done.returncode == 0, done.stdout + done.stderr
    at = [max(done.stdout.find(f"\n{mark} {step}\n") for mark in "✓–") for step in STEPS]
    assert -1 not in at, done.stdout + done.stderr
    assert at == sorted(at)
    assert "\n✗" not in done.stdout
    assert "smollm2" in done.stdout
    assert "The tour took" in done.stdout
    assert "Traceback" not in done.stderr
    assert "Warning" not in done.stderr


def test_a_program_reads_the_steps_and_the_next_edit_is_applied(
    tmp_path: Path, weights: Path
) -> None:
    steps = played(demo(tmp_path, weights.parents[1], "--small", "--json"))
    edit = steps[STEPS[3]]["told"]
    assert "if edge < 0:" in edit
    assert "return edge ** 2" in edit
    assert "it parses" in edit
    assert "Only smollm2 answered" in steps["Do the models agree?"]["told"]


def test_the_coder_model_writes_a_function_that_passes_its_examples(tmp_path: Path) -> None:
    data = default_data_dir()
    if not (data / CODER).exists():
        pytest.skip("`ensemble-lsp models add qwen2.5-coder-0.5b` fetches 478 MB")
    steps = played(demo(tmp_path, data, "--json"))
    assert all(step["ok"] for step in steps.values())
    assert "rectangle_perimeter(3, 4) is 14" in steps["Does it work?"]["told"]
    for title in ("You begin a line", "You write the next line"):
        assert "it parses" in steps[title]["told"]
