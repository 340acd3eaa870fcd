"""Fits a completion to the rest of the cursor's line: the part of it that the completion contains is replaced.

Editors close brackets and quotes by themselves, so a model often writes again what is behind the cursor,
and continues after it: ``if (|)`` and ``x) return y;``. A closing bracket of the completion corresponds
to the one of the rest that closes the same bracket, and the signs before and after them must agree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..syntax.indentation import indent_of
from .delimiters import CLOSED_BY, CursorLevels, OpenDelimiter, Scan, Scanner, Token, levels_at

_LINE = 4000
"""Characters of the rest of the line that are read."""
_BELOW = 2000
"""Characters after the cursor's line in which the brackets of the line may be closed."""
_PIECE = re.compile(r"\w+|\s|[^\w\s]")
_CLOSERS = re.compile(r"[)\]},;\s]*")
_ENDS_STATEMENT = (";", "{", ":")
Pair = tuple[Token, Token]
"""A token of the rest and the token of the text that is the same."""


@dataclass(frozen=True, slots=True)
class FittedText:
    """A completion, and the part of the rest of the line that it replaces because it contains it."""

    text: str
    covered: str = ""
    own: int = 0
    """The length of the text before the first covered character; the text's length without any."""


def fit_rest_of_line(text: str, *, prefix: str, suffix: str, language: str) -> FittedText:
    """Fit a completion to the text behind the cursor.

    The covered text is a subsequence of the completion, which an editor needs to show it as ghost text.
    What both end with is left where it is, so that a completion that only repeats the rest is an insertion.
    """
    rest, _, below = suffix.partition("\n")
    if not rest.strip() or not text.strip():
        return FittedText(text, own=len(text))
    cursor = levels_at(prefix, language)
    head = prefix.rpartition("\n")[2]
    below = _same_block(below[:_BELOW], head)

    def aligned(text: str) -> FittedText:
        return _Alignment(text, rest[:_LINE], below, cursor, language).fit()

    whole = aligned(text)
    short = _without_common_end(whole)
    if short.text != whole.text and _without_common_end(aligned(short.text)) != short:
        # Without its end it would be aligned in another way, at the next keystroke for example.
        short = whole
    return _closer_below(short, rest, head)


@dataclass(slots=True)
class _Rest:
    """The rest of the line, scanned."""

    tokens: list[Token]
    closers: dict[int, Token]
    """The token that closes a level of the cursor, for those closed on the line."""
    below: set[int]
    """The levels closed on a later line."""
    missing: set[int] = field(default_factory=set[int])
    """The levels that nothing closes."""


def _scan_rest(rest: str, below: str, cursor: CursorLevels, language: str) -> _Rest:
    levels = cursor.levels
    skipped = 0

    def scanned(text: str) -> Scan:
        return Scanner(language, levels, angles=cursor.angles).scan(text, skipped)

    scan = scanned(rest)
    if levels and levels[-1].ends_with_line and not _closes_string(scan):
        # Nothing closes the string: the brackets and quotes behind it are code.
        skipped = 1
        scan = scanned(rest)
    tokens = scan.tokens
    closers = {t.closes: t for t in tokens if t.closes}
    later: set[int] = set()
    if below and len(closers) + skipped < len(levels):
        for token in scanned(f"{rest}\n{below}").tokens[len(tokens) :]:
            if token.closes and token.closes != max(closers.keys() | later, default=0) + 1:
                break
            later |= {token.closes} - {0}
    missing = set(range(1, len(levels) + 1)) - closers.keys() - later
    found = _Rest(tokens, closers, later, missing)
    _leave_inner_open(found, levels)
    return found


def _closes_string(scan: Scan) -> bool:
    """Whether the rest of the line closes the cursor's string, and leaves no other string open."""
    return any(token.closes == 1 for token in scan.tokens) and not (
        scan.own and scan.own[-1].is_string
    )


def _same_block(below: str, head: str) -> str:
    """Return the lines up to the first that is less indented than the cursor's line."""
    lines = below.split("\n")
    depth = len(indent_of(head))
    for number, line in enumerate(lines):
        if line.strip() and len(indent_of(line)) < depth:
            return "\n".join(lines[:number])
    return below


def _leave_inner_open(rest: _Rest, levels: Sequence[OpenDelimiter]) -> None:
    """Treat the innermost of the open brackets of one kind as the one that is not closed."""
    for missing in sorted(rest.missing):
        for level in range(missing, 1, -1):
            inner = level - 1
            if inner in rest.missing or levels[-level].opener != levels[-inner].opener:
                break
            if (token := rest.closers.pop(inner, None)) is not None:
                rest.closers[level] = token
            else:
                rest.below ^= {inner, level}
            rest.missing ^= {inner, level}


class _Alignment:
    """Finds the tokens of the rest in the text."""

    def __init__(
        self, text: str, rest: str, below: str, cursor: CursorLevels, language: str
    ) -> None:
        self._text = text
        self._rest_text = rest
        self._cursor = cursor
        self._language = language
        self._rest = _scan_rest(rest, below, cursor, language)
        self._pairs: list[Pair] = []
        self._rest_end = 0
        """The end of the aligned part of the rest."""
        self._text_end = 0
        """The end of the aligned part of the text."""
        self._covered_levels: list[int] = []
        self._scan: Scan = self._scanned()

    def _scanned(self) -> Scan:
        if self._cursor.in_comment:
            # In a comment nothing is opened or closed.
            scan = Scanner("plaintext").scan(self._text)
            scan.tokens = [Token(t.text, t.start, t.end, 0) for t in scan.tokens]
            return scan
        scanner = Scanner(self._language, self._cursor.levels, angles=self._cursor.angles)
        return scanner.scan(self._text)

    def fit(self) -> FittedText:
        """Return the text to offer, and the part of the rest that it covers."""
        self._cut_after_block()
        self._align_closers()
        if not self._reopened():
            self._align_between()
        self._cut_misfit()
        return self._fitted()

    def _cut(self, end: int) -> None:
        self._text = self._text[:end].rstrip()
        self._scan = self._scanned()

    def _cut_after_block(self) -> None:
        """Cut the lines after the one that closes a block of the rest of the line."""
        for token in self._scan.tokens:
            if not token.closes or token.text != "}":
                continue
            line = self._text.rfind("\n", 0, token.start) + 1
            end = self._text.find("\n", token.end)
            alone = not self._text[line : token.start].strip()
            if line and end >= 0 and alone and _CLOSERS.fullmatch(self._text, token.end, end):
                self._cut(end)
                return

    # -- closing brackets ----------------------------------------------------------------------

    def _align_closers(self) -> None:
        for token in self._scan.tokens:
            if not token.closes:
                continue
            if token.closes in self._rest.missing:
                self._text_end = token.end
                continue
            closer = self._rest.closers.get(token.closes)
            if closer is None:
                if token.closes in self._rest.below:
                    self._cut(token.start)
                return
            pairs = (
                _subsequence(self._between(closer.start), self._text_tokens(token.start))
                if closer.text == token.text
                else None
            )
            if pairs is None:
                # The text closes what the rest continues.
                self._cut(token.start)
                return
            self._pairs += [*pairs, (closer, token)]
            self._covered_levels.append(token.closes)
            self._rest_end, self._text_end = closer.end, token.end

    def _between(self, end: int) -> list[Token]:
        return [t for t in self._rest.tokens if self._rest_end <= t.start and t.end <= end]

    def _text_tokens(self, end: int | None = None) -> list[Token]:
        end = len(self._text) if end is None else end
        return [t for t in self._scan.tokens if self._text_end <= t.start and t.end <= end]

    def _reopened(self) -> bool:
        """Whether the text opens again what it closed, so that the rest closes that: ``a[i][j`` and ``]``."""
        own, covered = self._scan.own, self._covered_levels
        if not own or len(own) > len(covered):
            return False
        closed = [self._opener(level) for level in reversed(covered[-len(own) :])]
        if closed != [level.opener for level in own]:
            return False
        kept = covered[: -len(own)]
        last = self._rest.closers[kept[-1]] if kept else None
        self._rest_end = last.end if last else 0
        self._pairs = [pair for pair in self._pairs if pair[0].end <= self._rest_end]
        return True

    def _opener(self, level: int) -> str:
        levels = self._cursor.levels
        return levels[-level].opener if level <= len(levels) else ""

    # -- the signs behind the last one ---------------------------------------------------------

    def _limit(self) -> int:
        """Return the start of the next closing bracket of the rest."""
        starts = (t.start for t in self._rest.closers.values() if t.start >= self._rest_end)
        return min(starts, default=len(self._rest_text))

    def _align_between(self) -> None:
        rest, text = self._between(self._limit()), self._text_tokens()
        closers = [CLOSED_BY.get(level.opener, "") for level in reversed(self._scan.own)]
        if closers and [token.text for token in rest[-len(closers) :]] == closers:
            # The rest closes what the text opens.
            rest = rest[: -len(closers)]
        if not rest or not text:
            return
        pairs = _subsequence(rest, text)
        ends_with = len(text) > len(rest) and _same(rest, text[-len(rest) :])
        if pairs is None or not (self._pairs or self._text_end or ends_with):
            pairs = self._overlap(rest, text)
        elif ends_with:
            pairs = list(zip(rest, text[-len(rest) :], strict=True))
        if pairs:
            self._pairs += pairs
            self._rest_end, self._text_end = pairs[-1][0].end, pairs[-1][1].end

    def _overlap(self, rest: list[Token], text: list[Token]) -> list[Pair]:
        """Return the longest end of the text that the rest begins with."""
        for count in range(min(len(rest), len(text)), 0, -1):
            if not _same(rest[:count], text[-count:]):
                continue
            if count == 1 and not self._is_telling(rest, text):
                continue
            prose = self._cursor.in_comment or self._cursor.in_string
            if (
                prose
                and count < len(rest)
                and not any(token.text[0].isalnum() for token in rest[:count])
            ):
                continue
            return list(zip(rest[:count], text[-count:], strict=True))
        return []

    def _is_telling(self, rest: list[Token], text: list[Token]) -> bool:
        """Whether one token that ends the text and begins the rest is a repetition, not a chance."""
        token = rest[0].text
        if token.isidentifier():
            return len(rest) == 1 < len(text)
        return bool(self._pairs) or token[0] not in "([{\"'`"

    def _cut_misfit(self) -> None:
        """Cut the end of the text where the rest cannot continue it."""
        left = self._rest_text[self._rest_end :].strip()
        tokens = self._scan.tokens
        if left and tokens and tokens[-1].comment and not self._cursor.in_comment:
            # It would make the rest a comment.
            self._cut(tokens[-1].start)
        behind = [t for t in self._between(self._limit()) if not t.comment]
        tail = self._text[self._text_end :].rstrip()
        after = self._text_tokens()
        same = behind and after and behind[0].text == after[0].text
        if behind and self._pairs and (same or tail.endswith(_ENDS_STATEMENT)):
            self._cut(self._text_end)
        elif left[:1] in (")", "]", ",") and left and self._ends_with_semicolon():
            self._cut(len(self._text.rstrip()) - 1)

    def _ends_with_semicolon(self) -> bool:
        return (
            self._text.rstrip().endswith(";")
            and not self._cursor.in_string
            and self._text.count(";") == 1
        )

    # -- the result ----------------------------------------------------------------------------

    def _fitted(self) -> FittedText:
        pairs = [pair for pair in self._pairs if pair[1].end <= len(self._text)]
        covered = self._rest_text[: self._rest_end] if pairs else ""
        text, own = self._text, pairs[0][1].start if pairs else len(self._text)
        if covered:
            text, own = _with_blanks(text, covered, pairs)
        if covered and not _is_subsequence(covered, text):
            return FittedText(text[:own], own=own)
        return FittedText(text, covered, own if covered else len(text))


def _same(one: Sequence[Token], other: Sequence[Token]) -> bool:
    return all(a.is_same(b) for a, b in zip(one, other, strict=True))


def _subsequence(rest: Sequence[Token], text: Sequence[Token]) -> list[Pair] | None:
    """Return the tokens of the rest with those of the text, in order; ``None`` if one is not there."""
    pairs: list[Pair] = []
    position = 0
    for token in rest:
        while position < len(text) and not token.is_same(text[position]):
            position += 1
        if position == len(text):
            return None
        pairs.append((token, text[position]))
        position += 1
    return pairs


def _with_blanks(text: str, covered: str, pairs: Sequence[Pair]) -> tuple[str, int]:
    """Insert the blanks that the covered text has before its tokens and the text has not."""
    result, position, own = "", 0, 0
    for number, (there, here) in enumerate(pairs):
        before = covered[: there.start]
        blanks = before[len(before.rstrip()) :]
        result += text[position : here.start]
        if not number:
            own = len(result.rstrip()) if blanks else len(result)
        present = result[len(result.rstrip()) :]
        if blanks and blanks not in present:
            result = result.rstrip(" \t") + blanks if "\n" not in present else result
        position = here.start
    return result + text[position:], own


def _without_common_end(fitted: FittedText) -> FittedText:
    """Strip the tokens that text and covered part end with, and blanks that the covered part then ends with."""
    text, covered = fitted.text, fitted.covered
    while covered:
        piece = _PIECE.findall(covered[-200:])[-1]
        if piece.isspace() and not text.endswith(piece):
            covered = covered[: -len(piece)]
        elif text.endswith(piece) and not _splits_word(text, piece):
            text, covered = text[: -len(piece)], covered[: -len(piece)]
        else:
            break
    return FittedText(text, covered, fitted.own if covered else len(text))


def _closer_below(fitted: FittedText, rest: str, head: str) -> FittedText:
    """Put the bracket that closes a block of several lines on a separate line."""
    text, left = fitted.text, rest[len(fitted.covered) :].lstrip()
    first, newline, body = text.partition("\n")
    if first.strip() or not newline or not body.strip() or left[:1] not in (")", "]", "}"):
        return fitted
    lines = text.split("\n")
    if not lines[-1].strip():
        lines.pop()
    elif fitted.covered and lines[-1].startswith((")", "]", "}"), len(indent_of(head))):
        return fitted  # the text closed the block, and continues the line
    text = "\n".join([*lines, indent_of(head)])
    return FittedText(text, fitted.covered, fitted.own if fitted.covered else len(text))


def _splits_word(text: str, piece: str) -> bool:
    before = text[: -len(piece)][-1:]
    return piece.isidentifier() and (before.isalnum() or before == "_")


def _is_subsequence(part: str, whole: str) -> bool:
    characters = iter(whole)
    return all(char in characters for char in part)
