"""A function that became asynchronous: ``await`` at its calls, and ``async`` at the functions that call it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...syntax.node_kinds import CALLS, FUNCTIONS
from ...syntax.trees import ParsedRegion, ancestors
from ...types import Position, Span
from .calls import call_at, text_of
from .search import EditContext, Proposal
from .token_changes import line_changes

if TYPE_CHECKING:
    from tree_sitter import Node

_NAMED = re.compile(r"\basync\s+(?:(?:def|fn|function)\s+)?(\w+)\s*[(<]")
_ASYNC = re.compile(r"\basync\b")
_LANGUAGES = frozenset(
    {"python", "javascript", "javascriptreact", "typescript", "typescriptreact", "rust"}
)
_STATEMENTS = frozenset(
    {"assignment", "expression_statement", "return_statement", "variable_declarator", "let_declaration",
     "assignment_expression", "return_expression"}
)  # fmt: skip
"""The parents of a call whose value is used at once: elsewhere it may be awaited later."""
_MAX_HUNKS = 4
_MAX_PLACES = 4


def awaits(context: EditContext) -> Iterator[Proposal]:
    """Yield ``await`` at the calls of functions that just became asynchronous, ``async`` before it."""
    if context.document.language not in _LANGUAGES:
        return
    for name in dict.fromkeys(_made_asynchronous(context)):
        count = 0
        for place in context.by_distance(context.occurrences(name)):
            proposal = _at_call(context, place)
            if proposal is not None:
                yield proposal
                count += 1
            if count == _MAX_PLACES:
                break


def _made_asynchronous(context: EditContext) -> Iterator[str]:
    for hunk in context.hunks[:_MAX_HUNKS]:
        if hunk.uri != context.document.uri:
            continue
        for change in line_changes(hunk):
            named = _NAMED.search(change.new)
            if named is not None and not _ASYNC.search(change.old):
                yield named[1]


def _at_call(context: EditContext, place: Position) -> Proposal | None:
    found = context.regions.name_at(context.document, place)
    if found is None or call_at(*found) is None:
        return None
    region, leaf = found
    call = next((each for each in ancestors(leaf) if each.type in CALLS), None)
    if call is None or call.parent is None or call.parent.type not in _STATEMENTS:
        return None
    function = next((each for each in ancestors(call.parent) if each.type in FUNCTIONS), None)
    rule = "a function became asynchronous"
    if function is None:
        return None
    if not _ASYNC.match(text_of(function)) and "async" not in _modifiers(function):
        at = _place_of_async(region, function)
        return None if at is None else Proposal(Span(at, at), "async ", "pattern", 0.8, rule)
    span = region.span(call)
    if context.document.language == "rust":
        return Proposal(Span(span.end, span.end), ".await", "pattern", 0.85, rule)
    return Proposal(Span(span.start, span.start), "await ", "pattern", 0.85, rule)


def _modifiers(function: Node) -> str:
    """Return the text before the name of a function."""
    name = function.child_by_field_name("name") or function.child_by_field_name("parameters")
    size = 0 if name is None else name.start_byte - function.start_byte
    return text_of(function)[:size]


def _place_of_async(region: ParsedRegion, function: Node) -> Position | None:
    """Return where ``async`` belongs: before the keyword, or the name of a method."""
    keyword = next((c for c in function.children if c.type in ("def", "function", "fn")), None)
    node = keyword or function.child_by_field_name("name")
    if node is None and function.type == "arrow_function":
        node = function
    return None if node is None else region.span(node).start
