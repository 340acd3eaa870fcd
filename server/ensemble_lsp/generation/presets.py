"""Ready-made requests for code: fix the reported problems, write tests, write documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from ..context.diagnostics import Diagnostic, fix_instruction, fix_region
from ..context.generation_intent import GenerationIntent
from ..context.symbols import Symbol, enclosing
from ..errors import DocumentError
from ..languages import COMMENT_LINE
from ..syntax.indentation import indent_of, indent_unit_near, newline_of
from ..syntax.trees import Trees
from ..types import Document, Position, Span
from .kept_syntax import KeptSyntax

Preset = Literal["fix", "tests", "documentation"]

_DOCSTRING = re.compile(r"\s*[rRuU]?(\"\"\"|''').*?\1", re.DOTALL)
_TESTS = """\
Write unit tests for `{signature}`, which is in the file above. Use the test framework that the project \
uses{framework}. Test the usual cases, the edges and the errors. Write only the tests, not the code that \
they test."""
_FRAMEWORKS = {"python": "; by default pytest", "rust": "; a module `tests` with `#[cfg(test)]`"}
_DOCUMENTATION = """\
Write the {kind} of `{signature}`: one sentence that says what it does, then, only where they help, its \
parameters, result and errors, in the style of the file. Write only the {kind}, not the code."""


@dataclass(frozen=True, slots=True)
class PresetRequest:
    """A request for code with its place, and what an answer must be."""

    intent: GenerationIntent
    fit: Callable[[str], str]
    """Returns the usable part of a post-processed answer; empty without one."""
    refusal: str
    """The sentence for the user if no answer is usable."""


def preset_request(
    preset: Preset, document: Document, span: Span, diagnostics: Sequence[Diagnostic] = ()
) -> PresetRequest:
    """Return the request of a preset at a span. Raises ``DocumentError`` where it does not apply."""
    if preset == "fix":
        return _fix(document, span, diagnostics)
    # An action is only offered on the first line; a command of the user's means the code around the cursor.
    symbol = defined_at(document, span) or enclosing(document, span.start)
    if symbol is None:
        raise DocumentError("Put the cursor in a function or class: this place has no definition.")
    if preset == "tests":
        return _tests(document, symbol)
    return _documentation(document, symbol)


def defined_at(document: Document, span: Span, trees: Trees | None = None) -> Symbol | None:
    """Return the function or class whose signature is at the start of a span, or that a span covers."""
    number = span.start.line
    line = document.line(number)
    first = max(span.start.column, len(indent_of(line)))
    # Words such as ``export`` are outside of the definition that they belong to.
    for column in (first, max(0, len(line.rstrip(" \t;")) - 1)):
        symbol = enclosing(document, Position(number, column), trees)
        if symbol is None or symbol.body is None:
            continue
        if number <= max(symbol.span.start.line, symbol.body.start.line - 1):
            return symbol
    return None


def can_document(document: Document, symbol: Symbol) -> bool:
    """Return whether a definition has no documentation, and room for it."""
    if symbol.docstring or symbol.body is None:
        return False
    above = document.line(symbol.body.start.line - 1).rstrip()
    return document.language != "python" or (
        symbol.body.start.line > symbol.span.start.line and above.endswith(":")
    )


def _fix(document: Document, span: Span, diagnostics: Sequence[Diagnostic]) -> PresetRequest:
    if not diagnostics:
        raise DocumentError("Put the cursor on a reported problem: this place has none to fix.")
    region = fix_region(document, span)
    if not document.slice(region).strip():
        raise DocumentError("Put the cursor on code: this line has none to fix.")
    indent = indent_of(document.line(region.start.line))
    instruction = fix_instruction(region, diagnostics)
    kept = KeptSyntax(document, region)

    def fit(text: str) -> str:
        changed = text.strip() != document.slice(region).strip()
        return text if changed and kept(text) else ""

    refusal = (
        "Try again, or ask another model: each answer left the code as it is or would break the "
        "syntax of the file."
    )
    return PresetRequest(GenerationIntent("fix", instruction, region, indent), fit, refusal)


def _tests(document: Document, symbol: Symbol) -> PresetRequest:
    """Return the request for tests, which go to the end of the file."""
    newline, at = newline_of(document.lines[0]), document.end
    head = newline * (3 if document.lines[-1].strip() else 2)
    kept = KeptSyntax(document, Span(at, at))

    def fit(text: str) -> str:
        whole = f"{head}{text.strip()}{newline}"
        return whole if text.strip() and kept(whole) else ""

    instruction = _TESTS.format(
        signature=symbol.signature, framework=_FRAMEWORKS.get(document.language, "")
    )
    refusal = "Try again, or ask another model: no answer has tests that fit the file."
    return PresetRequest(
        GenerationIntent("tests", instruction, Span(at, at), "", symbol), fit, refusal
    )


def _documentation(document: Document, symbol: Symbol) -> PresetRequest:
    if symbol.body is None or not can_document(document, symbol):
        raise DocumentError(
            f"Choose another definition: {symbol.name} has documentation, or no room for it."
        )
    indent = indent_of(document.line(symbol.span.start.line))
    if document.language == "python":
        line = symbol.body.start.line - 1
        at = Position(line, len(document.line(line)))
        kind, fit = "docstring", _docstring
        indent += indent_unit_near(document, line)
    else:
        at = Position(symbol.span.start.line, len(indent))
        kind, tail = "documentation comment", newline_of(document.lines[0]) + indent

        def fit(text: str) -> str:
            comment = _comment(text)
            return comment + tail if comment else ""

    instruction = _DOCUMENTATION.format(kind=kind, signature=symbol.signature)
    refusal = f"Try again, or ask another model: no answer is a {kind}."
    intent = GenerationIntent("documentation", instruction, Span(at, at), indent, symbol)
    return PresetRequest(intent, fit, refusal)


def _docstring(text: str) -> str:
    """Return the docstring at the start of an answer; empty without one."""
    found = _DOCSTRING.match(text)
    return found.group() if found else ""


def _comment(text: str) -> str:
    """Return the comment lines at the start of an answer."""
    lines = text.split("\n")
    count = next((n for n, line in enumerate(lines) if not COMMENT_LINE.match(line)), len(lines))
    return "\n".join(lines[:count]).rstrip()
