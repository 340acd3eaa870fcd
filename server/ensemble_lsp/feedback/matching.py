"""Compare a place in a document with the text offered there: untouched, a part, whole, or other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from unicodedata import normalize

from ..types import common_prefix_length

State = Literal["untouched", "part", "whole", "other"]

_SPACE = re.compile(r"\s+")
_CLOSERS = re.compile(r"(?:[)\]}>\"'`;,]|end|</[\w.:-]*>)*")
"""Characters that editors add after the cursor by themselves."""
_LAYOUT = re.compile(r"[\s\"'`,;()]+")
"""Characters that a formatter adds, removes or exchanges."""
_LEADER = re.compile(r"\s*(?://[/!]?|\#|\*|--|;;?|%|>|[-+]|\d+\.)?\s*")
"""The start of a line that an editor adds to a line break: indentation, the sign of a comment or list."""
_MOST_CLOSERS = 8
_WORD = re.compile(r"\s*\w\w+")
_PAIRS = frozenset({"()", "[]", "{}", "<>", '""', "''", "``", "``````", '""""""', "''''''"})
_MOST_KEPT = 200
"""Characters of a longer text are not looked for: it was selected, not left by the editor."""
_COMPOSED = "\u1100"
"""From here on (Hangul, kana, Chinese characters, emoji) one key is not one character."""
_GATHERED_KEYS = 3
"""Keys that a client gathers before it sends a whole line or document."""


@dataclass(frozen=True, slots=True)
class Match:
    """The first ``taken`` offered characters are there (white space not counted)."""

    state: State
    taken: int
    size: int
    """The number of offered characters that the place did not have before."""
    kept: int = 0
    """The number of the taken characters that it had before: brackets that the editor closed."""

    @property
    def gained(self) -> int:
        """The number of the taken characters that it did not have before."""
        return self.taken - self.kept

    @property
    def share(self) -> float:
        """The share that is there, 0 to 1."""
        return self.gained / self.size if self.size else 1.0


def squeeze(text: str) -> str:
    """Remove white space: indentation and line ends are the editor's, not the model's."""
    return _SPACE.sub("", text)


def match(now: str, old: str, offered: str) -> Match:
    """Compare the text at the place (``now``) with the text before (``old``) and the offered one."""
    have, was, want = squeeze(now), squeeze(old), squeeze(offered)
    if not want:
        have, was, want = (text.replace("\r\n", "\n") for text in (now, old, offered))
    size = len(want) - _kept(was, want, len(want))
    if have == was != want:
        return Match("untouched", 0, size)
    taken = common_prefix_length(have, want)
    kept = _kept(was, want, taken)
    rest = have[taken:]
    own = rest in ("", was) or _CLOSERS.fullmatch(rest) is not None
    if taken == len(want) and own:
        return Match("whole", taken, size, kept)
    if was and not taken and (was.startswith(have) or was.endswith(have)):
        # Editors remove the old text before they insert the new one.
        return Match("untouched", 0, size)
    if not have:
        return Match("untouched", 0, size)
    return Match("part" if own and taken else "other", taken, size, kept)


def _kept(was: str, want: str, taken: int) -> int:
    """Return how many of the first ``taken`` characters were there before, if the text keeps them all."""
    if not was or len(was) > _MOST_KEPT:
        return 0
    positions: list[int] = []
    for char in was:
        position = want.find(char, positions[-1] + 1 if positions else 0)
        if position < 0:
            return 0
        positions.append(position)
    return sum(position < taken for position in positions)


def reformatted(now: str, offered: str) -> bool:
    """Return whether the texts are equal except for layout, quotes, commas, semicolons and parentheses."""
    one, other = (_LAYOUT.sub("", text) for text in (now, offered))
    return bool(other) and one == other


def continues_word(now: str, offered: str) -> bool:
    """Return whether a word that the offered text ended with was typed further."""
    have, want = now.replace("\r\n", "\n").rstrip(), offered.rstrip()
    behind = have[len(want) :] if have.startswith(want) else ""
    return (
        bool(want)
        and bool(behind)
        and behind[0].isalnum()
        and (want[-1].isalnum() or want[-1] == "_")
    )


def is_keystroke(text: str, *, coarse: bool) -> bool:
    """Return whether one key (or an input method) may have inserted this text."""
    if len(text) <= 1 or not text.strip():
        return True
    if text in _PAIRS or _is_composed(text):
        return True
    if text[0] in "\r\n" and _is_line_break(text):
        return True
    return coarse and len(squeeze(text)) <= _GATHERED_KEYS


def _is_line_break(text: str) -> bool:
    """Return whether the Return key made it: comments continue, a closing bracket gets its own line."""
    first, *rest = text.strip("\r\n").splitlines()
    closing = squeeze("".join(rest))
    closes = len(rest) <= 1 and _CLOSERS.fullmatch(closing) is not None
    return _LEADER.fullmatch(first) is not None and (closes or closing == "*/")


def _is_composed(text: str) -> bool:
    """Return whether an input method made it: a letter with its marks, or a word of such a script.

    Latin, Greek or Cyrillic words are typed key by key, accents or not: one that arrives in one edit
    was accepted.
    """
    if len(text) > 8 or len(text.split()) != 1 or text.isascii():
        return False
    return len(normalize("NFC", text)) == 1 or all(char >= _COMPOSED for char in text)


def are_closers(text: str) -> bool:
    """Return whether a text is a few closing brackets and quotes."""
    return 0 < len(text) <= _MOST_CLOSERS and _CLOSERS.fullmatch(text) is not None


def is_pair(text: str) -> bool:
    """Return whether one key may have inserted the text: a bracket or quote and its counterpart."""
    return text in _PAIRS


def is_rest_of(text: str, before: str, offered: str) -> bool:
    """Return whether an inserted text is the offered one's rest with its line ends and indentation."""
    one, other = (each.replace("\r\n", "\n") for each in (before + text, offered))
    return "\n" in text and bool(text.strip()) and one == other


def is_word_of(text: str, now: str, offered: str) -> bool:
    """Return whether an inserted text is exactly the next word of the offered one.

    Keys gathered by a slow client rarely are; an "accept next word" always is.
    """
    behind = offered[len(now) : len(now) + 1]
    ahead = now[: len(now) - len(text)][-1:]
    return (
        _WORD.fullmatch(text) is not None
        and offered.startswith(now)
        and not _is_word(behind)
        and (text[0].isspace() or not _is_word(ahead))
    )


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
