"""The program's data types: documents, prompts, answers, suggestions, outcomes.

All are immutable and independent of editor protocols and providers. Positions count Unicode code
points; only ``lsp/convert.py`` counts UTF-16 units.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from .uris import uri_to_path

Task = Literal["complete", "explain", "generate", "edit"]
TASKS: tuple[Task, ...] = ("complete", "explain", "generate", "edit")

LOCATOR = "locator"
"""The name of the model of an edit that no model predicted."""

OutcomeKind = Literal[
    "accepted", "partial", "typed", "rejected", "ignored", "superseded", "failed", "cancelled"
]
Trigger = Literal["invoked", "automatic"]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A position between two characters: line and column from 0; columns count code points."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Span:
    """A range of text from ``start`` (inclusive) to ``end`` (exclusive)."""

    start: Position
    end: Position

    @property
    def empty(self) -> bool:
        """Whether the span is empty."""
        return self.start == self.end


def common_prefix_length(one: Sequence[object], other: Sequence[object]) -> int:
    """Return the length of the common prefix of two tuples or texts.

    A binary search over slices: slice comparison runs in C and short-circuits on identical objects,
    such as lines that an edit left alone.
    """
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def split_lines(text: str) -> list[str]:
    r"""Split at ``\n``, ``\r\n`` and ``\r`` only, as LSP does; each line keeps its end.

    The last line never has an end: ``""`` gives ``[""]`` and ``"a\n"`` gives ``["a\n", ""]``.
    (``str.splitlines`` also splits at form feeds and U+2028.)
    """
    lines = list(io.StringIO(text, newline=""))
    if not lines or lines[-1].endswith(("\n", "\r")):
        lines.append("")
    return lines


@dataclass(frozen=True)
class Document:
    """One version of one file. ``lines`` keep their line ends; there is always at least one line."""

    uri: str
    version: int
    language: str
    lines: tuple[str, ...]

    @classmethod
    def from_text(cls, uri: str, version: int, language: str, text: str) -> Document:
        """Make a document from its text."""
        return cls(uri, version, language, tuple(split_lines(text)))

    @cached_property
    def text(self) -> str:
        """The whole text, joined on first use. Prefer the lines near the cursor."""
        return "".join(self.lines)

    @cached_property
    def path(self) -> str:
        """The path that the URI names, without percent escapes; empty for a URI without one."""
        path = uri_to_path(self.uri)
        return str(path) if path.parts else ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return uri_to_path(self.uri).name

    @property
    def end(self) -> Position:
        """The position after the last character."""
        return Position(len(self.lines) - 1, len(self.lines[-1]))

    def line(self, number: int) -> str:
        """Return a line without its end; empty past the end of the document."""
        return self.lines[number].rstrip("\r\n") if 0 <= number < len(self.lines) else ""

    def clamp(self, position: Position) -> Position:
        """Return the nearest position in the document."""
        if position.line < 0:
            return Position(0, 0)
        if position.line >= len(self.lines):
            return self.end
        return Position(position.line, max(0, min(position.column, len(self.line(position.line)))))

    def slice(self, span: Span) -> str:
        """Return the text of a span."""
        start, end = span.start, span.end
        if start.line == end.line:
            return self.lines[start.line][start.column : end.column]
        middle = self.lines[start.line + 1 : end.line]
        return "".join(
            (self.lines[start.line][start.column :], *middle, self.lines[end.line][: end.column])
        )

    def replace(self, span: Span, text: str, version: int | None = None) -> Document:
        """Return a new document with the span's text replaced; costs the edit, not the file's length."""
        start, end = span.start, span.end
        head, tail = self.lines[start.line][: start.column], self.lines[end.line][end.column :]
        first, last = start.line, end.line + 1
        # Adjacent "\r" and "\n" become one line end.
        if first > 0 and not head and self.lines[first - 1].endswith("\r"):
            first -= 1
            head = self.lines[first]
        new = split_lines(head + text + tail)
        if last < len(self.lines) and new[-1] == "":
            new.pop()
        lines = (*self.lines[:first], *new, *self.lines[last:])
        return Document(
            self.uri, self.version if version is None else version, self.language, lines
        )


def advance(start: Position, text: str) -> Position:
    """Return the position after a text that begins at ``start``."""
    lines = split_lines(text)
    if len(lines) == 1:
        return Position(start.line, start.column + len(text))
    return Position(start.line + len(lines) - 1, len(lines[-1]))


def advance_in(document: Document, start: Position, count: int) -> Position:
    """Return the position ``count`` characters after ``start``; at a line's end it stays on that line."""
    line, column = start.line, start.column + count
    while column > len(document.lines[line]) and line + 1 < len(document.lines):
        column -= len(document.lines[line])
        line += 1
    return Position(line, column)


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement: a span of the text before it, and the new text."""

    span: Span
    text: str

    def shift(self, position: Position) -> Position:
        """Return where a position at or after the span's end is once the edit is applied."""
        old, new = self.span.end, advance(self.span.start, self.text)
        if position.line == old.line:
            return Position(new.line, new.column + position.column - old.column)
        return Position(position.line + new.line - old.line, position.column)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A passage of another file that a prompt includes."""

    path: str
    text: str
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """A prompt in a model's own format, sent as it is: one raw text, or the messages of a chat."""

    text: str = ""
    """For a completions API; empty for a chat."""
    system: str = ""
    """Empty for a family without a system message."""
    user: str = ""
    prediction: str = ""
    """A text that the answer probably repeats, for services that take a prediction."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A provider-independent prompt, already cut to the model's context window.

    ``prefix``/``suffix`` is the text around the cursor (complete, generate) or around ``selection``
    (explain, generate on a selection). ``instruction`` is the user's (generate).
    """

    task: Task
    language: str
    path: str
    """Relative to the workspace; models see no other path."""
    prefix: str = ""
    suffix: str = ""
    selection: str = ""
    instruction: str = ""
    symbol: str = ""
    """The signature line of the enclosing function or class."""
    imports: str = ""
    """The file's import lines above ``prefix``."""
    related: tuple[Snippet, ...] = ()
    """Passages of other files, best first."""
    multiline: bool = True
    """complete: whether to complete a block instead of the rest of the line."""
    indent: str = ""
    """generate: the indentation of the generated code."""
    max_tokens: int = 256
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    rendered: RenderedPrompt | None = None
    """The prompt in the model's own format; it replaces the parts above."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of an answer, as the provider counts them, or estimated."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a streamed answer. ``usage`` and ``finish`` come with the last one."""

    text: str = ""
    model: str = ""
    """The configured name of the model that wrote it."""
    usage: Usage | None = None
    finish: Literal["stop", "length", "filter"] | None = None
    confidence: float | None = None
    """Geometric mean of the token probabilities so far, if the model reports them."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A model's complete answer."""

    text: str
    model: str
    usage: Usage = field(default_factory=Usage)
    finish: str = "stop"
    first_token_ms: float = 0.0
    total_ms: float = 0.0
    cost: float = 0.0
    """US dollars."""
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A text offered to the user: ``text`` replaces ``span`` in that version of the document."""

    id: str
    task: Task
    text: str
    models: tuple[str, ...]
    uri: str
    version: int
    span: Span
    language: str = ""
    agreement: float | None = None
    """The share of the members' weight that agrees on the text, 0 to 1; ``None`` for a single model."""
    shown_at: int = 0
    """Its position in the list it was offered in, from 0."""
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a suggestion."""

    id: str
    kind: OutcomeKind
    source: str
    """The source of the report: ``command``, ``notification`` or ``document``."""
    share: float = 0.0
    """The share of the text that was accepted, 0 to 1."""
    reward: float | None = None
    """0 to 1; ``None`` if the outcome is not a judgement (superseded, cancelled, ignored at a glance)."""
    shown_ms: float | None = None
    survival: float | None = None
    """The share of an accepted text that is still in the document, at the latest check."""


def confidence_of(logprobs: Iterable[float]) -> float | None:
    """Return the geometric mean of token probabilities, given their logarithms; ``None`` without any."""
    import math

    values = list(logprobs)
    return math.exp(sum(values) / len(values)) if values else None
