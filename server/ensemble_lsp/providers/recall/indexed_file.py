"""One file of the token index: its lines, and the lines at the cursor that may not be evidence for themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ...types import Document
from ...uris import uri_to_path
from .beam_search import BELOW_TOKENS
from .context_trie import Contexts, Line
from .cursor import CursorContext

_FAMILIES = {
    "javascriptreact": "javascript",
    "typescript": "javascript",
    "typescriptreact": "javascript",
    "c": "cpp",
    "objective-c": "cpp",
    "objective-cpp": "cpp",
    "jsonc": "json",
}


@dataclass(eq=False, slots=True)
class IndexedFile:
    """The lines of an open document or of a file on disk."""

    uri: str
    family: str
    raw: tuple[str, ...]
    """The lines to index; released once a closed file has been read."""
    document: Document | None = None
    disk: tuple[str, ...] | None = None
    """While open: the lines on disk, if it is a workspace file."""
    lines: list[Line | None] = field(default_factory=list[Line | None])
    """The lines that were read; None for blank lines."""
    own: Contexts | None = None
    """The document's own counts, while it is in use."""
    counted: int = 0
    """The number of ``lines`` that are counted in ``own``."""


def count_lines(file: IndexedFile, start: int, end: int) -> None:
    """Add lines to the document's own counts, if it has any."""
    own = file.own
    if own is not None:
        for line in file.lines[start:end]:
            if line is not None:
                own.add(line)


def family_of(language: str) -> str:
    """Return the name under which a language's files are counted together."""
    return _FAMILIES.get(language, language)


def path_of(file: IndexedFile) -> str:
    """Return the file's path, with slashes."""
    return uri_to_path(file.uri).as_posix()


def last_line(lines: Sequence[Line | None]) -> Line | None:
    """Return the last line that is not blank."""
    return next((line for line in reversed(lines) if line is not None), None)


def lines_at_cursor(
    file: IndexedFile, cursor: CursorContext, tree: Contexts
) -> list[tuple[Contexts, Line, int | None]]:
    """Return the cursor's line and the beginning of the line below, each with its tree and number of tokens."""
    number = _number_of(file, cursor)
    if number is None:
        return []
    after = range(number + 1, len(file.lines))
    below = next((i for i in after if file.lines[i] is not None), None)
    held: list[tuple[Contexts, Line, int | None]] = []
    for i, tokens in ((number, None), (below, 1 + BELOW_TOKENS)):
        line = file.lines[i] if i is not None else None
        if i is None or line is None:
            continue
        held.append((tree, line, tokens))
        if file.own is not None and i < file.counted:
            held.append((file.own, line, tokens))
    return held


def _number_of(file: IndexedFile, cursor: CursorContext) -> int | None:
    """Return the number of the cursor's line, found by its text and the lines around it."""
    best, found = -1, None
    for number in _numbers(file, cursor.text, cursor.number):
        agreed = cursor.agreement(file.raw, number)
        if agreed > best:
            best, found = agreed, number
    return found


def _numbers(file: IndexedFile, text: str, guess: int) -> list[int]:
    """Return the lines equal to the cursor's, the guessed one first."""
    known = min(len(file.lines), len(file.raw))
    if guess < known and file.raw[guess].rstrip("\r\n") == text:
        return [guess]
    same = (i for i in range(known) if file.raw[i].startswith(text))
    return [i for i in same if file.raw[i].rstrip("\r\n") == text]
