"""Positions as editors show them: the line after the last line end exists, and one column after the last character."""

from __future__ import annotations

import pytest

from tests.support.cli import InProcess, Result
from tests.support.providers import LoopbackProvider, running

TEXT = "def one():\n    return 1\n"


@pytest.fixture
def user(user: InProcess) -> InProcess:
    user.file("lf.py", TEXT)
    user.file("crlf.py", TEXT.replace("\n", "\r\n"))
    user.file("cr.py", TEXT.replace("\n", "\r"))
    user.file("bom.py", b"\xef\xbb\xbf" + TEXT.encode())
    user.file("open.py", TEXT[:-1])
    user.file("empty.py", "")
    user.file("a:b.py", TEXT)
    return user


COMMANDS = {
    "complete": "complete {}",
    "edit": "edit {}",
    "models why": "models why {}",
    "show-prompt": "doctor --show-prompt {}",
}


def ran(user: InProcess, command: str, place: str) -> Result:
    with running(LoopbackProvider("x = 1")) as provider:
        user.lines.clear()
        user.model("gpt", provider.base_url)
        return user.run(*command.format(place).split())


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    "place",
    ["lf.py:3:1", "lf.py:2:13", "crlf.py:3:1", "crlf.py:2:13", "cr.py:3:1", "bom.py:1:11", "bom.py:3:1",
     "open.py:2:13", "empty.py:1:1", "a:b.py:3:1"],
)  # fmt: skip
def test_a_place_that_an_editor_shows_exists(user: InProcess, command: str, place: str) -> None:
    result = ran(user, command, place)
    # There may be nothing to suggest there, but the place is not refused.
    assert result.code in (0, 1), result
    assert " not " not in result.err or "No " in result.err, result


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("lf.py:4:1", "lf.py has 3 lines, not 4"),
        ("crlf.py:4:1", "crlf.py has 3 lines, not 4"),
        ("open.py:3:1", "open.py has 2 lines, not 3"),
        ("empty.py:2:1", "empty.py has 1 line, not 2"),
        ("lf.py:3:2", "line 3 of lf.py has 1 column, not 2"),
        ("crlf.py:2:14", "line 2 of crlf.py has 13 columns, not 14"),
        ("lf.py:0:1", "counted from 1"),
        ("lf.py:1:0", "counted from 1"),
    ],
)
def test_a_place_beyond_the_end_is_wrong_usage(
    user: InProcess, command: str, place: str, words: str
) -> None:
    ran(user, command, place).fails(2, words)


@pytest.mark.parametrize("place", ["lf.py:3", "crlf.py:3", "open.py:2", "empty.py:1", "empty.py"])
def test_code_is_generated_at_every_line_that_an_editor_shows(user: InProcess, place: str) -> None:
    result = ran(user, "generate two --at {}", place)
    assert (result.code, result.out) == (0, "x = 1\n"), result


@pytest.mark.parametrize(
    ("place", "code", "words"),
    [
        ("lf.py:1", 0, ""),
        ("lf.py:1-3", 0, ""),
        ("crlf.py:2-3", 0, ""),
        ("lf.py:3", 1, "Select some code to explain: this place has no code"),
        ("empty.py", 1, "Select some code to explain: this place has no code"),
        ("lf.py:1-4", 2, "lf.py has 3 lines, not 4"),
        ("lf.py:2-1", 2, "the last line must not come before the first"),
        ("generate", 2, "does not exist"),
    ],
)
def test_lines_are_explained(user: InProcess, place: str, code: int, words: str) -> None:
    result = ran(user, "explain {}", place)
    assert result.code == code and words in result.err, result


@pytest.mark.parametrize("place", ["lf.py:2:5", "crlf.py:2:1", "a:b.py:2:3"])
@pytest.mark.parametrize("command", ["explain {}", "generate x --at {}"])
def test_a_place_with_a_column_is_its_line(user: InProcess, command: str, place: str) -> None:
    """Compilers and searches print ``FILE:LINE:COL``."""
    assert ran(user, command, place).code == 0
    ran(user, command, place.replace(":2:", ":9:")).fails(2, "has 3 lines, not 9.")
