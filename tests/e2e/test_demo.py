"""``ensemble-lsp demo``, as ``make demo`` runs it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import SERVER

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

STEPS = (
    "inline completion",
    "accepted",
    "rejected by typing something else",
    "hover explains",
    "generate with ensemble",
    "candidates",
    "the selector's view of each model",
)


def demo(tmp_path: Path, weights: Path, *more: str) -> subprocess.CompletedProcess[str]:
    data = weights.parents[1]
    env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    # A folder given relative must do as well.
    command = [str(SERVER), "demo", "--data-dir", os.path.relpath(data, tmp_path), *more]
    return subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=200, check=False
    )


def test_the_demo_plays_every_part_and_prints_it(tmp_path: Path, weights: Path) -> None:
    done = demo(tmp_path, weights, "--fetch")
    assert done.returncode == 0, done.stdout + done.stderr
    at = [done.stdout.find(f"✓ {step}\n") for step in STEPS]
    assert -1 not in at, done.stdout + done.stderr
    assert at == sorted(at)
    assert "✗" not in done.stdout
    assert "smollm2" in done.stdout
    assert "recall" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_demo_tells_a_program_too(tmp_path: Path, weights: Path) -> None:
    done = demo(tmp_path, weights, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert told["ok"] is True
    # Which answer goes in is asked where the two models do not agree: that is theirs to say.
    played = [s["step"] for s in told["steps"] if s["step"] != "asked which answer to use"]
    assert played == list(STEPS)
    ghost = told["steps"][0]["told"]
    assert "ghost: " in ghost
    generated = next(s["told"] for s in told["steps"] if s["step"] == "generate with ensemble")
    assert "def " in generated
