"""A field that was added to, or removed from, a repeated literal: the same in the other literals of its shape."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...syntax.trees import ParsedRegion, ancestors
from ..edit_history import Hunk
from .calls import Argument, CallSite, overlapping, text_of, with_argument, without_argument
from .hunk_documents import regions_of
from .regions import Regions
from .search import EditContext, Proposal

if TYPE_CHECKING:
    from tree_sitter import Node

_LITERALS = frozenset({"dictionary", "object", "literal_value", "field_initializer_list"})
_PAIRS = frozenset({"pair", "keyed_element", "field_initializer"})
_MIN_OTHERS = 2
"""Fields that a shape must have beside the one that changed."""
_MAX_HUNKS = 12
_MAX_PLACES = 4


@dataclass(frozen=True, slots=True)
class _FieldChange:
    """A field with its value, and the other fields of its literal."""

    text: str
    """Empty for a removed field."""
    key: str
    others: frozenset[str]
    after: str = field(default="", compare=False)


def fields(context: EditContext) -> Iterator[Proposal]:
    """Yield the literals that lack a field that two others of their shape were given, or have one too many."""
    changes: OrderedDict[_FieldChange, int] = OrderedDict()
    for hunk in context.hunks[:_MAX_HUNKS]:
        if context.late:
            return
        for change in _changes(hunk, context.regions):
            changes[change] = changes.get(change, 0) + 1
    for change, count in changes.items():
        if count < 2 or context.late:
            continue
        for literal in _literals_like(context, change):
            confidence = 0.85 if count > 2 else 0.75
            keys = [a.keyword for a in literal.arguments]
            if change.text:
                index = keys.index(change.after) + 1 if change.after else 0
                edit = with_argument(context.document, literal, index, change.text)
                yield Proposal(*edit, "field", confidence, "a field was added")
            else:
                edit = without_argument(literal, keys.index(change.key))
                yield Proposal(*edit, "field", confidence, "a field was removed")


def _changes(hunk: Hunk, regions: Regions) -> Iterator[_FieldChange]:
    parsed = regions_of(hunk, regions)
    if parsed is None:
        return
    (old, new), first = parsed, len(hunk.above)
    before = _literals(old, first, len(hunk.removed))
    for literal in _literals(new, first, len(hunk.added)):
        keys = [a.keyword for a in literal.arguments]
        for known in before:
            known_keys = [a.keyword for a in known.arguments]
            change = _one_more(literal, keys, known_keys)
            removed = _one_more(known, known_keys, keys)
            if change is not None or removed is not None:
                before.remove(known)
                if change is not None:
                    yield change
                elif removed is not None:
                    yield _FieldChange("", removed.key, removed.others)
                break


def _one_more(longer: CallSite, keys: list[str], fewer: list[str]) -> _FieldChange | None:
    """Return the field that a literal has more than another."""
    if len(keys) != len(fewer) + 1 or len(fewer) < _MIN_OTHERS:
        return None
    for index, key in enumerate(keys):
        if [*keys[:index], *keys[index + 1 :]] == fewer:
            after = keys[index - 1] if index else ""
            return _FieldChange(longer.arguments[index].text, key, frozenset(fewer), after)
    return None


def _literals_like(context: EditContext, change: _FieldChange) -> Iterator[CallSite]:
    wanted = change.others if change.text else change.others | {change.key}
    seen: set[tuple[int, int]] = set()
    key = max(change.others, key=len)
    for place in context.by_distance(context.find(key)):
        found = context.regions.name_at(context.document, place)
        if found is None:
            continue
        region, leaf = found
        node = next((each for each in ancestors(leaf) if each.type in _LITERALS), None)
        if node is None or (literal := _literal(region, node)) is None:
            continue
        start = (literal.span.start.line, literal.span.start.column)
        if start not in seen and frozenset(a.keyword for a in literal.arguments) == wanted:
            seen.add(start)
            yield literal
            if len(seen) == _MAX_PLACES:
                return


def _literals(region: ParsedRegion, first: int, count: int) -> list[CallSite]:
    last = first + max(0, count - 1)
    nodes = [n for n in overlapping(region, first, last) if n.type in _LITERALS]
    literals = [literal for n in nodes if (literal := _literal(region, n)) is not None]
    end = last if count else first - 1
    return [one for one in literals if one.span.start.line <= end and one.span.end.line >= first]


def _literal(region: ParsedRegion, node: Node) -> CallSite | None:
    """Return a literal whose fields all have a name."""
    listed = [child for child in node.named_children if "comment" not in child.type]
    if not listed or any(child.type not in _PAIRS for child in listed):
        return None
    arguments = tuple(
        Argument(text_of(child), text_of(child.named_children[0]), region.span(child))
        for child in listed
        if child.named_children
    )
    return (
        CallSite("", region.span(node), arguments, False) if len(arguments) == len(listed) else None
    )
