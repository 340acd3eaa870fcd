"""Programs that a parent starts without some of the standard streams, as daemons and schedulers do."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import PROGRAM, User

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such shell"),
]


@pytest.fixture
def user(tmp_path: Path) -> User:
    one = User(tmp_path)
    one.file("app.py", "def add(a, b):\n    return a + b\n\n\n" * 4 + "def more(a, b):\n    ret")
    one.lines = ["[[models]]", 'name = "recall"', 'provider = "recall"', ""]
    one.table("explain", hover=False)
    return one


@pytest.mark.parametrize(
    ("command", "closed", "code", "output"),
    [
        ("models", ">&-", 0, ""),
        ("models", "2>&-", 0, "recall"),
        ("complete app.py:18:8", "<&-", 0, "urn a + b"),
        ("complete app.py:18:8", "<&- >&- 2>&-", 0, ""),
        ("complete nothing.py:1:1", "2>&-", 2, ""),
        ("no-such-command", ">&- 2>&-", 2, ""),
        ("serve --stdio", "<&-", 1, ""),
        ("serve --stdio", "<&- >&- 2>&-", 1, ""),
    ],
)
def test_a_closed_stream_is_no_error(
    user: User, command: str, closed: str, code: int, output: str
) -> None:
    line = f"{shlex.join(PROGRAM)} {command} {closed}"
    done = subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, env=user.environment, cwd=user.work,
        timeout=90, check=False,
    )  # fmt: skip
    assert (done.returncode, output in done.stdout) == (code, True), done
    assert "internal error" not in done.stderr and "Traceback" not in done.stderr


def test_nothing_is_written_into_the_history_in_place_of_a_stream(user: User) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{shlex.join(PROGRAM)} complete app.py:18:8 >&-"],
        env=user.environment, cwd=user.work, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    stats = user.spawn("history", "--json")
    assert stats.code == 0 and "recall" in stats.out, stats
