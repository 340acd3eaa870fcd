"""The request for a next edit and the prompt for it, shared by all model families."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from ..models.token_estimates import tokens_of
from ..types import Document, Position, RenderedPrompt, Snippet
from .edit_history import Hunk
from .region import Region, RegionSize

Wire = Literal["completions", "chat"]
_SPARE_TOKENS = 256
"""Reserve for text that the answer adds to the region."""


@dataclass(frozen=True, slots=True)
class RecentEdit:
    """One of the edits just made."""

    path: str
    """Relative to the workspace."""
    hunk: Hunk
    predicted: bool = False
    """Whether the user accepted it as a prediction."""


@dataclass(frozen=True, slots=True)
class EditDiagnostic:
    """A diagnostic from the client."""

    line: int
    """From 0."""
    severity: str
    message: str
    source: str = ""

    @property
    def text(self) -> str:
        """The diagnostic on one line."""
        source = f" (source: {self.source})" if self.source else ""
        message = " ".join(self.message.split())
        return f"line {self.line + 1}: [{self.severity}] {message}{source}"


@dataclass(frozen=True)
class EditRequest:
    """The inputs of a prompt for the next edit."""

    document: Document
    cursor: Position
    path: str
    """Relative to the workspace; models see no other path."""
    edits: tuple[RecentEdit, ...] = ()
    """The edits just made, oldest first, already redacted."""
    related: tuple[Snippet, ...] = ()
    """Passages of other files, best first, already redacted."""
    diagnostics: tuple[EditDiagnostic, ...] = ()
    redacted: Document | None = None
    """The document without secrets, with as many lines; ``None`` if it has no secret or the model is local."""
    redacted_cursor: Position | None = None
    """The cursor in ``redacted``."""
    characters: int = 24_000
    """Maximum length of a prompt, in characters."""

    @cached_property
    def shown(self) -> Document:
        """The document as the model sees it."""
        return self.redacted or self.document

    @cached_property
    def shown_cursor(self) -> Position:
        """The cursor in ``shown``."""
        return self.shown.clamp(self.redacted_cursor or self.cursor)

    def lines(self, region: Region) -> list[str]:
        """Return a region's lines as the model sees them, without their ends."""
        return [self.shown.line(number) for number in range(region.first, region.end)]

    def marked(self, region: Region, marker: str) -> list[str]:
        """Return a region's lines with a marker at the cursor."""
        lines, cursor = self.lines(region), self.shown_cursor
        if region.first <= cursor.line < region.end:
            line = lines[cursor.line - region.first]
            marked = line[: cursor.column] + marker + line[cursor.column :]
            lines[cursor.line - region.first] = marked
        return lines


@dataclass(frozen=True, slots=True)
class EditPrompt:
    """One request: the family's prompt, and the region that the answer rewrites."""

    family: Family
    request: EditRequest
    region: Region
    rendered: RenderedPrompt
    stop: tuple[str, ...] = ()
    prefill: str = ""
    """The beginning of the answer, which is already in the prompt."""

    @property
    def max_tokens(self) -> int:
        """The answer's limit: one and a half times the region, with a reserve."""
        size = sum(len(line) + 1 for line in self.request.lines(self.region))
        return tokens_of(size * 3 // 2) + _SPARE_TOKENS


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models: its prompt format and its answer parser."""

    name: str
    wire: Wire
    """``completions`` if the prompt is one raw text, ``chat`` if it is messages."""
    size: RegionSize
    tokens: tuple[str, ...]
    """Control tokens: a region that contains one is not sent, elsewhere they are broken up."""
    render: Callable[[EditRequest, Region], EditPrompt]
    read: Callable[[EditPrompt, str], list[str] | None] = field(repr=False)
    """Return the new lines of the region; ``None`` for no change or an answer that cannot be read."""

    def clean(self, text: str) -> str:
        """Return a text with the family's control tokens broken up."""
        for token in self.tokens:
            if token in text:
                text = text.replace(token, f"{token[0]} {token[1:]}")
        return text

    def may_show(self, lines: Iterable[str]) -> bool:
        """Return whether lines have no control token of the family."""
        return not any(token in line for line in lines for token in self.tokens)


def above_and_below(
    request: EditRequest, region: Region, wider: Region
) -> tuple[list[str], list[str]]:
    """Return the lines of a wider region above and below a region."""
    above = request.lines(Region(wider.first, region.first))
    return above, request.lines(Region(region.end, wider.end))


def newest_within(edits: Sequence[RecentEdit], count: int, characters: int) -> list[RecentEdit]:
    """Return the newest edits that fit, oldest first."""
    chosen: list[RecentEdit] = []
    for edit in reversed(edits[-count:]):
        characters -= len(edit.hunk.unified)
        if characters < 0:
            break
        chosen.insert(0, edit)
    return chosen


def best_within(related: Sequence[Snippet], characters: int) -> list[Snippet]:
    """Return the best passages that fit, best first."""
    chosen: list[Snippet] = []
    for snippet in related:
        characters -= len(snippet.text) + len(snippet.path)
        if characters < 0:
            break
        chosen.append(snippet)
    return chosen


def block(text: str) -> str:
    """Return a text that ends with a line end, unless it is empty."""
    return text if not text or text.endswith("\n") else text + "\n"


def joined(lines: Iterable[str]) -> str:
    """Return lines, each with a line end."""
    return "".join(f"{line}\n" for line in lines)
