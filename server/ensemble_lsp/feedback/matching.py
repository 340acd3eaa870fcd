"""How far a document holds what was offered: nothing of it, a part, all, or something else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal
from unicodedata import normalize

from ..types import common_prefix_length

State = Literal["untouched", "part", "whole", "other"]

_SPACE = re.compile(r"\s+")
_CLOSERS = re.compile(r"(?:[)\]}>\"'`;,]|end|</[\w.:-]*>)*")
"""What editors put behind the cursor by themselves."""
_WORD = re.compile(r"\s*\w\w+")
_PAIRS = frozenset({"()", "[]", "{}", "<>", '""', "''", "``", "``````", '""""""', "''''''"})
_REFORMATTED = 0.85
_COMPOSED = "\u1100"
"""From here on (Hangul, kana, Chinese characters, emoji) one key does not make one character."""
_GATHERED_KEYS = 3
"""A client that sends whole lines or documents waits a moment, in which some keys are pressed."""


@dataclass(frozen=True, slots=True)
class Match:
    """``taken`` of ``size`` characters stand there (white space not counted)."""

    state: State
    taken: int
    size: int

    @property
    def share(self) -> float:
        """0 to 1."""
        return self.taken / self.size if self.size else 1.0


def squeeze(text: str) -> str:
    """Without white space: indentation and line ends are the editor's, not the model's."""
    return _SPACE.sub("", text)


def match(now: str, old: str, wanted: str) -> Match:
    """Compare what stands at the place ``now`` with what stood there (``old``) and what was offered."""
    n, o, w = squeeze(now), squeeze(old), squeeze(wanted)
    if not w:
        n, o, w = (text.replace("\r\n", "\n") for text in (now, old, wanted))
    size = len(w)
    if n == o != w:
        return Match("untouched", 0, size)
    taken = common_prefix_length(n, w)
    rest = n[taken:]
    own = rest in ("", o) or _CLOSERS.fullmatch(rest) is not None
    if taken == size and own:
        return Match("whole", size, size)
    if o and not taken and (o.startswith(n) or o.endswith(n)):
        # The old text goes before the new one comes.
        return Match("untouched", 0, size)
    if not n:
        return Match("untouched", 0, size)
    return Match("part" if own and taken else "other", taken, size)


def reformatted(now: str, wanted: str) -> bool:
    """Whether a formatter may have made the one of the other: quotes, commas, breaks, little more."""
    one, other = (re.sub(r"[\"'`,;()]", "", squeeze(text)) for text in (now, wanted))
    if not other or abs(len(one) - len(other)) > 0.3 * len(other) + 2:
        return False
    if len(one) > 4000:
        return one == other
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _REFORMATTED


def continues_word(now: str, wanted: str) -> bool:
    """Whether the typed text goes on where the offered one ended, in the middle of a word."""
    n, w = now.replace("\r\n", "\n").rstrip(), wanted.rstrip()
    behind = n[len(w) :] if n.startswith(w) else ""
    return bool(w) and bool(behind) and behind[0].isalnum() and (w[-1].isalnum() or w[-1] == "_")


def is_keystroke(text: str, *, coarse: bool) -> bool:
    """Whether one edit's text is what one key makes (or an input method, for other scripts)."""
    if len(text) <= 1 or not text.strip():
        return True
    if text in _PAIRS or _is_composed(text):
        return True
    # Return between brackets makes a line of its own for the closing one.
    if text[0] in "\r\n" and len(text.split()) <= 1 and _CLOSERS.fullmatch(squeeze(text)):
        return True
    return coarse and len(squeeze(text)) <= _GATHERED_KEYS


def _is_composed(text: str) -> bool:
    """Whether an input method made it: one letter with its marks, or a word of a script that needs one.

    Latin, Greek or Cyrillic words are typed key by key, accents or not: one that comes at once
    was accepted.
    """
    if len(text) > 8 or len(text.split()) != 1 or text.isascii():
        return False
    return len(normalize("NFC", text)) == 1 or all(char >= _COMPOSED for char in text)


def is_word_of(text: str, now: str, wanted: str) -> bool:
    """Whether a text that just came is exactly the next word of the offered one.

    Keys gathered by a slow client seldom are; an "accept next word" always is.
    """
    behind = wanted[len(now) : len(now) + 1]
    ahead = now[: len(now) - len(text)][-1:]
    return (
        _WORD.fullmatch(text) is not None
        and wanted.startswith(now)
        and not _is_word(behind)
        and (text[0].isspace() or not _is_word(ahead))
    )


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
