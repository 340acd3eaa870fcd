"""Ctrl-C twice, Ctrl-C while modules are imported, and SIGTERM: as silent and as tidy as one Ctrl-C."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cli import PROGRAM, User
from tests.support.package_index import silent_index
from tests.support.providers import Fault, LoopbackProvider, running
from tests.support.terminal import Terminal

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals"),
]

AT_ONCE = 20.0
"""Seconds, for a loaded machine."""
CODE = "".join(f"def f{n}(a, b):\n    return a + b * {n}\n\n\n" for n in range(20))
TWICE, TERMINATED = "Ctrl-C twice", "SIGTERM"


@pytest.fixture
def user(tmp_path: Path) -> User:
    one = User(tmp_path)
    one.file("app.py", CODE)
    one.file("open.py", "def add(a, b):\n    \n")
    (one.home / "tmp").mkdir()
    one.env["TMPDIR"] = str(one.home / "tmp")
    return one


@pytest.fixture
def silent(user: User) -> Iterator[LoopbackProvider]:
    """A provider that takes a request and never answers."""
    with running(LoopbackProvider(fault=Fault.never_answer())) as one:
        user.model("slow", one.base_url, timeout=170, local=True)
        user.table("ensemble", budgetMs=100000)
        yield one


def stopped(user: User, command: str, how: str, begun: Callable[[Terminal], object]) -> Terminal:
    """Run a command, stop it when it has begun, and check how it ends."""
    with Terminal([*PROGRAM, *command.split()], env=user.environment, cwd=user.work) as terminal:
        begun(terminal)
        at = time.monotonic()
        if how == TERMINATED:
            terminal.process.send_signal(signal.SIGTERM)
        else:
            terminal.type("\x03")
            terminal.read(random.uniform(0, 0.2))
            terminal.type("\x03")
        code = terminal.ended(60)
        assert time.monotonic() - at < AT_ONCE
        assert code in ((143, -15) if how == TERMINATED else (130,)), terminal.text
        for word in ("Traceback", "Fatal", "ignored", "Exception"):
            assert word not in terminal.text, terminal.text
        assert terminal.output.rfind("\x1b[?25h") >= terminal.output.rfind("\x1b[?25l")
    assert not list((user.home / "tmp").iterdir())
    left = [p for p in user.home.rglob(".*") if p.is_file() and p.name != ".gitignore"]
    assert not left
    return terminal


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("how", [TWICE, TERMINATED])
@pytest.mark.parametrize(
    "command",
    ["complete open.py:2:5", "generate add", "doctor", "models test",
     "compare app.py --samples 5 --out out"],
)  # fmt: skip
def test_while_a_model_is_asked(
    user: User, silent: LoopbackProvider, command: str, how: str
) -> None:
    stopped(user, command, how, lambda _: silent.wait_for(lambda p: p.requests, timeout=60))
    silent.wait_for(lambda p: p.requests[0].closed, timeout=20)


@pytest.mark.parametrize("how", [TWICE, TERMINATED])
def test_the_demo(user: User, how: str) -> None:
    folder = user.home / "tmp"
    stopped(user, "demo", how, lambda _: wait_for(lambda: any(folder.glob("*/data"))))


@pytest.mark.parametrize("how", [TWICE, TERMINATED])
def test_a_download(user: User, how: str) -> None:
    with silent_index(user):
        folder = user.data / "models"
        stopped(
            user,
            "models add smollm2",
            how,
            lambda _: wait_for(lambda: any(folder.glob(".fetching-*/pip"))),
        )
        assert not list(folder.iterdir())


@pytest.mark.parametrize("how", [TWICE, TERMINATED])
@pytest.mark.parametrize(
    ("command", "question"),
    [("history clear", r"\[y/N\]"), ("init", "1 to "),
     ("models add gpt --provider openai --model m --key", "Key for gpt")],
)  # fmt: skip
def test_at_a_question(user: User, command: str, question: str, how: str) -> None:
    before = user.config.read_text()
    stopped(user, command, how, lambda t: t.wait_for(question))
    assert user.config.read_text() == before


# A finalizer in which the interpreter ignores KeyboardInterrupt, as it does in some callbacks of imports.
SLOW_IMPORT = """
import sys, time
class Last:
    def __del__(self):
        open({mark!r}, "w").close()
        time.sleep({seconds})
class Finder:
    def find_spec(name, path=None, target=None):
        if name == {module!r}:
            sys.meta_path.remove(Finder)
            Last()
sys.meta_path.insert(0, Finder)
"""


@pytest.mark.parametrize("module", ["ensemble_lsp.cli.main", "pydantic"])
def test_ctrl_c_while_a_module_is_imported(user: User, module: str) -> None:
    site, mark = user.home / "site", user.home / "importing"
    site.mkdir()
    code = SLOW_IMPORT.format(mark=str(mark), module=module, seconds=AT_ONCE + 10)
    (site / "sitecustomize.py").write_text(code)
    user.env["PYTHONPATH"] = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    for command in ("doctor", "models", "demo"):
        mark.unlink(missing_ok=True)
        stopped(user, command, TWICE, lambda _: wait_for(mark.exists))
