"""Complexity of the code at the cursor.

Python is measured with radon, one top-level block at a time: an edit costs one block, a block that
does not parse leaves the others measured, and the interpreter is never held for long. A block in
mid-edit keeps its last good value. Lizard measures blocks without one, and other languages.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from typing import Any, Literal

from ..languages import language_info
from ..syntax.python_ast import parse_python
from ..types import Document

Source = Literal["radon", "lizard", "last good", "none"]

MAX_LINES = 20_000
"""Longer Python files are not measured."""
MAX_LINES_LIZARD = 5_000
"""Longer files are not measured with lizard, which takes about 20 µs a line."""
_MAX_LINE_CHARS = 2_000
"""A longer line means minified or generated code, which is not measured."""
_BLOCK = re.compile(r"(?:@|async\s+def\b|def\b|class\b)")
_MEASURED = frozenset(
    {
        "c", "cpp", "csharp", "erlang", "fortran-modern", "go", "java", "javascript",
        "javascriptreact", "kotlin", "lua", "objective-c", "objective-cpp", "perl", "php", "python",
        "r", "ruby", "rust", "scala", "swift", "typescript", "typescriptreact", "vue", "zig",
    }
)  # fmt: skip
"""Languages that lizard measures."""
_NESTING_NODES = (
    ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith, ast.Match,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Complexity:
    """Complexity of the function at a line, or of the whole file outside functions."""

    cyclomatic: int = 1
    """McCabe's number; for a file, that of its most complex function."""
    nesting: int = 0
    """Depth of nested control structures."""
    lines: int = 0
    source: Source = "none"
    file_lines: int = 0


@dataclass(frozen=True, slots=True)
class MeasuredFunction:
    """A measured function; lines from 0, ``end`` inclusive."""

    start: int
    end: int
    cyclomatic: int
    nesting: int


@dataclass(frozen=True, slots=True)
class _Block:
    """A top-level block of a Python file and its functions, with lines relative to the block."""

    text: str
    functions: tuple[MeasuredFunction, ...]
    source: Source


@dataclass(frozen=True)
class FileComplexity:
    """The measurements of one version of a file."""

    version: int
    lines: int
    functions: tuple[MeasuredFunction, ...] = ()
    source: Source = "none"
    blocks: tuple[_Block, ...] = ()
    sources: tuple[tuple[int, Source], ...] = ()
    """The line from which each source applies; one entry a block."""

    def at(self, line: int) -> Complexity:
        """Return the complexity of the innermost function at ``line`` (from 0), else the file's."""
        functions, parents = self._nested
        index = bisect_right(functions, line, key=lambda f: f.start) - 1
        while index >= 0 and functions[index].end < line:
            index = parents[index]
        if index < 0:
            return self.whole()
        inner = functions[index]
        block = bisect_right(self.sources, line, key=lambda entry: entry[0]) - 1
        source = self.sources[block][1] if block >= 0 else self.source
        length = inner.end - inner.start + 1
        return Complexity(inner.cyclomatic, inner.nesting, length, source, self.lines)

    def whole(self) -> Complexity:
        """Return the complexity of the file: that of its most complex function."""
        return self._whole

    @cached_property
    def _whole(self) -> Complexity:
        cyclomatic = max((f.cyclomatic for f in self.functions), default=1)
        nesting = max((f.nesting for f in self.functions), default=0)
        return Complexity(cyclomatic, nesting, 0, self.source, self.lines)

    @cached_property
    def _nested(self) -> tuple[list[MeasuredFunction], list[int]]:
        """The functions by their start, outer before inner, and the index of each one's outer; or -1."""
        functions = sorted(self.functions, key=lambda f: (f.start, -f.end))
        parents: list[int] = []
        for index, function in enumerate(functions):
            parent = index - 1
            while parent >= 0 and functions[parent].end < function.start:
                parent = parents[parent]
            parents.append(parent)
        return functions, parents


def measure(
    document: Document,
    before: FileComplexity | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> FileComplexity:
    """Measure a file, given the result of an earlier version. Slow: call it in a thread.

    ``stopped`` is called after each block. It may sleep to release the interpreter, and returns whether
    to give up; then the result is empty.
    """
    measured = _measure(document, before, stopped)
    measured.at(0)  # builds the index here, in the thread
    return measured


def _measure(
    document: Document, before: FileComplexity | None, stopped: Callable[[], bool]
) -> FileComplexity:
    count = len(document.lines)
    limit = MAX_LINES if document.language == "python" else MAX_LINES_LIZARD
    if count > limit or any(len(line) > _MAX_LINE_CHARS for line in document.lines):
        return FileComplexity(document.version, count)
    if document.language == "python":
        return _measure_python(document, before, stopped)
    functions = _lizard(document.lines, document.language)
    source: Source = "lizard" if document.language in _MEASURED else "none"
    return FileComplexity(document.version, count, functions, source)


def _measure_python(
    document: Document, before: FileComplexity | None, stopped: Callable[[], bool]
) -> FileComplexity:
    texts = _split_blocks(document.lines)
    known = {block.text: block for block in before.blocks} if before else {}
    old = before.blocks if before else ()
    blocks: list[_Block] = []
    for index, text in enumerate(texts):
        block = known.get(text)
        if block is None:
            block = _parse_block(text)
            if stopped():
                return FileComplexity(document.version, len(document.lines))
        blocks.append(block or _unparsed(text, _last_good(old, index, len(texts), text)))
    functions: list[MeasuredFunction] = []
    sources: list[tuple[int, Source]] = []
    offset = 0
    for block in blocks:
        functions += [
            replace(f, start=f.start + offset, end=f.end + offset) for f in block.functions
        ]
        sources.append((offset, block.source))
        offset += block.text.count("\n")
    worst: Source = "radon"
    for block in blocks:
        worst = block.source if block.source != "radon" else worst
    return FileComplexity(
        document.version,
        len(document.lines),
        tuple(functions),
        worst,
        tuple(blocks),
        tuple(sources),
    )


def _split_blocks(lines: Sequence[str]) -> list[str]:
    r"""Split a Python file at its top-level definitions, with ``\n`` as line ends."""
    blocks: list[list[str]] = [[]]
    decorated = False
    for line in lines:
        if _BLOCK.match(line):
            if blocks[-1] and not decorated:
                blocks.append([])
            decorated = line.startswith("@")
        elif line[:1] not in ("", " ", "\t", "\r", "\n", "#", ")"):
            decorated = False
        blocks[-1].append(line.rstrip("\r\n"))
    return ["\n".join(block) + "\n" for block in blocks]


def _parse_block(text: str) -> _Block | None:
    radon: Any = import_module("radon.visitors")
    try:
        tree = parse_python(text)
        found = radon.ComplexityVisitor.from_ast(tree).blocks
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    nesting = {
        node.lineno: _nesting(node.body)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    functions = tuple(
        MeasuredFunction(f.lineno - 1, f.endline - 1, f.complexity, nesting.get(f.lineno, 0))
        for f in _flatten(found)
    )
    return _Block(text, functions, "radon")


def _flatten(blocks: Iterable[Any]) -> list[Any]:
    """Return all functions of radon's blocks, including methods, inner classes and closures."""
    out: list[Any] = []
    for block in blocks:
        if hasattr(block, "methods"):
            out += _flatten((*block.methods, *block.inner_classes))
        else:
            out += [block, *_flatten(block.closures)]
    return out


def _nesting(body: Sequence[ast.AST], depth: int = 0) -> int:
    deepest = depth
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        inner = depth + isinstance(node, _NESTING_NODES)
        deepest = max(deepest, _nesting(list(ast.iter_child_nodes(node)), inner))
    return deepest


def _last_good(old: Sequence[_Block], index: int, count: int, text: str) -> _Block | None:
    """Return the earlier version of a block: the one with the same first line, else the same index."""
    head = text.split("\n", 1)[0]
    named = [b for b in old if b.functions and b.text.split("\n", 1)[0] == head]
    if named:
        return named[0]
    place = old[index] if len(old) == count else None
    return place if place and place.functions else None


def _unparsed(text: str, good: _Block | None) -> _Block:
    """Return a block that does not parse, with its last good values shifted to its present lines."""
    if good is None:
        return _Block(text, _lizard(text.splitlines(keepends=True), "python"), "lizard")
    grown = text.count("\n") - good.text.count("\n")
    last = max(f.end for f in good.functions)
    changed = _first_difference(good.text, text)
    functions = tuple(
        replace(
            f,
            start=f.start + grown if f.start > changed else f.start,
            end=max(f.start, f.end + grown) if f.end >= changed or f.end == last else f.end,
        )
        for f in good.functions
    )
    return _Block(text, functions, "last good")


def _first_difference(a: str, b: str) -> int:
    """Return the index of the first line that differs."""
    pairs = zip(a.split("\n"), b.split("\n"), strict=False)
    return next((n for n, (x, y) in enumerate(pairs) if x != y), 0)


def _lizard(lines: Sequence[str], language: str) -> tuple[MeasuredFunction, ...]:
    if language not in _MEASURED or len(lines) > MAX_LINES_LIZARD:
        return ()
    lizard: Any = import_module("lizard")
    extension = language_info(language).extensions[0]
    try:
        found = lizard.analyze_file.analyze_source_code(f"x.{extension}", "".join(lines))
    except Exception:  # lizard raises many kinds of errors on incomplete code
        return ()
    return tuple(
        MeasuredFunction(
            f.start_line - 1,
            f.end_line - 1,
            f.cyclomatic_complexity,
            _depth_by_indent(lines[f.start_line - 1 : f.end_line]),
        )
        for f in found.function_list
    )


def _depth_by_indent(lines: Sequence[str]) -> int:
    """Return the nesting of a function by its indentation, which lizard does not report."""
    widths = sorted(
        {len(s) - len(s.lstrip()) for line in lines[1:] if (s := line.expandtabs(4)).strip()}
    )
    if len(widths) < 2:
        return 0
    head = lines[0].expandtabs(4)
    base = len(head) - len(head.lstrip())
    inner = [w for w in widths if w > base]
    if not inner:
        return 0
    unit = max(2, inner[0] - base)
    return max(0, round((inner[-1] - inner[0]) / unit))
