"""The mentions of a renamed definition outside of code: in a text, a comment, or the keyword of a call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...syntax.node_kinds import CLASSES, FUNCTIONS
from ...syntax.trees import ancestors
from ...types import Position
from .calls import call_at, text_of
from .search import EditContext

if TYPE_CHECKING:
    from tree_sitter import Node

_MAX_PLACES = 4
_DISTINCT = re.compile(r"\w_\w|[a-z\d][A-Z]|[A-Za-z]\d|^_\w")
_MARKED = re.compile(
    r"``?$|[:@](?:param|arg|type|keyword)\s+(?:\{[^}]*\}\s*|[\w\[\], |]+\s)?$|[\"']$"
)
"""The text before a name that a comment or a text means as a name."""
_IN_LIST = re.compile(r"\s*(?:[*-]\s+)?$")
_LISTED = re.compile(r"(?:\s*\([^)]*\))?\s*:")
"""The text after a parameter that a docstring lists."""


def mentions(
    context: EditContext, name: str, places: Sequence[Position], node: Node
) -> Iterator[Position]:
    """Yield the places in comments and texts that mean a renamed definition."""
    is_class = node.parent is not None and node.parent.type in CLASSES
    is_parameter = _parameters_of(node) is not None
    count = 0
    for place in context.by_distance(places):
        if context.role(place) not in ("text", "comment"):
            continue
        line = context.document.line(place.line)
        before, after = line[: place.column], line[place.column + len(name) :]
        if _is_meant(name, before, after, is_class=is_class, is_parameter=is_parameter):
            yield place
            count += 1
            if count == _MAX_PLACES:
                return


def keywords(context: EditContext, name: str, node: Node) -> Iterator[Position]:
    """Yield the keywords of calls that name a renamed parameter, or a renamed field of a class."""
    owner = _owner(node)
    if owner is None:
        return
    count = 0
    for place in context.by_distance(context.occurrences(owner)):
        found = context.regions.name_at(context.document, place)
        call = call_at(*found) if found is not None else None
        for argument in call.arguments if call is not None else ():
            if argument.keyword == name:
                yield argument.span.start
                count += 1
        if count >= _MAX_PLACES:
            return


def _is_meant(name: str, before: str, after: str, *, is_class: bool, is_parameter: bool) -> bool:
    marked = _MARKED.search(before)
    if marked is not None and marked[0][0] in "\"'":
        return is_class and after.startswith(marked[0][0])
    if _DISTINCT.search(name) or marked is not None:
        return True
    return is_parameter and bool(_IN_LIST.match(before) and _LISTED.match(after))


def _parameters_of(node: Node) -> Node | None:
    """Return the function whose parameter a name is."""
    for each in ancestors(node.parent):
        if each.type in FUNCTIONS:
            parameters = each.child_by_field_name("parameters")
            inside = parameters is not None and (
                parameters.start_byte <= node.start_byte < parameters.end_byte
            )
            return each if inside else None
    return None


def _owner(node: Node) -> str | None:
    """Return the name that is called with a keyword for a parameter or a field."""
    function = _parameters_of(node)
    owner = function
    if function is None or _name_of(function) in ("__init__", "__new__"):
        owner = next((each for each in ancestors(node.parent) if each.type in CLASSES), None)
    return None if owner is None else _name_of(owner)


def _name_of(node: Node) -> str | None:
    name = node.child_by_field_name("name")
    return None if name is None else text_of(name)
