"""``ensemble-lsp finetune`` as a program with its own home, and a provider of fine-tuning jobs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomllib

from tests.support.providers import running
from tests.support.tuning import TuningProvider

PROGRAM = Path(sys.executable).with_name("ensemble-lsp")
KEY = "sk-test-0123456789abcdef0123456789abcdef"


class Command:
    """The program with a home of its own."""

    def __init__(self, home: Path, base_url: str) -> None:
        self.home, self.data = home, home / "data"
        self.config = home / "config.toml"
        self.env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        self.env |= {
            "HOME": str(home), "TUNING_KEY": KEY, "ENSEMBLE_LSP_CONFIG": str(self.config),
            "ENSEMBLE_LSP_DATA_DIR": str(self.data), "COLUMNS": "200",
        }  # fmt: skip
        self.config.write_text(
            "# mine\n[[models]]\nname = 'gpt'\nprovider = 'openai'\nmodel = 'gpt-4.1-mini'\n"
            f"baseUrl = '{base_url}'\napiKeyEnv = 'TUNING_KEY'\ntimeout = 33.0\ncontextTokens = 16000\n"
            "[[models]]\nname = 'claude'\nprovider = 'anthropic'\nmodel = 'claude-sonnet-5'\n"
            "[[models]]\nname = 'copy'\nprovider = 'recall'\n"
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [PROGRAM, "finetune", *arguments], env=self.env, cwd=self.home, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=50)
        assert KEY not in out + err
        assert "Traceback" not in err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))

    def models(self) -> dict[str, dict[str, Any]]:
        return {m["name"]: m for m in tomllib.loads(self.config.read_text())["models"]}

    def job_files(self) -> list[Path]:
        return sorted((self.data / "finetuning" / "jobs").glob("*.json"))


def chat(number: int, answer: str | None = None, **more: Any) -> dict[str, Any]:
    messages = [
        {"role": "system", "content": "Complete."},
        {"role": "user", "content": f"def f{number}(a):"},
        {"role": "assistant", "content": answer or f"return a + {number}"},
    ]
    return {"messages": messages, **more}


def jsonl(path: Path, lines: list[Any]) -> Path:
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
    return path


@pytest.fixture
def provider() -> Iterator[TuningProvider]:
    with running(TuningProvider(keys=[KEY])) as one:
        yield one


@pytest.fixture
def command(tmp_path: Path, provider: TuningProvider) -> Command:
    return Command(tmp_path, provider.base_url)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Just enough lines: all of them are for training."""
    return jsonl(tmp_path / "training.jsonl", [chat(n) for n in range(10)])


START = ("--model", "gpt", "--yes", "--every", "0.05")
