"""A terminal of 60 columns, and one without colours or UTF-8: every word is whole, and no line is too long."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import PROGRAM, User
from tests.support.providers import LoopbackProvider, running
from tests.support.terminal import Terminal

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminal"),
]

WIDTH = 60
CODE = "".join(f"def f{n}(a, b):\n    return a + b * {n}\n\n\n" for n in range(6))


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    with running(LoopbackProvider(reply="return a + b")) as provider:
        one = User(tmp_path)
        one.file("app.py", CODE)
        one.file("bad.jsonl", "no JSON\n" * 50)
        one.model("a-rather-long-model-name", provider.base_url, model="an-id-that-is-long-7b")
        one.model("gpt", provider.base_url, model="gpt-4.1-mini", inputPrice=0.4, outputPrice=1.6)
        yield one


def lines_of(user: User, command: str, code: int = 0, **env: str) -> list[str]:
    """The lines that a command leaves on a terminal, without the bars that it has overwritten."""
    with Terminal(
        [*PROGRAM, *command.split()],
        env={**user.environment, **env},
        cwd=user.work,
        size=(WIDTH, 40),
    ) as terminal:
        assert terminal.ended(100) == code, terminal.text
    return [line.rstrip() for line in terminal.text.split("\n") if "━━━━━" not in line]


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        ("doctor", 0, "it gets ignored files and secrets too; if its server forwards to a service"),
        ("models", 0, "it counts as remote: a service runs it; if code stays on this machine"),
        ("finetune", 0, "There are no fine-tuning jobs; begin with `ensemble-lsp finetune prepare`."),
        ("compare app.py --samples 2 --yes", 0, "2 cases are too few to recommend a model"),
        ("complete app.py:1:99", 2, "line 1 of app.py has 14 columns, not 99."),
        ("models remove nobody", 2, "nobody"),
        ("models test gpt --an-argument-that-is-not-known", 2, "(see `ensemble-lsp models test --help`)"),
        ("demo", 0, "recall (which predicts from your own code), and no model with weights."),
    ],
)  # fmt: skip
def test_words_are_whole(user: User, command: str, code: int, words: str) -> None:
    lines = lines_of(user, command, code)
    # A path is longer than a line, and stays whole.
    assert [line for line in lines if len(line) > WIDTH and "/" not in line] == []
    assert words in " ".join(" ".join(lines).split())


def test_the_questions_of_init_are_whole(user: User) -> None:
    command = [*PROGRAM, "init"]
    with Terminal(command, env=user.environment, cwd=user.work, size=(40, 30)) as terminal:
        terminal.wait_for(r"\d to \d")
        terminal.type("\x03")
        assert terminal.ended() == 130
    lines = [line.rstrip() for line in terminal.text.split("\n")]
    assert [line for line in lines if len(line) > 40] == []
    assert "a server with OpenAI's protocol: Ollama, LM Studio" in " ".join(" ".join(lines).split())


def test_a_comparison_that_has_all_its_answers_announces_no_request(user: User) -> None:
    command = "compare app.py --samples 2 --yes"
    first = " ".join(lines_of(user, command))
    assert "2 places in 1 file." in first and "gpt: 2 requests, about" in first
    again = " ".join(lines_of(user, command))
    assert "2 places in 1 file; 4 answers already there." in again
    assert "gpt: no request" in again and "0 requests" not in again


def test_a_training_file_of_many_faults_fits_the_screen(user: User) -> None:
    done = user.spawn("finetune", "prepare", "bad.jsonl", "--model", "gpt")
    assert done.code == 1
    assert len(done.err.splitlines()) == 22
    assert "and 31 more faults" in done.err and done.err.count("line ") >= 20
    user.spawn("finetune", "prepare", "app.py", "--model", "gpt").fails(
        2, "app.py is not a JSONL file; name the folder of your code instead."
    )


def test_ascii_and_no_colours(user: User) -> None:
    ascii_only = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    doctor = "\n".join(lines_of(user, "doctor", NO_COLOR="1", **ascii_only))
    assert "ok python: 3." in doctor and "\\u" not in doctor and doctor.isascii()
    table = "\n".join(lines_of(user, "compare app.py --samples 2 --yes", **ascii_only))
    assert table.isascii() and "\\u" not in table.replace("\\u2501", "")
