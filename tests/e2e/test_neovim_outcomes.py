"""What becomes of a suggestion, told from the edits that a real Neovim sends, keystroke by keystroke.

No plugin of ours and no word to the server: an accept is text that appears, as from a client that runs no
command. Each place is a session of one editor, in which a user does all of these things by turns.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import OperationalError, connect

import pytest

from tests.e2e import nvim
from tests.e2e.nvim import Neovim
from tests.e2e.test_stock_neovim import SILENT, readme_lines
from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Place:
    """A file that ends where something is suggested, the suggestion, and what a user wrote instead."""

    file: str
    code: str
    reply: str
    other: str

    @property
    def word(self) -> str:
        """The suggestion's first word, with the white space before it."""
        start = len(self.reply) - len(self.reply.lstrip())
        return self.reply[: start + len(self.reply[start:].split()[0])]


PLACES = {
    "python": Place("app.py", "def area(width, height):\n    return ", "width * height", "None"),
    "not ascii": Place(
        "größe.py",
        'größen = {"🎈": 3}\n\n\ndef größe(höhe):\n    return ',
        'höhe * größen["🎈"] + größen["🎈"]',
        "None",
    ),
    "several lines": Place(
        "fib.py",
        "def fib(n):\n    ",
        "if n < 2:\n        return n\n    return fib(n - 1) + fib(n - 2)",
        "pass",
    ),
    "javascript": Place("app.js", "const total = items.", "map(f).reduce(add, 0);", "length;"),
    "go": Place("app.go", "package app\n\nvar limit = ", "min(first, second)", "10"),
    "rust": Place(
        "app.rs", "fn half(n: u32) -> u32 {\n    ", "match n { 0 => 1, _ => n / 2 }", "todo!()"
    ),
}


_INDENT = re.compile(r"\n +")


def keys(text: str) -> str:
    """A text as keys."""
    return text.replace("<", "<lt>").replace("\n", "<CR>")


def accepts(editor: Neovim, place: Place) -> None:
    """The whole at once."""
    editor.type("<C-l>")
    editor.reads(place.code + place.reply)
    editor.type("<CR>")


def accepts_word_by_word(editor: Neovim, place: Place) -> None:
    """A word, and the next one where the rest is offered."""
    done = ""
    while done != place.reply:
        rest = place.reply[len(done) :]
        editor.shows(rest)
        editor.type("<C-o>")
        start = len(rest) - len(rest.lstrip())
        done += rest[: start + len(rest[start:].split()[0])]
        editor.reads(place.code + done)


def accepts_a_word(editor: Neovim, place: Place) -> None:
    """The first word, then something else."""
    editor.type("<C-o>")
    editor.reads(place.code + place.word)
    editor.look()
    editor.type(keys("; other = 1\nx = 1"))


def types_it(editor: Neovim, place: Place) -> None:
    """Every key by hand; the editor indents a new line itself."""
    for char in _INDENT.sub("\n", place.reply):
        editor.type(keys(char))
    editor.reads(place.code + place.reply)
    editor.type("<CR>")


def slips_and_types_it(editor: Neovim, place: Place) -> None:
    """A wrong key at the second place, taken back."""
    editor.type(keys(place.reply[:1]) + "q<BS>" + keys(_INDENT.sub("\n", place.reply[1:])))
    editor.reads(place.code + place.reply)
    editor.type("<CR>")


def writes_something_else(editor: Neovim, place: Place) -> None:
    """Looked at, and written over."""
    editor.look()
    editor.type(keys(place.other))
    editor.reads(place.code + place.other)


def accepts_and_undoes(editor: Neovim, place: Place) -> None:
    """An accept that is taken back once it was read; faster than that the editor would tell of neither."""
    editor.type("<C-l>")
    editor.reads(place.code + place.reply)
    editor.look()
    editor.type("<Esc>u")
    editor.reads(place.code)
    editor.look()


def goes_away(editor: Neovim, place: Place) -> None:
    """Nothing is written; the user goes on elsewhere."""
    editor.look()
    editor.type("<Esc>gg")


DEEDS: dict[Callable[[Neovim, Place], None], str] = {
    accepts: "accepted",
    accepts_word_by_word: "accepted",
    accepts_a_word: "partial",
    types_it: "typed",
    slips_and_types_it: "typed",
    writes_something_else: "rejected",
    accepts_and_undoes: "rejected",
    goes_away: "ignored",
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_fates_are_told_from_a_real_editors_edits(
    place: Place, home: Home, neovims: Path, provider: LoopbackProvider
) -> None:
    provider.reply = place.reply
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"debounceMs": 10, "budgetMs": 20000}
    seen: dict[str, list[str]] = {}
    with nvim.running(neovims / "0.12" / "nvim", home, readme_lines(home)) as editor:
        editor.lua(SILENT)
        for number, deed in enumerate(DEEDS):
            before = len(editor.outcomes()) if number else 0
            editor.open(f"{number}_{place.file}", place.code)
            editor.type("A")
            editor.shows(place.reply)
            deed(editor, place)
            editor.type("<Esc>")
            editor.api.command("bwipeout!")
            wait_until(lambda: _settled(editor, before), f"the outcomes of {deed.__name__}")  # noqa: B023 - called at once
            seen[deed.__name__] = [kind for kind, _, _ in editor.outcomes()[before:]]
            assert {source for _, source, _ in editor.outcomes()} == {"document"}
    fates = {deed: next(k for k in kinds if k != "superseded") for deed, kinds in seen.items()}
    assert fates == {deed.__name__: fate for deed, fate in DEEDS.items()}, seen


def _settled(editor: Neovim, before: int) -> bool:
    """Whether every suggestion has its outcome, and one that says something is among the new."""
    file = editor.home.path / "data" / "history.sqlite3"
    with suppress(OperationalError), closing(connect(f"file:{file}?mode=ro", uri=True)) as database:
        (offered,) = database.execute("select count(*) from suggestions").fetchone()
        new = editor.outcomes()[before:]
        return offered == before + len(new) and any(kind != "superseded" for kind, _, _ in new)
    return False
