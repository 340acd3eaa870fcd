"""LoRA on this machine, from prepared lines to a file that llama.cpp answers with."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tomllib

from tests.support import tiny_gguf
from tests.support.terminal import Terminal

NEEDED = ("torch", "transformers", "peft", "gguf", "xllamacpp")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        not all(importlib.util.find_spec(name) for name in NEEDED),
        reason="needs ensemble-lsp[local,finetune-local]",
    ),
]

PROGRAM = Path(sys.executable).with_name("ensemble-lsp")
ANSWERS = {f"def {name}(": f"{name}_of_it):" for name in ("sum", "max", "len")}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    tiny_gguf.make(tmp_path / "tiny.gguf")
    (tmp_path / "config.toml").write_text(
        f"[[models]]\nname = 'tiny'\nprovider = 'llamacpp'\nmodel = '{tmp_path / 'tiny.gguf'}'\n"
        "fim = 'none'\n[[models]]\nname = 'copy'\nprovider = 'recall'\n"
    )
    # As the program asks: the sign at the cursor is taken off, and is the answer's first.
    lines = [{"prompt": p[:-1], "completion": "(" + a} for p, a in ANSWERS.items()] * 4
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    env = {**os.environ, "HOME": str(home), "ENSEMBLE_LSP_CONFIG": str(home / "config.toml")}
    env["ENSEMBLE_LSP_DATA_DIR"] = str(home / "data")
    return subprocess.Popen(
        [PROGRAM, *arguments], env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def run(home: Path, *arguments: str) -> str:
    process = start(home, *arguments)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


def completed(home: Path, model: str, prompt: str) -> str:
    path = home / "a.py"
    path.write_text(prompt)
    place = f"{path}:1:{len(prompt) + 1}"
    return json.loads(run(home, "complete", place, "--model", model, "--json"))["text"]


def test_what_was_trained_is_what_llama_cpp_answers(home: Path) -> None:
    training = ("--epochs", "200", "--batch-size", "6", "--learning-rate", "0.01", "--seed", "1")
    process = start(
        home, "finetune", "start", str(home / "data.jsonl"), "--model", "tiny", "--yes", *training
    )
    # Ctrl-C in the middle: what was learned so far is kept.
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("Step "):
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=100)
    assert process.returncode == 130
    assert (home / "data/finetuning/local/tiny-tuned/checkpoint.pt").is_file()

    process = start(home, "finetune", "status", "tiny-tuned", "--follow", "--json")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    row = json.loads(out)
    assert (row["state"], row["joined"], row["step"]) == ("succeeded", "tiny-tuned", row["steps"])
    before, after = (float(part.split()[-2]) for part in row["message"].split(","))
    assert after < before / 5

    models = {m["name"]: m for m in tomllib.loads((home / "config.toml").read_text())["models"]}
    assert models["tiny-tuned"]["model"] == row["tuned"]
    right = [p for p, a in ANSWERS.items() if completed(home, "tiny-tuned", p).strip() == a]
    assert len(right) == len(ANSWERS), "llama.cpp does not say what was trained"
    prompt, answer = next(iter(ANSWERS.items()))
    assert completed(home, "tiny", prompt).strip() != answer

    run(home, "finetune", "retire", "tiny-tuned", "--delete", "--yes")
    assert not Path(row["tuned"]).exists()


def files(home: Path) -> set[str]:
    folder = home / "data/finetuning"
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


# A library that is slow to import, a base that is slow to load and a file that is slow to write.
SLOW_IMPORT = "import time\nopen({mark!r}, 'w').close()\ntime.sleep(300)\n"
SLOW_WRITER = """
import time
import gguf
plain = gguf.GGUFWriter.write_tensors_to_file
def slow(self, *arguments, **options):
    plain(self, *arguments, **options)
    open({mark!r}, 'w').close()
    time.sleep(300)
gguf.GGUFWriter.write_tensors_to_file = slow
"""
SLOW_STEP = """
import time
import torch
plain = torch.optim.AdamW.step
def slow(self, *arguments, **options):
    result = plain(self, *arguments, **options)
    open({mark!r}, 'w').close()
    time.sleep(300)
    return result
torch.optim.AdamW.step = slow
"""
PHASES = {"importing": ("peft.py", SLOW_IMPORT), "a long step": ("sitecustomize.py", SLOW_STEP),
          "writing": ("sitecustomize.py", SLOW_WRITER)}  # fmt: skip


@pytest.mark.parametrize("presses", [1, 2])
@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c_ends_each_phase_at_once(home: Path, phase: str, presses: int) -> None:
    """Python's threads cannot be stopped: the process ends without them, and without their files."""
    mark, site = home / "reached", home / "site"
    site.mkdir()
    name, code = PHASES[phase]
    (site / name).write_text(code.format(mark=str(mark)))
    env = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]),
        "ENSEMBLE_LSP_CONFIG": str(home / "config.toml"),
        "ENSEMBLE_LSP_DATA_DIR": str(home / "data"),
    }
    before = (home / "config.toml").read_text()
    start_job = [PROGRAM, "finetune", "start", "data.jsonl", "--model", "tiny", "--yes"]
    with Terminal([*map(str, start_job), "--epochs", "1"], env=env, cwd=home) as terminal:
        deadline = time.monotonic() + 200
        while not mark.exists():
            assert terminal.process.poll() is None and time.monotonic() < deadline, terminal.text
            terminal.read()
        at = time.monotonic()
        for _ in range(presses):
            terminal.type("\x03")
            terminal.read(0.1)
        assert terminal.ended(60) == 130, terminal.text
        assert time.monotonic() - at < 30
        assert "Traceback" not in terminal.text
        assert "finetune status tiny-tuned --follow" in " ".join(terminal.text.split())
    # The job is there to be continued, and nothing is half-written.
    assert not {name for name in files(home) if name.endswith((".gguf", ".new")) or "/." in name}
    assert (home / "config.toml").read_text() == before
    process = start(home, "finetune", "status", "tiny-tuned", "--follow", "--json")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert json.loads(out)["state"] == "succeeded"


def test_other_architectures_are_told(home: Path) -> None:
    import gguf

    writer = gguf.GGUFWriter(home / "tiny.gguf", "mamba")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    process = start(home, "finetune", "start", str(home / "data.jsonl"), "--model", "tiny", "--yes")
    _, err = process.communicate(timeout=100)
    assert process.returncode == 1
    assert "mamba; only llama" in err.splitlines()[-1]
