"""Cases: code with a hole, and the original text of the hole as the reference."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..context.symbols import Symbol, in_string_or_comment, outline
from ..selection.complexity import FileComplexity, measure
from ..syntax.node_kinds import SYMBOL_KINDS
from ..syntax.trees import ParsedRegion, Trees, encode, parser_for
from ..types import Document, Position, Span, Task, advance_in

if TYPE_CHECKING:
    from tree_sitter import Node

CaseKind = Literal["line", "block", "function", "generate", "explain", "nearby", "moved", "quiet"]
KINDS_OF: dict[Task, tuple[CaseKind, ...]] = {
    "complete": ("line", "block", "function"),
    "generate": ("generate",),
    "explain": ("explain",),
    "edit": ("nearby", "moved", "quiet"),  # from the git history, see ``edit_cases``
}
Band = Literal["simple", "moderate", "complex"]
BANDS: tuple[Band, ...] = ("simple", "moderate", "complex")
"""Cyclomatic complexity 1 to 5, 6 to 10, above: radon's ranks A, B, and the rest."""

LINES_PER_FILE = 24
"""Lines of one file that are considered as cases."""
_BLOCK_LINES, _BODY_LINES, _EXPLAIN_LINES = 12, 60, 120
_MIN_HOLE_CHARS = 3
"""Smallest number of non-blank characters in a hole."""
_BLOCKS = frozenset(
    {"block", "statement_block", "compound_statement", "body_statement", "declaration_list", "then"}
    | {"do_group", "do_block"}
)


@dataclass(frozen=True, slots=True)
class Case:
    """One request to every model; ``hole`` is the span removed from the file."""

    id: str
    """Hash of the request and the reference: equal for equal code, in any run."""
    kind: CaseKind
    task: Task
    file: Path
    path: str
    """Relative to the common folder, with slashes."""
    language: str
    hole: Span
    reference: str
    """The original text; for ``explain`` the code itself, which an answer need not equal."""
    complexity: int = 1
    """Cyclomatic complexity of the function around the hole; 1 outside functions."""
    nesting: int = 0
    symbol: str = ""
    """The signature of the function around the hole."""

    @property
    def band(self) -> Band:
        """The complexity in three bands."""
        return band_of(self.complexity)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the results file."""
        start, end = self.hole.start, self.hole.end
        return {
            "id": self.id, "kind": self.kind, "task": self.task, "path": self.path,
            "language": self.language, "complexity": self.complexity, "nesting": self.nesting,
            "hole": [start.line, start.column, end.line, end.column], "symbol": self.symbol,
            "truth": self.reference,
        }  # fmt: skip


def band_of(complexity: float) -> Band:
    """Return the band of a cyclomatic complexity."""
    return "simple" if complexity <= 5 else "moderate" if complexity <= 10 else "complex"


def cases_in(document: Document, file: Path, path: str, task: Task, seed: int) -> list[Case]:
    """Return all cases in a file for a task; lines are drawn by seed and path.

    Parses and measures the file: call it in a thread.
    """
    trees, known = Trees(2), measure(document)
    builder = _CaseBuilder(document, file, path, known)
    if task == "complete":
        rng = random.Random(f"{seed}:{path}")  # noqa: S311 - not a secret
        found = [*_lines(builder, trees, rng), *_blocks(builder)]
        found += _bodies(builder, trees, "function", _BLOCK_LINES)
        return found
    if task == "generate":
        return list(_bodies(builder, trees, "generate", _BODY_LINES))
    return list(_explained(builder, trees))


@dataclass(frozen=True, slots=True)
class _CaseBuilder:
    document: Document
    file: Path
    path: str
    known: FileComplexity

    def case(self, kind: CaseKind, hole: Span, symbol: str = "") -> Case:
        document, line = self.document, hole.start.line
        truth = document.slice(hole).replace("\r\n", "\n").replace("\r", "\n")
        inside = any(f.start <= line <= f.end for f in self.known.functions)
        around = self.known.at(line)
        left = document.replace(hole, "").text
        parts = (kind, self.path, left, str(hole.start), truth)
        task: Task = kind if kind in ("generate", "explain") else "complete"
        return Case(
            id=hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16],
            kind=kind,
            task=task,
            file=self.file,
            path=self.path,
            language=document.language,
            hole=hole,
            reference=truth,
            complexity=around.cyclomatic if inside else 1,
            nesting=around.nesting if inside else 0,
            symbol=symbol,
        )


def _lines(builder: _CaseBuilder, trees: Trees, rng: random.Random) -> Iterator[Case]:
    """Yield the rest of lines from a random place, half of the time in the middle of a word."""
    document = builder.document
    numbers = [n for n in range(len(document.lines)) if len(document.line(n).strip()) >= 8]
    rng.shuffle(numbers)
    for number in numbers[:LINES_PER_FILE]:
        line = document.line(number).rstrip()
        first = len(line) - len(line.lstrip())
        if in_string_or_comment(document, Position(number, first + 1), trees) or (
            in_string_or_comment(document, Position(number, first), trees)
        ):
            continue
        places = [m.start() for m in re.finditer(r"\b(?=\w)|(?<=[(\[{,=]) ?", line[first + 1 :])]
        inside = list(range(first + 1, len(line) - _MIN_HOLE_CHARS + 1))
        at = rng.choice(
            [first + 1 + p for p in places] if places and rng.random() < 0.5 else inside
        )
        hole = Span(Position(number, at), Position(number, len(line)))
        rest = line[at:]
        if len(re.sub(r"\s", "", rest)) < _MIN_HOLE_CHARS or not re.search(r"\w", rest):
            continue
        if in_string_or_comment(document, Position(number, at), trees) == "comment":
            continue
        yield builder.case("line", hole)


def _blocks(builder: _CaseBuilder) -> Iterator[Case]:
    """Yield the bodies of conditions, loops and similar blocks."""
    parser = parser_for(builder.document.language)
    if parser is None:
        return
    syntax = ParsedRegion(builder.document, 0, parser.parse(encode(builder.document.text)))
    stack: list[Node] = [syntax.root]
    while stack:
        node = stack.pop()
        stack.extend(reversed(node.named_children))
        parent = node.parent
        if (
            node.type not in _BLOCKS
            or parent is None
            or parent.type in SYMBOL_KINDS
            or node.has_error
        ):
            continue
        span = inner(builder.document, syntax.span(node))
        if span is not None and _fits(builder.document, span, 1, _BLOCK_LINES):
            yield builder.case("block", span)


def _bodies(builder: _CaseBuilder, trees: Trees, kind: CaseKind, max_lines: int) -> Iterator[Case]:
    """Yield the bodies of functions; for ``generate`` only those with a docstring as the instruction."""
    document = builder.document
    for symbol in _functions(document, trees):
        if kind == "generate" and len(symbol.docstring.split()) < 4:
            continue
        hole = body_hole(document, symbol)
        if hole is not None and _fits(document, hole, 2, max_lines):
            yield builder.case(kind, hole, symbol.signature)


def _explained(builder: _CaseBuilder, trees: Trees) -> Iterator[Case]:
    for symbol in _functions(builder.document, trees):
        length = symbol.span.end.line - symbol.span.start.line + 1
        if 4 <= length <= _EXPLAIN_LINES and not symbol.empty:
            yield builder.case("explain", symbol.span, symbol.signature)


def _functions(document: Document, trees: Trees) -> Iterator[Symbol]:
    for symbol in outline(document, trees):
        if symbol.kind == "function" and symbol.body is not None and not symbol.empty:
            yield symbol


def body_hole(document: Document, symbol: Symbol) -> Span | None:
    """Return the span of a function's statements, without braces, docstring and surrounding white space."""
    if symbol.body is None:
        return None
    body, doc = symbol.body, symbol.docstring_span
    if doc is not None and body.start <= doc.start < body.end:
        body = Span(doc.end, body.end)
    return inner(document, body)


def inner(document: Document, span: Span) -> Span | None:
    """Return the content of a block, without braces and the white space at both ends."""
    text = document.slice(span)
    opened = 1 if text.startswith("{") and text.endswith("}") else 0
    inside = text[opened : len(text) - opened]
    if not inside.strip():
        return None
    start = opened + len(inside) - len(inside.lstrip())
    return Span(
        _at(document, span.start, start), _at(document, span.start, opened + len(inside.rstrip()))
    )


def _at(document: Document, start: Position, count: int) -> Position:
    """Return the position ``count`` characters after ``start``; never the end of a line that another follows."""
    at = advance_in(document, start, count)
    ends = at.column == len(document.lines[at.line]) and at.line + 1 < len(document.lines)
    return Position(at.line + 1, 0) if ends else at


def _fits(document: Document, hole: Span, min_lines: int, max_lines: int) -> bool:
    """Return whether a hole starts a line, has a length in range, and is not trivial."""
    lines = hole.end.line - hole.start.line + 1
    starts_line = not document.line(hole.start.line)[: hole.start.column].strip()
    text = document.slice(hole)
    has_code = len(re.sub(r"\s", "", text)) >= _MIN_HOLE_CHARS and text.strip() not in (
        "pass",
        "...",
    )
    return starts_line and min_lines <= lines <= max_lines and has_code
