"""Ctrl-C on a terminal ends each command at once with code 130, and leaves nothing half-written."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cli import PROGRAM, User
from tests.support.package_index import silent_index
from tests.support.providers import Fault, LoopbackProvider, running
from tests.support.terminal import Terminal
from tests.support.tuning import TuningProvider

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such terminal"),
]

AT_ONCE = 15.0
"""Seconds. Each command would take minutes otherwise; a loaded machine may need some seconds to end one."""
CODE = "".join(
    f"def f{n}(a, b):\n    value = a + b * {n}\n    return value\n\n\n" for n in range(20)
)
PATCH = "--- a/app.py\n+++ b/app.py\n@@ -2 +2 @@\n-    value = a + b\n+    value = a + b * 0\n"


@pytest.fixture
def user(tmp_path: Path) -> User:
    one = User(tmp_path)
    one.file("app.py", CODE)
    one.file("open.py", "def add(a, b):\n    \n")
    one.file("my.patch", PATCH)
    return one


@pytest.fixture
def silent() -> Iterator[LoopbackProvider]:
    """A provider that takes a request and never answers."""
    with running(LoopbackProvider(fault=Fault.never_answer())) as one:
        yield one


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def interrupted(user: User, command: str, begun: Callable[[Terminal], object]) -> Terminal:
    """Run a command, type Ctrl-C when it has begun, and check how it ends."""
    with Terminal([*PROGRAM, *command.split()], env=user.environment, cwd=user.work) as terminal:
        begun(terminal)
        at = time.monotonic()
        terminal.type("\x03")
        code = terminal.ended(60)
        took = time.monotonic() - at
        assert code == 130, terminal.text
        assert took < AT_ONCE, took
        assert "Traceback" not in terminal.text and "Fatal" not in terminal.text, terminal.text
        # The cursor is shown again, and the last line is complete.
        assert terminal.output.rfind("\x1b[?25h") >= terminal.output.rfind("\x1b[?25l")
    left = [p for p in user.home.rglob(".*") if p.is_file() and p.name != ".gitignore"]
    assert not left
    return terminal


@pytest.mark.parametrize(
    "command",
    ["complete open.py:2:5", "explain app.py:1", "generate add", "edit app.py:7:5 --history my.patch",
     "doctor", "models test", "complete open.py:2:5 --json"],
)  # fmt: skip
def test_while_a_model_is_asked(user: User, silent: LoopbackProvider, command: str) -> None:
    user.model("slow", silent.base_url, timeout=170)
    user.table("ensemble", budgetMs=100000)
    before = user.config.read_text(), files(user.work)
    interrupted(user, command, lambda _: silent.wait_for(lambda p: p.requests, timeout=60))
    silent.wait_for(lambda p: p.requests[0].closed, timeout=20)
    assert (user.config.read_text(), files(user.work)) == before


@pytest.mark.parametrize("local", [True, False], ids=["while it runs", "at its question"])
def test_a_comparison_keeps_the_answers_it_has(
    user: User, silent: LoopbackProvider, local: bool
) -> None:
    user.model("slow", silent.base_url, timeout=170, local=local)
    command = "compare app.py --samples 5 --out out"

    def begun(terminal: Terminal) -> None:
        if local:
            silent.wait_for(lambda p: p.requests, timeout=60)
        else:
            terminal.wait_for(r"\[y/N\]")

    terminal = interrupted(user, command, begun)
    assert ("run it again to resume" in " ".join(terminal.text.split())) == local
    assert len(silent.requests) == 0 or local
    assert not list((user.work / "out").glob("*.html"))


def test_a_question_before_the_history_is_cleared(user: User, silent: LoopbackProvider) -> None:
    user.model("slow", silent.base_url)
    interrupted(user, "history clear", lambda t: t.wait_for(r"\[y/N\]"))


def test_the_question_for_a_key_adds_no_model(user: User) -> None:
    before = user.config.read_text()
    command = "models add gpt --provider openai --model m --key"
    interrupted(user, command, lambda t: t.wait_for("Key for gpt"))
    assert user.config.read_text() == before


def test_an_export_to_a_slow_pipe_or_a_file(user: User) -> None:
    lines = "".join(json.dumps(_line(n)) + "\n" for n in range(6000))
    exported = user.file("old.jsonl", lines)
    done = user.spawn("history", "import", str(exported))
    assert done.code == 0, done.err
    out = user.work / "out.jsonl"
    out.write_text("kept\n")
    fifo = user.work / "pipe"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        command = f"exec {sys.executable} -m ensemble_lsp history export > {fifo}"
        with Terminal(["sh", "-c", command], env=user.environment, cwd=user.work) as terminal:
            # After these lines no one reads: the pipe is soon full.
            end = time.monotonic() + 60
            got = b""
            while len(got) < 1000 and time.monotonic() < end:
                try:
                    got += os.read(reader, 1000)
                except BlockingIOError:
                    time.sleep(0.05)
            assert got.startswith(b"{")
            terminal.type("\x03")
            assert terminal.ended(AT_ONCE) == 130
            assert "Traceback" not in terminal.text
    finally:
        os.close(reader)
    with Terminal(
        [*PROGRAM, "history", "export", "--out", "out.jsonl"], env=user.environment, cwd=user.work
    ) as terminal:
        _wait(lambda: any(p.name.startswith(".out.jsonl.") for p in user.work.iterdir()))
        terminal.type("\x03")
        code = terminal.ended(AT_ONCE)
    # Either it was quicker, or the old file is as it was.
    assert (code, out.read_text() == "kept\n") in ((130, True), (0, False))
    assert not [p for p in user.work.iterdir() if p.name.startswith(".out")]


def _line(number: int) -> dict[str, object]:
    return {
        "type": "suggestion", "id": f"s{number}", "time": 1.7e9 + number, "task": "complete",
        "models": ["gpt"], "language": "python", "chars": 4000,
    }  # fmt: skip


def _wait(condition: Callable[[], bool], timeout: float = 40) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_preparation_of_training_data_writes_all_or_nothing(user: User) -> None:
    user.model("gpt", "https://api.openai.com/v1", model="gpt-4.1-mini")
    for number in range(3000):
        user.file(f"pkg{number % 50}/m{number}.py", CODE)
    started = time.monotonic()
    interrupted(
        user,
        "finetune prepare . --model gpt --examples 100000 --out data",
        lambda _: (_wait((user.data / "history.sqlite3").exists), time.sleep(1)),
    )
    assert time.monotonic() - started < 60
    assert not (user.work / "data").exists()


def test_a_fine_tuning_job_stays_to_be_followed(user: User) -> None:
    forever = tuple(("running", [f"Step {n}/100000"]) for n in range(1, 2000))
    with running(TuningProvider(keys=["sk-1"], script=forever)) as provider:
        user.env["KEY"] = "sk-1"
        user.model("gpt", provider.base_url, model="gpt-4.1-mini", apiKeyEnv="KEY", local=False)
        chat = {
            "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
        }
        lines = [
            json.dumps({"messages": [{"role": "user", "content": f"f{n}"}, chat["messages"][1]]})
            for n in range(12)
        ]
        user.file("training.jsonl", "\n".join(lines) + "\n")
        command = "finetune start training.jsonl --model gpt"
        terminal = interrupted(user, command, lambda t: t.wait_for(r"\[y/N\]"))
        assert not provider.files
        terminal = interrupted(
            user, f"{command} --yes --every 0.2", lambda t: t.wait_for(r"Step \d+/")
        )
        [job] = user.spawn("finetune", "list", "--json").json
        assert job["state"] == "running" and job["jobId"].startswith("ftjob-")
        # The last sentence says how to continue.
        assert "finetune status" in terminal.text


def test_a_download_leaves_no_part(user: User) -> None:
    with silent_index(user):
        folder = user.data / "models"
        interrupted(
            user, "models add smollm2", lambda _: _wait(lambda: any(folder.glob(".fetching-*/pip")))
        )
        assert not list(folder.iterdir())


def test_the_demo_removes_its_folder_and_its_server(user: User) -> None:
    place = user.home / "tmp"
    place.mkdir()
    user.env["TMPDIR"] = str(place)
    interrupted(user, "demo", lambda _: _wait(lambda: any(place.glob("ensemble-demo-*/data"))))
    assert not list(place.iterdir())
