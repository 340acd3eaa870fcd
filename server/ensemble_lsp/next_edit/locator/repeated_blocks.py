"""Whole lines that were inserted, replaced or deleted: the same at the other places with the same lines."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...syntax.indentation import indent_of, newline_of
from ...types import Position, Span
from ..edit_history import Hunk
from .search import EditContext, Proposal, is_import_line
from .token_changes import is_name, tokens_of

_MAX_BLOCKS = 6
_MAX_PLACES = 3
_MAX_LINES = 12
_MIN_NAMES = 3
"""Minimum number of names in a block; fewer may repeat by coincidence."""
_MIN_NAMES_ONCE = 6
"""The same for a block that was replaced once."""
_SURE, _LIKELY = 0.85, 0.75


def repeated_blocks(context: EditContext) -> Iterator[Proposal]:
    """Yield the other places of whole lines that were just inserted, replaced or deleted."""
    groups: OrderedDict[tuple[tuple[str, ...], tuple[str, ...]], list[Hunk]] = OrderedDict()
    insertions: OrderedDict[int, list[Hunk]] = OrderedDict()
    for hunk in context.hunks:
        if max(len(hunk.removed), len(hunk.added)) > _MAX_LINES:
            continue
        if not _blank(hunk.removed):
            groups.setdefault((_flush(hunk.removed), _flush(hunk.added)), []).append(hunk)
        elif not (hunk.removed or _blank(hunk.added) or any(map(is_import_line, hunk.added))):
            insertions.setdefault(len(hunk.added), []).append(hunk)
    for (removed, added), hunks in list(groups.items())[:_MAX_BLOCKS]:
        if (added, removed) not in groups:
            yield from _replaced(context, removed, added, hunks)
    for hunks in list(insertions.values())[:_MAX_BLOCKS]:
        yield from _inserted(context, hunks)


# -- replaced and deleted lines ----------------------------------------------------------------


def _replaced(
    context: EditContext, removed: Sequence[str], added: Sequence[str], hunks: Sequence[Hunk]
) -> Iterator[Proposal]:
    names = sum(is_name(token) for line in removed for token in tokens_of(line))
    if names < _MIN_NAMES or any(is_import_line(line) for line in removed):
        return
    if len(hunks) < 2 and (len(removed) < 2 or names < _MIN_NAMES_ONCE or not added):
        return
    lines = context.document.lines
    places = [
        place.line
        for place in context.find(removed[0].strip())
        if _flush(lines[place.line : place.line + len(removed)]) == tuple(removed)
        and not any(_covers(hunk, context.document.uri, place.line) for hunk in hunks)
    ]
    if _passed_over(context, places, hunks):
        return
    confidence = _SURE if len(hunks) > 1 else _LIKELY
    for line in context.nearest(places)[:_MAX_PLACES]:
        text = _indented(added, indent_of(lines[line]), newline_of(lines[line]))
        span = Span(Position(line, 0), Position(line + len(removed), 0))
        rule = "equal lines were replaced" if added else "equal lines were deleted"
        yield Proposal(span, text, "pattern", confidence, rule)


# -- inserted lines ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Anchor:
    """The line below (or above) the inserted lines, with holes where the places differ."""

    tokens: tuple[str | None, ...]
    below: bool

    def values(self, line: str) -> tuple[str, ...] | None:
        """Return the names at the holes of a line; ``None`` if it is another line."""
        tokens = tokens_of(line.strip())
        if len(tokens) != len(self.tokens):
            return None
        pairs = list(zip(self.tokens, tokens, strict=True))
        if any(token != own and not (token is None and is_name(own)) for token, own in pairs):
            return None
        return tuple(own for token, own in pairs if token is None)


def _inserted(context: EditContext, hunks: Sequence[Hunk]) -> Iterator[Proposal]:
    for below in (True, False):
        near = [(_anchor_line(hunk, below), hunk) for hunk in hunks]
        first = near[0][0]
        alike = [(line, hunk) for line, hunk in near if line and _similar(line, first)]
        anchor = _anchor([line for line, _ in alike], below)
        if anchor is None:
            continue
        template = _template(anchor, alike)
        if template is not None:
            yield from _at_anchors(context, anchor, template, [hunk for _, hunk in alike])
            return


def _at_anchors(
    context: EditContext, anchor: _Anchor, template: Sequence[str | int], hunks: Sequence[Hunk]
) -> Iterator[Proposal]:
    lines = context.document.lines
    keyword = max((token for token in anchor.tokens if token and is_name(token)), key=len)
    places: list[tuple[int, str]] = []
    for place in context.find(keyword):
        number = place.line
        values = anchor.values(lines[number])
        if values is None:
            continue
        if any(_covers(hunk, context.document.uri, number) for hunk in hunks):
            continue
        text = "".join(part if isinstance(part, str) else values[part] for part in template)
        added = text.split("\n")
        at = number if anchor.below else number + 1
        there = lines[at - len(added) : at] if anchor.below else lines[at : at + len(added)]
        if _flush(there) != tuple(added):
            places.append((number, text))
    if _passed_over(context, [number for number, _ in places], hunks):
        return
    texts = dict(places)
    confidence = _SURE if len(hunks) > 2 else _LIKELY
    for number in context.nearest(list(texts))[:_MAX_PLACES]:
        at = Position(number if anchor.below else number + 1, 0)
        line = lines[number]
        text = _indented(texts[number].split("\n"), _indent(line, anchor, hunks), newline_of(line))
        yield Proposal(Span(at, at), text, "pattern", confidence, "equal lines were inserted")


def _anchor_line(hunk: Hunk, below: bool) -> str:
    near = hunk.below[:1] if below else hunk.above[-1:]
    return near[0].rstrip("\r\n") if near and near[0].strip() else ""


def _anchor(lines: Sequence[str], below: bool) -> _Anchor | None:
    if len(lines) < 2:
        return None
    rows = [tokens_of(line.strip()) for line in lines]
    tokens = tuple(c[0] if len(set(c)) == 1 else None for c in zip(*rows, strict=True))
    known = sum(token is not None and is_name(token) for token in tokens)
    return _Anchor(tokens, below) if known and known >= tokens.count(None) else None


def _template(anchor: _Anchor, places: Sequence[tuple[str, Hunk]]) -> tuple[str | int, ...] | None:
    """Return the inserted tokens, with the number of a hole where they repeat a name of the anchor."""
    texts = [tokens_of("\n".join(_flush(hunk.added))) for _, hunk in places]
    if len({len(text) for text in texts}) != 1:
        return None
    values = [anchor.values(line) or () for line, _ in places]
    holes = list(zip(*values, strict=True))
    template: list[str | int] = []
    for column in zip(*texts, strict=True):
        if len(set(column)) == 1:
            template.append(column[0])
        elif column in holes:
            template.append(holes.index(column))
        else:
            return None
    return tuple(template)


def _similar(line: str, other: str) -> bool:
    """Return whether two lines have the same tokens apart from names."""
    one, two = tokens_of(line.strip()), tokens_of(other.strip())
    if len(one) != len(two):
        return False
    pairs = zip(one, two, strict=True)
    return all(a == b or (is_name(a) and is_name(b)) for a, b in pairs)


def _indent(line: str, anchor: _Anchor, hunks: Sequence[Hunk]) -> str:
    """Return the indentation of inserted lines, relative to the anchor's as in the original edit."""
    own = indent_of(line)
    there = indent_of(_anchor_line(hunks[0], anchor.below))
    added = indent_of(hunks[0].added[0])
    if added.startswith(there):
        return own + added[len(there) :]
    return own[: len(own) - (len(there) - len(added))]


# -- lines -------------------------------------------------------------------------------------


def _passed_over(context: EditContext, places: Sequence[int], hunks: Sequence[Hunk]) -> bool:
    """Return whether the user moved past a place without making the change."""
    uri = context.document.uri
    edited = [hunk.line for hunk in hunks if hunk.uri == uri and hunk.tracked]
    return len(edited) > 1 and any(min(edited) < place < max(edited) for place in places)


def _covers(hunk: Hunk, uri: str, line: int) -> bool:
    """Return whether a line is one of those that a hunk added."""
    return hunk.uri == uri and hunk.tracked and hunk.line <= line < hunk.line + len(hunk.added)


def _blank(lines: Sequence[str]) -> bool:
    return not any(line.strip() for line in lines)


def _flush(lines: Sequence[str]) -> tuple[str, ...]:
    """Return lines without line ends and without their common indentation."""
    bare = [line.rstrip() for line in lines]
    indents = [indent_of(line) for line in bare if line]
    width = min(map(len, indents), default=0)
    return tuple(line[width:] for line in bare)


def _indented(lines: Sequence[str], indent: str, newline: str) -> str:
    return "".join(f"{indent}{line}{newline}" if line else newline for line in lines)
