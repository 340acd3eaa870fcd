"""One change of a line in a repeated pattern: the same change at the other lines with the same tokens around it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...types import Position, common_prefix_length
from .search import EditContext, Proposal, is_import_line, span_of
from .token_changes import TokenChange, is_name

_MAX_AROUND = 12
"""Tokens on each side that the places have in common."""
_MAX_PHRASES = 8
_MAX_PLACES = 4
_MIN_NAMES = 3
"""Minimum number of names in a phrase; fewer may repeat by coincidence."""


@dataclass(frozen=True, slots=True)
class _Phrase:
    """Replaced tokens, with the tokens around them at every place."""

    left: str
    old: str
    new: str
    right: str
    sites: tuple[TokenChange, ...]

    @property
    def text(self) -> str:
        return self.left + self.old + self.right

    def column(self, line: str) -> int:
        """Return where the old tokens are in a line; -1 if it does not have the phrase."""
        at = line.find(self.text)
        end = at + len(self.text)
        if at < 0 or _joins(line[:at], self.text) or _joins(self.text, line[end:]):
            return -1
        # An insertion was made already where the text after it follows.
        done = not self.old and line[at + len(self.left) :].startswith(self.new)
        return -1 if done else at + len(self.left)


def repeated_lines(context: EditContext) -> Iterator[Proposal]:
    """Yield the other places of a change of tokens that was made at least twice."""
    groups: OrderedDict[tuple[tuple[str, ...], tuple[str, ...]], list[TokenChange]] = OrderedDict()
    for change in context.token_changes:
        groups.setdefault((change.old, change.new), []).append(change)
    for (old, new), sites in list(groups.items())[:_MAX_PHRASES]:
        if (new, old) not in groups and (phrase := _phrase(sites)) is not None:
            yield from _places(context, phrase)


def _phrase(changes: Sequence[TokenChange]) -> _Phrase | None:
    sites = list({(c.line.uri, c.line.order, c.line.number): c for c in changes}.values())
    if len(sites) < 2:
        return None
    left, right = sites[0].left[::-1][:_MAX_AROUND], sites[0].right[:_MAX_AROUND]
    for site in sites[1:]:
        left = left[: common_prefix_length(left, site.left[::-1])]
        right = right[: common_prefix_length(right, site.right)]
    old = sites[0].old
    around = sum(map(is_name, (*left, *right)))
    if not around or around + sum(map(is_name, old)) < _MIN_NAMES:
        return None
    if any(is_import_line(site.line.new) for site in sites):
        return None
    return _Phrase(
        "".join(left[::-1]).lstrip(),
        "".join(old),
        "".join(sites[0].new),
        "".join(right).rstrip(),
        tuple(sites),
    )


def _places(context: EditContext, phrase: _Phrase) -> Iterator[Proposal]:
    uri = context.document.uri
    edited = {s.line.number for s in phrase.sites if s.line.uri == uri and s.line.number >= 0}
    columns: dict[int, int] = {}
    for place in context.find(phrase.text):
        column = phrase.column(context.document.line(place.line))
        if place.line not in edited and column >= 0:
            columns[place.line] = column
    if edited and any(min(edited) < number < max(edited) for number in columns):
        return  # the user passed over one of them
    in_text = _in_text(context, phrase)
    count = len(phrase.sites)
    for number in context.nearest(list(columns))[:_MAX_PLACES]:
        position = Position(number, columns[number])
        role = context.role(position)
        if role in ("text", "comment") and not in_text:
            continue
        replaced = phrase.old and phrase.new
        confidence = 0.85 if count > 2 else 0.75 if replaced else 0.6
        rule = "a change was made twice" if count == 2 else "a change was made three times"
        yield Proposal(span_of(position, phrase.old), phrase.new, "pattern", confidence, rule)


def _in_text(context: EditContext, phrase: _Phrase) -> bool:
    """Return whether one of the changes was in a string or a comment."""
    for site in phrase.sites:
        if site.line.uri == context.document.uri and site.line.number >= 0:
            role = context.role(Position(site.line.number, site.column))
            if role in ("text", "comment"):
                return True
    return False


def _joins(one: str, other: str) -> bool:
    """Return whether a name would continue across the boundary of two texts."""
    return is_name(one[-1:] or " ") and (is_name(other[:1] or " ") or other[:1].isdigit())
