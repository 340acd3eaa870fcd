"""Calls and function definitions in a syntax tree, with their arguments and parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...syntax.indentation import indent_of, newline_of
from ...syntax.node_kinds import ARGUMENTS, CALLEES, CALLS, CLASSES, FUNCTIONS
from ...syntax.trees import ParsedRegion, ancestors
from ...types import Document, Position, Span

if TYPE_CHECKING:
    from tree_sitter import Node

_CONSTRUCTORS = frozenset({"__init__", "constructor", "__new__"})
_RECEIVERS = frozenset({"self", "cls", "this"})
_OPTIONAL = frozenset(
    {"default_parameter", "typed_default_parameter", "optional_parameter", "assignment_pattern"}
)
_REST = frozenset(
    {"list_splat_pattern", "dictionary_splat_pattern", "rest_pattern", "variadic_parameter_declaration",
     "spread_parameter", "list_splat", "dictionary_splat", "spread_element", "variadic_argument"}
)  # fmt: skip
_SEPARATORS = frozenset({"keyword_separator", "positional_separator"})


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call."""

    text: str
    keyword: str
    """Empty for a positional one."""
    span: Span

    @property
    def identity(self) -> str:
        """The keyword, or the text."""
        return self.keyword or self.text


@dataclass(frozen=True, slots=True)
class CallSite:
    """One call with its arguments."""

    callee: str
    """As it is written: ``self.store.add``."""
    span: Span
    """From the bracket to the bracket."""
    arguments: tuple[Argument, ...]
    spread: bool
    """Whether one of the arguments stands for any number of them."""

    @property
    def name(self) -> str:
        """The last name of the callee."""
        return self.callee.replace("::", ".").rsplit(".", 1)[-1]

    @property
    def positional(self) -> int:
        """The number of positional arguments."""
        return sum(not argument.keyword for argument in self.arguments)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a function."""

    name: str
    required: bool
    keyword_only: bool


@dataclass(frozen=True, slots=True)
class Signature:
    """The parameters of a function, without its receiver."""

    name: str
    """The name that calls have: a constructor's is its class's."""
    parameters: tuple[Parameter, ...]

    def index(self, name: str) -> int:
        """Return the index of a parameter; -1 without it."""
        return next((i for i, p in enumerate(self.parameters) if p.name == name), -1)


def signatures_in(region: ParsedRegion, first: int, last: int) -> list[Signature]:
    """Return the signatures of the functions whose parameters touch lines ``first`` to ``last``."""
    found: list[Signature] = []
    for node in overlapping(region, first, last):
        parameters = node.child_by_field_name("parameters") if node.type in FUNCTIONS else None
        if parameters is None or not _touches(region, parameters, first, last):
            continue
        name = node.child_by_field_name("name")
        if name is not None:
            found.append(Signature(_called(node, text_of(name)), tuple(_parameters(parameters))))
    return found


def calls_in(region: ParsedRegion, first: int, count: int) -> list[CallSite]:
    """Return the calls whose arguments touch ``count`` lines from ``first``, outer ones first.

    Between two lines (``count`` is 0) those are the calls that have arguments on both sides.
    """
    last = first + max(0, count - 1)
    calls = (call_of(region, node) for node in overlapping(region, first, last))
    return [
        call
        for call in calls
        if call is not None
        and call.span.start.line <= (last if count else first - 1)
        and call.span.end.line >= first
    ]


def call_at(region: ParsedRegion, name: Node) -> CallSite | None:
    """Return the call whose callee ends with a name."""
    for node in ancestors(name.parent):
        if node.type in CALLS:
            callee = _callee(node)
            return call_of(region, node) if callee and callee.end_byte == name.end_byte else None
        if node.end_byte != name.end_byte:
            return None
    return None


def call_of(region: ParsedRegion, node: Node) -> CallSite | None:
    """Return a node as a call; ``None`` unless it is one with a list of arguments."""
    if node.type not in CALLS:
        return None
    callee, arguments = _callee(node), _arguments(node)
    if callee is None or arguments is None or arguments.type == "token_tree":
        return None
    listed = [child for child in arguments.named_children if "comment" not in child.type]
    if not text_of(arguments).startswith("("):
        return None
    return CallSite(
        text_of(callee),
        region.span(arguments),
        tuple(_argument(region, child) for child in listed),
        any(child.type in _REST for child in listed),
    )


def with_argument(document: Document, call: CallSite, index: int, text: str) -> tuple[Span, str]:
    """Return the edit that inserts an argument, on a separate line if the others are."""
    if not call.arguments:
        start = Position(call.span.start.line, call.span.start.column + 1)
        return Span(start, start), text
    first = call.arguments[0].span.start
    separator = ", "
    if first.line > call.span.start.line and len({a.span.start.line for a in call.arguments}) > 1:
        line = document.lines[first.line]
        separator = f",{newline_of(line)}{indent_of(line)}"
    if index < len(call.arguments):
        at = call.arguments[index].span.start
        return Span(at, at), text + separator
    at = call.arguments[-1].span.end
    return Span(at, at), separator + text


def without_argument(call: CallSite, index: int) -> tuple[Span, str]:
    """Return the edit that removes an argument."""
    arguments = call.arguments
    own = arguments[index].span
    if index > 0:
        return Span(arguments[index - 1].span.end, own.end), ""
    if len(arguments) > 1:
        return Span(own.start, arguments[1].span.start), ""
    start = Position(call.span.start.line, call.span.start.column + 1)
    return Span(start, own.end), ""


def _callee(node: Node) -> Node | None:
    return next((c for field in CALLEES if (c := node.child_by_field_name(field))), None)


def _arguments(node: Node) -> Node | None:
    own = node.child_by_field_name("arguments")
    return own or next((child for child in node.children if child.type in ARGUMENTS), None)


def _argument(region: ParsedRegion, node: Node) -> Argument:
    keyword = node.child_by_field_name("name") if node.type == "keyword_argument" else None
    return Argument(text_of(node), text_of(keyword) if keyword else "", region.span(node))


def _called(node: Node, name: str) -> str:
    if name not in _CONSTRUCTORS:
        return name
    for each in ancestors(node.parent):
        own = each.child_by_field_name("name") if each.type in CLASSES else None
        if own is not None:
            return text_of(own)
    return name


def _parameters(node: Node) -> Iterator[Parameter]:
    keyword_only = False
    for child in node.named_children:
        if child.type in _SEPARATORS or child.type in _REST:
            keyword_only = keyword_only or child.type != "positional_separator"
            continue
        names = child.children_by_field_name("name") or [
            child.child_by_field_name("pattern") or child
        ]
        for name in names:
            leaf = name
            while leaf.named_children:
                leaf = leaf.named_children[0]
            if (
                "comment" in child.type
                or child.type == "self_parameter"
                or text_of(leaf) in _RECEIVERS
            ):
                continue
            optional = child.type in _OPTIONAL or child.child_by_field_name("value") is not None
            yield Parameter(text_of(leaf), not optional, keyword_only)


def overlapping(region: ParsedRegion, first: int, last: int) -> Iterator[Node]:
    """Yield the nodes that touch lines ``first`` to ``last``, outer ones first."""
    waiting = [region.root]
    while waiting:
        node = waiting.pop()
        if not _touches(region, node, first, last):
            continue
        yield node
        waiting += reversed(node.named_children)


def _touches(region: ParsedRegion, node: Node, first: int, last: int) -> bool:
    start, end = node.start_point[0] + region.first, node.end_point[0] + region.first
    return start <= last and end >= first


def text_of(node: Node) -> str:
    """Return a node's text."""
    return (node.text or b"").decode("utf-8", "replace")
