"""Functions, classes and calls at a position, from the syntax tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..syntax.indentation import indent_of
from ..syntax.node_kinds import (
    ARGUMENTS,
    BODIES,
    CALLEES,
    CALLS,
    SYMBOL_KINDS,
    WRAPPERS,
    SymbolKind,
)
from ..syntax.trees import ParsedRegion, Trees, ancestors, syntax_at
from ..types import Document, Position, Span

if TYPE_CHECKING:
    from tree_sitter import Node

_PLACEHOLDER = re.compile(
    r"""(?: pass | \.\.\. | raise\s+NotImplementedError\b[^\n]* | todo!\([^)]*\)
    | unimplemented!\([^)]*\) | panic\("(?i:not\ implemented|todo|implement\ me)[^"]*"\)
    | throw\s+new\s+\w+\(\s*["'`]?(?i:[^)]*(?:not\ implemented|todo)[^)]*)?\)
    | TODO\([^)]*\) | raise\s+NotImplementedError | return\s*;? ) \s* ;?""",
    re.VERBOSE,
)
_COMMENTS = re.compile(r"\#[^\n]*|//[^\n]*|--[^\n]*|/\*.*?\*/", re.DOTALL)
_DEFINITION = re.compile(
    r"""\s*(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|override
    |open|pub(?:\([a-z]+\))?|unsafe|local|inline|data|sealed)\s+)*
    (?P<keyword>def|class|function|fn|func|fun|sub|interface|struct|impl|trait|module|enum|object)
    \*?\s+(?:\([^)]*\)\s*)?(?P<name>[\w.:<>]+)""",
    re.VERBOSE,
)
_CLASS_WORDS = frozenset(
    {"class", "enum", "impl", "interface", "module", "object", "struct", "trait"}
)
_MAX_SIGNATURE = 400
_MAX_SYMBOLS = 2000


@dataclass(frozen=True, slots=True)
class Symbol:
    """A function, class or call. ``span`` includes decorators and modifiers; ``body`` is its content."""

    kind: SymbolKind
    name: str
    signature: str
    """One line, without the body: ``def total(items: list[int]) -> int``."""
    span: Span
    body: Span | None = None
    """For Python, the block with the docstring; elsewhere, with its braces. ``None`` without a body."""
    docstring: str = ""
    """Its text without quotes or comment signs."""
    docstring_span: Span | None = None
    empty: bool = False
    """Whether the body is a placeholder: ``pass``, ``...``, a docstring, "not implemented"."""
    depth: int = 0
    """The number of symbols around it."""


def enclosing(
    document: Document,
    position: Position,
    trees: Trees | None = None,
    kind: SymbolKind | None = None,
) -> Symbol | None:
    """Return the innermost named function or class at a position; ``None`` outside of any.

    A position on the blank lines after a Python body belongs to that body by its indentation. If the
    code is too broken for a tree, or there is no grammar, keywords and indentation are used.
    """
    syntax = syntax_at(document, position, trees)
    if syntax is None:
        return enclosing_by_indentation(document, position, kind)
    broken = False
    for node in ancestors(syntax.node_at(_anchor(document, position))):
        broken = broken or node.is_error or (node.parent is None and node.has_error)
        symbol = _symbol(syntax, node)
        if symbol is None or kind not in (None, symbol.kind):
            continue
        if not _is_below(document, position, symbol):
            return symbol
    return enclosing_by_indentation(document, position, kind) if broken else None


def _is_below(document: Document, position: Position, symbol: Symbol) -> bool:
    """Return whether a position on an indented blank line is below a symbol, and not deeper than it."""
    head = document.line(position.line)[: position.column]
    first = document.line(symbol.span.start.line)
    is_blank = bool(head) and not document.line(position.line).strip()
    return is_blank and symbol.span.end < position and len(head) <= len(indent_of(first))


def enclosing_by_indentation(
    document: Document, position: Position, kind: SymbolKind | None = None
) -> Symbol | None:
    """Like ``enclosing``, from keywords and indentation alone, within 400 lines above."""
    number = position.line
    line = document.line(number)
    depth = len(indent_of(line)) if line.strip() else position.column
    while number >= max(0, position.line - 400):
        line = document.line(number)
        indent = len(indent_of(line))
        if line.strip() and (indent < depth or number == position.line):
            depth = indent
            found = _DEFINITION.match(line)
            if found is not None:
                found_kind: SymbolKind = "class" if found["keyword"] in _CLASS_WORDS else "function"
                if kind in (None, found_kind):
                    return _symbol_by_line(document, number, found["name"], found_kind)
            if not indent:
                return None
        number -= 1
    return None


def _symbol_by_line(document: Document, first: int, name: str, kind: SymbolKind) -> Symbol:
    indent = len(indent_of(document.line(first)))
    last = first
    for number in range(first + 1, min(first + 1000, len(document.lines))):
        line = document.line(number)
        if not line.strip():
            continue
        if len(indent_of(line)) <= indent:
            last = number if line.lstrip()[:1] in ("}", ")") or line.strip() == "end" else last
            break
        last = number
    span = Span(Position(first, indent), Position(last, len(document.line(last))))
    return Symbol(kind, name, _signature(document.line(first), False), span)


def symbol_at(document: Document, position: Position, trees: Trees | None = None) -> Symbol | None:
    """Return the symbol that a hover explains: the call whose name is there, else ``enclosing``."""
    return call_at(document, position, trees) or enclosing(document, position, trees)


def call_at(document: Document, position: Position, trees: Trees | None = None) -> Symbol | None:
    """Return the call whose name is at a position; ``None`` anywhere else, including its arguments."""
    syntax = syntax_at(document, position, trees)
    if syntax is None:
        return None
    for node in ancestors(syntax.node_at(position)):
        if node.type in ARGUMENTS or node.type in SYMBOL_KINDS:
            return None
        if node.type in CALLS:
            name, span = _callee_name(syntax, node), syntax.span(node)
            return Symbol("call", name, _one_line(syntax.text(node)), span) if name else None
    return None


def outline(
    document: Document, trees: Trees | None = None, *, near: Position | None = None
) -> tuple[Symbol, ...]:
    """Return the named functions and classes in order, nested ones included; in a large file, those near."""
    syntax = syntax_at(document, near, trees)
    return () if syntax is None else tuple(_walk(syntax))


def in_string_or_comment(
    document: Document, position: Position, trees: Trees | None = None
) -> Literal["string", "comment"] | None:
    """Return whether the character before a position is part of a string's content or a comment."""
    if position.column == 0:
        return None
    syntax = syntax_at(document, position, trees)
    if syntax is None:
        return None
    node = syntax.node_at(Position(position.line, position.column - 1))
    for each in ancestors(node):
        if "comment" in each.type:
            return "comment"
        if "interpolation" in each.type or "substitution" in each.type:
            return None
        if "string" in each.type and each.type != "concatenated_string":
            # After the closing quote.
            return None if syntax.span(each).end == position else "string"
    return None


def _anchor(document: Document, position: Position) -> Position:
    """Return the position to look up in the tree: for an indented blank line, the end of the code above."""
    line = document.line(position.line)
    if line[: position.column].strip() or not line[: position.column]:
        if line.strip():
            return Position(position.line, min(position.column, max(0, len(line) - 1)))
        return position
    if line.strip():
        return Position(position.line, len(indent_of(line)))
    for number in range(position.line - 1, max(-1, position.line - 60), -1):
        above = document.line(number)
        if above.strip():
            if len(indent_of(above)) >= position.column or above.rstrip().endswith((":", "{")):
                return Position(number, len(above.rstrip()) - 1)
            return Position(number, len(indent_of(above)))
    return position


def _walk(syntax: ParsedRegion) -> Iterator[Symbol]:
    stack: list[tuple[Node, int]] = [(syntax.root, 0)]
    count = 0
    while stack and count < _MAX_SYMBOLS:
        node, depth = stack.pop()
        symbol = _symbol(syntax, node, depth)
        if symbol is not None:
            count += 1
            yield symbol
            depth += 1
        stack.extend((child, depth) for child in reversed(node.named_children))


def _symbol(syntax: ParsedRegion, node: Node, depth: int = 0) -> Symbol | None:
    kind = SYMBOL_KINDS.get(node.type)
    if kind is None or node.parent is None:
        return None
    outer, start = _outer(node)
    name = _name(syntax, node)
    if not name:
        return None
    body = _body(node)
    span = Span(syntax.position(outer.start_point), syntax.position(outer.end_point))
    head = Span(syntax.position(start.start_point), syntax.position((body or node).start_point))
    if body is None:
        head = Span(head.start, syntax.position(node.end_point))
    doc, doc_span = _docstring(syntax, outer, body)
    body_span = None if body is None else syntax.span(body)
    return Symbol(
        kind=kind,
        name=name,
        signature=_signature(syntax.document.slice(head), body is None),
        span=span,
        body=body_span,
        docstring=doc,
        docstring_span=doc_span,
        empty=body_span is not None and _is_placeholder(syntax.document, body_span, doc_span),
        depth=depth,
    )


def _signature(head: str, whole: bool) -> str:
    """Return the text before a body as one line, without comment lines."""
    line = _one_line(re.sub(r"^[ \t]*(?:#|//|--)[^\n]*", "", head, flags=re.MULTILINE))
    line = line.rstrip("; ") if whole else re.sub(r"\s*(?:[{:=]|=>|->)?\s*$", "", line)
    return line.removesuffix(" end") if whole else line


def _outer(node: Node) -> tuple[Node, Node]:
    """Return the node with its decorators and modifiers, and the node where its signature begins."""
    outer = start = node
    while outer.parent is not None and outer.parent.type in WRAPPERS:
        outer = outer.parent
        if outer.type != "decorated_definition":
            start = outer
    return outer, start


def _name(syntax: ParsedRegion, node: Node) -> str:
    found = node.child_by_field_name("name")
    if found is None and node.type == "impl_item":
        found = node.child_by_field_name("type")
    if found is None and node.type == "type_declaration" and node.named_children:
        found = node.named_children[0].child_by_field_name("name")
    if found is None:
        found = node.child_by_field_name("declarator")
        while found is not None and (inner := found.child_by_field_name("declarator")) is not None:
            found = inner
    if found is None and node.parent is not None:
        parent = node.parent
        found = parent.child_by_field_name("name") or parent.child_by_field_name("key")
        if found is None and parent.type == "expression_list" and parent.parent is not None:
            found = parent.parent.named_children[0]
    if found is None:
        found = next((c for c in node.named_children if c.type.endswith("identifier")), None)
        if node.type == "arrow_function":
            return ""
    return "" if found is None else _one_line(syntax.text(found))


def _body(node: Node) -> Node | None:
    found = node.child_by_field_name("body")
    if found is None:
        found = next((c for c in node.named_children if c.type in BODIES), None)
    return found


def _docstring(syntax: ParsedRegion, outer: Node, body: Node | None) -> tuple[str, Span | None]:
    if syntax.document.language == "python":
        first = body.named_children[0] if body is not None and body.named_children else None
        if first is not None and first.type == "expression_statement" and first.named_children:
            first = first.named_children[0]
        if first is None or first.type != "string":
            return "", None
        text = re.sub(r'\A[rRuUbB]*("""|\'\'\'|"|\')|("""|\'\'\'|"|\')\Z', "", syntax.text(first))
        return text.strip(), syntax.span(first)
    parts: list[Node] = []
    row, node = outer.start_point[0], outer.prev_named_sibling
    while node is not None and "comment" in node.type and node.end_point[0] in (row, row - 1):
        parts.append(node)
        row, node = node.start_point[0], node.prev_named_sibling
    if not parts:
        return "", None
    span = Span(syntax.position(parts[-1].start_point), syntax.position(parts[0].end_point))
    return strip_comment_signs(
        "\n".join(syntax.text(part).rstrip() for part in reversed(parts))
    ), span


def strip_comment_signs(text: str) -> str:
    """Return a comment's text without its signs."""
    text = re.sub(r"\*+/\s*$", "", text.strip())
    lines = (
        re.sub(r"^\s*(?:/\*+!?|\*+(?!\w)|//[/!]?|#+|--+\[*|;+|<!--)\s?", "", line).rstrip()
        for line in text.splitlines()
    )
    return "\n".join(lines).strip()


def _is_placeholder(document: Document, body: Span, doc: Span | None) -> bool:
    text = document.slice(body)
    if doc is not None and document.language == "python":
        text = document.slice(Span(doc.end, body.end)) if doc.start >= body.start else text
    text = _COMMENTS.sub("", text[:2000]).strip()
    if document.language != "python":
        text = text.removeprefix("{").removesuffix("}").strip()
    return not text or _PLACEHOLDER.fullmatch(text) is not None


def _callee_name(syntax: ParsedRegion, node: Node) -> str:
    for field in CALLEES:
        found = node.child_by_field_name(field)
        if found is not None:
            return _one_line(syntax.text(found))
    first = node.named_children[0] if node.named_children else None
    return "" if first is None else _one_line(syntax.text(first))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_MAX_SIGNATURE]
