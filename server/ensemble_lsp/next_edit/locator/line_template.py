"""One changed line as a template: what another line of the same shape becomes by the same change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Literal

from .line_tokens import MAX_TOKENS, LineToken, like, line_tokens, text_of_tokens

_QUOTES = "\"'`"

SyntaxChange = Literal[
    "equality",
    "declaration",
    "await",
    "call",
    "parentheses",
    "annotation",
    "default",
    "operator",
    "python 3",
    "return type",
]

_STRICT = {"==": "===", "!=": "!=="}
"""The comparisons of JavaScript and PHP that convert types, with those that do not."""
_PYTHON_3 = {
    "basestring": "str", "iteritems": "items", "iterkeys": "keys", "itervalues": "values",
    "raw_input": "input", "unichr": "chr", "unicode": "str", "xrange": "range",
}  # fmt: skip
"""Names of Python 2, with those that Python 3 has for them."""
_DEFINING = frozenset({"def", "fn", "func", "function"})
_DECLARING = frozenset({"var", "let", "const", "val"})


@dataclass(frozen=True, slots=True)
class Segment:
    """Tokens of a line that others replaced: ``old[start:end]`` became ``new[first:last]``."""

    start: int
    end: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class LineTemplate:
    """A line before and after its change."""

    old: tuple[LineToken, ...]
    new: tuple[LineToken, ...]
    segments: tuple[Segment, ...]

    @property
    def removed(self) -> list[LineToken]:
        """The tokens that were replaced or deleted."""
        return [token for s in self.segments for token in self.old[s.start : s.end]]

    @property
    def inserted(self) -> list[LineToken]:
        """The new tokens."""
        return [token for s in self.segments for token in self.new[s.first : s.last]]

    @property
    def only_values(self) -> bool:
        """Whether only the value of a literal was replaced by another, not a key."""
        removed, inserted = self.removed, self.inserted
        if self.renames_key:
            return False
        return bool(removed and inserted) and all(t.is_literal for t in (*removed, *inserted))

    @property
    def callees(self) -> tuple[bool, ...]:
        """For each old token whether it names a function that is called, or an attribute."""
        return tuple(_names_call(self.old, n) for n in range(len(self.old)))

    @property
    def kind(self) -> SyntaxChange | None:
        """The kind of a change of syntax that one example is enough for."""
        removed, inserted = self.removed, self.inserted
        if removed and all(token.text in _STRICT for token in removed):
            strict = [_STRICT[token.text] for token in removed] == [
                token.text for token in inserted
            ]
            return "equality" if strict else None
        first = self.segments[0]
        if len(removed) == len(inserted) == 1:
            declares = {removed[0].text, inserted[0].text} <= _DECLARING and first.start == 0
            if declares:
                return "declaration"
        if not removed and len(inserted) == 1 and inserted[0].text == "await":
            return "await"
        if not removed and [token.text for token in inserted] == ["(", ")"]:
            statement = first.start == 1 and self.segments[-1].start == len(self.old)
            return "parentheses" if statement else None
        if _defines(self.old) and (kind := self._in_signature(first)) is not None:
            return kind
        if [t.text for t in removed[:1] + removed[-1:]] == [".", ")"] and all(
            t.kind == "sign" for t in inserted
        ):
            return "operator" if len(self.segments) == 1 else None
        if (
            len(removed) == len(inserted) == 1
            and _PYTHON_3.get(removed[0].text) == inserted[0].text
        ):
            return "python 3"
        return "call" if self._replaces_callee(first) else None

    def _in_signature(self, first: Segment) -> SyntaxChange | None:
        """Return whether a parameter got a type, or another value by default."""
        removed, inserted = self.removed, self.inserted
        if not removed and inserted[0].text == "->" and _text_at(self.old, first.end) == ":":
            return "return type"
        if len(self.segments) > 1 or _text_at(self.old, first.end) not in (",", ")"):
            return None
        if not removed and inserted[0].text == ":" and self.old[first.start - 1].kind == "name":
            return "annotation"
        is_default = _text_at(self.old, first.start - 1) == "=" and len(removed) == 1
        return "default" if is_default and removed[0].kind in ("number", "string") else None

    @property
    def replaces_call(self) -> bool:
        """Whether one of the replaced tokens names a function that is called."""
        return any(self.callees[n] for s in self.segments for n in range(s.start, s.end))

    @property
    def is_attribute(self) -> bool:
        """Whether the first replaced token is an attribute."""
        return _text_at(self.old, self.segments[0].start - 1) in (".", "?.", "->")

    @property
    def renames_key(self) -> bool:
        """Whether the first replaced token is the key of a pair, or a keyword of a call."""
        at = self.segments[0].start
        after = _text_at(self.old, at + 1)
        quoted = at == 0 and self.old[0].kind == "string"
        begins = quoted or _text_at(self.old, at - 1) in ("{", "(", ",")
        return begins and after in (":", "=", "=>")

    @property
    def replaces_receiver(self) -> bool:
        """Whether a name was replaced whose function is called."""
        at = self.segments[0].start
        return (
            len(self.removed) == len(self.inserted) == 1
            and _text_at(self.old, at + 1) in (".", "::", "->")
            and _names_call(self.old, min(at + 2, len(self.old) - 1))
        )

    def _replaces_callee(self, first: Segment) -> bool:
        """Return whether a statement calls a function of another object, and nothing else changed."""
        old, new = self.old[: first.end], self.new[: first.last]
        return (
            len(self.segments) == 1
            and len(self.removed) != len(self.inserted)
            and _is_path(old[first.start :])
            and _is_path(new[first.first :])
            and _text_at(self.old, first.end) == "("
            and (first.start == 0 or old[first.start - 1].text in ("=", "return", "await"))
        )

    def is_like(self, line: Sequence[LineToken]) -> bool:
        """Return whether a line has the shape of the line before its change."""
        return _same_shape(self.old, without_comma(line))

    def became_like(self, line: Sequence[LineToken]) -> bool:
        """Return whether a line has the shape of the line after its change."""
        return _same_shape(self.new, without_comma(line))

    def apply(self, line: str, by_parts: bool = False) -> str | None:
        """Return what a line of the same shape becomes; ``None`` if the change does not fit.

        ``by_parts`` also changes another word instead of a replaced one, if the same part fits.
        """
        tokens = line_tokens(line.rstrip())
        tail = [token for token in tokens[-1:] if token.text == ","]
        tokens = tokens[: len(tokens) - len(tail)]
        if not _same_shape(self.old, tokens):
            return None
        swapped = self._swapped(tokens, by_parts)
        if swapped and self.old[0].space == self.new[0].space:
            swapped[0] = LineToken(tokens[0].space, swapped[0].text, swapped[0].kind)
        return None if swapped is None else text_of_tokens([*swapped, *tail])

    def apply_near(self, line: str) -> str | None:
        """Return what a line of another shape becomes that has the same tokens around each change."""
        tokens = line_tokens(line.rstrip())
        if len(tokens) > MAX_TOKENS:
            return None
        result: list[LineToken] = []
        at = 0
        for segment in self.segments:
            place = self._place(tokens, segment, at)
            if place is None:
                return None
            size = segment.end - segment.start
            result += tokens[at:place]
            added = list(self.new[segment.first : segment.last])
            if added and size and self.old[segment.start].space == added[0].space:
                added[0] = LineToken(tokens[place].space, added[0].text, added[0].kind)
            result += added
            at = place + size
            if at < len(tokens) and segment.last < len(self.new):
                space = self.new[segment.last].space
                if space != self.old[segment.end].space:
                    result.append(LineToken(space, tokens[at].text, tokens[at].kind))
                    at += 1
        return text_of_tokens([*result, *tokens[at:]])

    def _swapped(self, tokens: Sequence[LineToken], by_parts: bool) -> list[LineToken] | None:
        """Return the new tokens with the other line's values; ``None`` if a replaced token differs."""
        replaced = {token.text for token in self.removed}  # a constant is carried if it only moved
        pairs = zip(self.old, tokens, strict=True)
        carried = [
            p for p in pairs if p[0].is_value and (not p[0].is_constant or p[0].text in replaced)
        ]
        others = {old.text: there.text for old, there in carried}
        result: list[LineToken] = []
        moved = {_bare(token.text) for token in self.inserted}
        at = 0
        for segment in self.segments:
            size = segment.start - at
            result += _kept(tokens, self.old, self.new, at, segment.first - size, size)
            removed = self.old[segment.start : segment.end]
            inserted = self.new[segment.first : segment.last]
            there = tokens[segment.start : segment.end]
            single = len(removed) == len(inserted) == 1 and removed[0].is_value
            if single and removed[0].text != there[0].text:
                text = like(removed[0].text, inserted[0].text, there[0].text) if by_parts else None
                if text is None:
                    return None
                result.append(LineToken(there[0].space, text, inserted[0].kind))
            else:
                pairs = zip(removed, there, strict=True)
                if any(g.text != t.text and _bare(g.text) not in moved for g, t in pairs):
                    return None
                result += [_carried(token, others) for token in inserted]
            at = segment.end
        size = len(tokens) - at
        return [*result, *_kept(tokens, self.old, self.new, at, len(self.new) - size, size)]

    def _place(self, tokens: Sequence[LineToken], segment: Segment, at: int) -> int | None:
        """Return the only place in a line, from ``at``, where a change fits."""
        removed = [token.text for token in self.old[segment.start : segment.end]]
        inserted = [token.text for token in self.new[segment.first : segment.last]]
        size = len(removed)
        found: dict[int, list[int]] = {1: [], 2: []}
        for place in range(at, len(tokens) - size + 1):
            if [token.text for token in tokens[place : place + size]] != removed:
                continue
            sides = self._fitting_sides(tokens, segment, place)
            if (
                not size
                and [token.text for token in tokens[place : place + len(inserted)]] == inserted
            ):
                return None
            if sides:
                found[sides].append(place)
        places = found[2] or (found[1] if removed else [])
        return places[0] if len(places) == 1 else None

    def _fitting_sides(self, tokens: Sequence[LineToken], segment: Segment, place: int) -> int:
        """Return on how many sides a place has the tokens that the change has there."""
        size = segment.end - segment.start
        kind = self.kind
        if kind == "await" and _text_at(tokens, place) != self.old[segment.start].text:
            return 0
        if kind == "return type":
            return 2 * self._is_test_too(tokens, place)
        if kind in ("annotation", "default"):
            return 2 * self._has_name(tokens, segment, place)
        if segment.start == len(self.old) and place == len(tokens):
            return 2
        left = _alike(self.old[: segment.start][-1:], tokens[:place][-1:])
        right = _alike(self.old[segment.end :][:1], tokens[place + size :][:1])
        return left + right

    def _is_test_too(self, tokens: Sequence[LineToken], place: int) -> bool:
        """Return whether both lines begin the definition of a test, which returns nothing."""
        names = [_text_at(line, 1) for line in (self.old, tokens)]
        ends = _text_at(tokens, place) == ":" and _text_at(tokens, place - 1) == ")"
        return ends and all(name.startswith("test_") for name in names)

    def _has_name(self, tokens: Sequence[LineToken], segment: Segment, place: int) -> bool:
        """Return whether the name before a change is before a place, in the list of a function."""
        before = 1 if self.kind == "annotation" else 2
        size = segment.end - segment.start
        same = [_text_at(tokens, place - n) for n in range(1, before + 1)]
        return (
            same == [self.old[segment.start - n].text for n in range(1, before + 1)]
            and _text_at(tokens, place + size) in (",", ")")
            and _text_at(tokens, place - before - 1) in (",", "(")
            and _defines(tokens)
        )


@lru_cache(maxsize=256)
def line_template(old: str, new: str) -> LineTemplate | None:
    """Return a changed line as a template; ``None`` if it is too long, or only white space changed."""
    before, after = line_tokens(old.rstrip()), line_tokens(new.rstrip())
    if before and after and before[-1].text == after[-1].text == ",":  # the last of a list has none
        before, after = before[:-1], after[:-1]
    if max(len(before), len(after)) > MAX_TOKENS:
        return None
    one, other = [token.text for token in before], [token.text for token in after]
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    segments: list[Segment] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            continue
        last = segments[-1] if segments else None
        if last is not None and one[last.end : a] == ["."]:  # one path, not two names
            segments[-1] = Segment(last.start, b, last.first, d)
        else:
            segments.append(Segment(a, b, c, d))
    if segments:
        segments[-1] = _moved_right(segments[-1], one, other)
    return LineTemplate(before, after, tuple(segments)) if segments and before else None


def without_comma(tokens: Sequence[LineToken]) -> Sequence[LineToken]:
    """Return the tokens of a line without a comma at its end."""
    return tokens[:-1] if tokens and tokens[-1].text == "," else tokens


def _names_call(tokens: Sequence[LineToken], at: int) -> bool:
    return tokens[at].kind == "name" and _text_at(tokens, at + 1) == "("


def _defines(tokens: Sequence[LineToken]) -> bool:
    """Return whether a line begins the definition of a function."""
    return any(token.text in _DEFINING for token in tokens[:4])


def _is_path(tokens: Sequence[LineToken]) -> bool:
    """Return whether tokens are a name, or names with dots between them."""
    signs = [token.text for token in tokens[1::2]]
    return (
        len(tokens) % 2 == 1 and all(t.kind == "name" for t in tokens[::2]) and set(signs) <= {"."}
    )


def _text_at(tokens: Sequence[LineToken], at: int) -> str:
    return tokens[at].text if 0 <= at < len(tokens) else ""


def _moved_right(segment: Segment, old: Sequence[str], new: Sequence[str]) -> Segment:
    """Return an insertion at the last of the places that are equal to it."""
    start, first, last = segment.start, segment.first, segment.last
    while segment.start == segment.end and start < len(old) and new[first] == old[start]:
        start, first, last = start + 1, first + 1, last + 1
    return Segment(start, start + segment.end - segment.start, first, last)


def _same_shape(one: Sequence[LineToken], other: Sequence[LineToken]) -> bool:
    return len(one) == len(other) and all(
        a.shape == b.shape for a, b in zip(one, other, strict=True)
    )


def _alike(one: Sequence[LineToken], other: Sequence[LineToken]) -> bool:
    """Return whether the tokens beside two places have the same shape; the end of a line is one too."""
    if not one or not other:
        return not one and not other
    return one[0].shape == other[0].shape


def _kept(
    tokens: Sequence[LineToken],
    old: Sequence[LineToken],
    new: Sequence[LineToken],
    at: int,
    first: int,
    size: int,
) -> list[LineToken]:
    """Return the unchanged tokens, with the white space that the change gave them."""
    return [
        LineToken(
            token.space if old[at + n].space == new[first + n].space else new[first + n].space,
            token.text,
            token.kind,
        )
        for n, token in enumerate(tokens[at : at + size])
    ]


def _carried(token: LineToken, others: dict[str, str]) -> LineToken:
    """Return a new token with the other line's value, if it repeats one of the changed line."""
    text = others.get(token.text)
    if text is None and token.kind == "string" and token.text[0] in _QUOTES:
        inner = others.get(_bare(token.text))
        text = None if inner is None else f"{token.text[0]}{inner}{token.text[-1]}"
    return token if text is None else LineToken(token.space, text, token.kind)


def _bare(text: str) -> str:
    return text.strip(_QUOTES)
