"""The completion scripts in the real shells, each on a terminal: Tab completes what a person has begun to type."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import User
from tests.support.terminal import Terminal

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform == "win32", reason="these are the shells of Unix"),
]

SHELLS = {
    "bash": (["--norc", "-i"], "PS1='$ '; source <(ensemble-lsp completion bash)"),
    "zsh": (
        ["-f", "-i"],
        "PS1='$ '; bindkey -e; autoload -U compinit; compinit -u -d .dump; source <(ensemble-lsp completion zsh)",
    ),
    "fish": (["--no-config", "-i"], "source (ensemble-lsp completion fish | psub)"),
}


@pytest.fixture
def user(tmp_path: Path) -> User:
    one = User(tmp_path)
    one.model("gpt-mini", "http://127.0.0.1:9/v1")
    one.file("application.py", "x = 1\n")
    program = one.home / "bin" / "ensemble-lsp"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m ensemble_lsp "$@"\n')
    program.chmod(0o755)
    return one


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, user: User) -> Iterator[Terminal]:
    name = request.param
    if (program := shutil.which(name)) is None:
        pytest.skip(f"there is no {name} here (Debian: apt-get install {name})")
    options, script = SHELLS[name]
    environment = user.environment
    environment |= {
        "HOME": str(user.home),
        "PATH": f"{user.home / 'bin'}:{environment['PATH']}",
        "EDITOR": "cat",
    }
    with Terminal([program, *options], env=environment, cwd=user.work, size=(120, 30)) as terminal:
        terminal.type(f"{script}\r")
        terminal.type("echo rea''dy\r")
        terminal.wait_for(r"ready", 120)
        yield terminal


def completed(shell: Terminal, begun: str) -> str:
    """The command line after Tab: the shell itself prints it."""
    shell.output = ""
    # Ctrl-A and Ctrl-E move to the ends of the line.
    shell.type(f"{begun}\t\x01echo '[' \x05 ']'\r")
    found = shell.wait_for(r"(?m)^\[ (.*?)\s+\]")
    return found[1].strip()


def test_tab_completes_commands_options_names_and_files(shell: Terminal) -> None:
    for begun, whole in (
        ("ensemble-lsp hist", "ensemble-lsp history"),
        ("ensemble-lsp history exp", "ensemble-lsp history export"),
        ("ensemble-lsp complete --ens", "ensemble-lsp complete --ensemble"),
        ("ensemble-lsp generate x --model gp", "ensemble-lsp generate x --model gpt-mini"),
        ("ensemble-lsp models remove g", "ensemble-lsp models remove gpt-mini"),
        ("ensemble-lsp models add smo", "ensemble-lsp models add smollm2"),
        (
            "ensemble-lsp models add x --provider anth",
            "ensemble-lsp models add x --provider anthropic",
        ),
        ("ensemble-lsp finetune prep", "ensemble-lsp finetune prepare"),
        ("ensemble-lsp complete appl", "ensemble-lsp complete application.py"),
        ("ensemble-lsp completion fi", "ensemble-lsp completion fish"),
    ):
        assert completed(shell, begun) == whole
