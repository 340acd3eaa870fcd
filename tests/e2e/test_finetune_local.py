"""LoRA on this machine, from prepared lines to a file that llama.cpp answers with."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tomllib

from tests.support import tiny_gguf

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
