"""How much of what one sentence says the other says too: by stems, whatever their order and ending."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

SAID, SAID_SHORT = 0.69, 0.85
"""Share of both sentences' words, from which they say the same; of sentences of few words."""
FEW = 5
CONTAINED, HALF = 0.9, 0.5
"""The same for a sentence that is nearly all in the other, and at least about half of it."""

LEADS = 0.4
"""The same for two sentences that lead to what comes after them: "Here is how …:" is said in many ways."""

_LITTLE = frozenset(
    """a an the this that these those it its is are was were be been being of to in on for by with and or as at
    from into which who will would can could should may might must do does did done have has had you your we
    our us i my they their them he she his her if then so also here there than but not no such each any all
    some when while where how what""".split()  # noqa: SIM905 - a text reads better than sixty quotes
)
_LEAD = re.compile(
    r"""^(?:(?:sure|certainly|of\ course|okay|great)[,!.]?\s+|(?:here(?:['’]s|\ is|\ are)
    |in\ this\ (?:example|code|case),?|for\ (?:example|instance),?|to\ (?:do|solve)\ this,?
    |follow\ these\ steps:?|you\ can\ use\ the\ following(?:\ \w+)?:?
    |(?:finally|now|next|then|first|please|so|therefore|however),?|as\ an?\ [\w\ ]{2,30},)\s*)+""",
    re.IGNORECASE | re.VERBOSE,
)
_ENDINGS = (
    "ization", "isation", "ations", "ation", "ingly", "ings", "ing", "edly", "ies", "ied", "ers",
    "er", "ed", "es", "ly", "s",
)  # fmt: skip
_PREFIX = 5
"""Letters from which two long words are taken for one."""


@dataclass(frozen=True, slots=True)
class Stems:
    """A sentence's words that say something, as they are compared."""

    stems: frozenset[str]
    starts: frozenset[str]
    """The beginnings of the long ones."""
    weight: float
    leads: bool
    """Whether it leads to what comes after it: it ends with a colon."""

    def touches(self, other: Stems) -> bool:
        """Whether they have any word in common; most pairs have none, and this is soon told."""
        return not (self.stems.isdisjoint(other.stems) and self.starts.isdisjoint(other.starts))


def same_said(one: str, other: str) -> bool:
    """Whether two sentences say the same, as far as words tell."""
    a, b = stems_of(one), stems_of(other)
    if not a.stems or not b.stems:
        return False
    mine, theirs = _shared(a, b), _shared(b, a)
    both = (mine + theirs) / (a.weight + b.weight)
    if a.leads and b.leads and both >= LEADS:
        return True
    inside = max(mine / a.weight, theirs / b.weight)
    few = min(len(a.stems), len(b.stems)) < FEW
    return both >= (SAID_SHORT if few else SAID) or (
        inside >= CONTAINED and both >= HALF and not few
    )


@lru_cache(maxsize=4096)
def stems_of(sentence: str) -> Stems:
    """What is compared of a sentence."""
    plain = _LEAD.sub("", re.sub(r"[*_`#\"“”]", " ", sentence).strip())
    words = (w.strip(".") for w in re.findall(r"[\w.%$]+", plain.lower()))
    stems = frozenset(_stem(w) for w in words if w and w not in _LITTLE)
    starts = frozenset(w[:_PREFIX] for w in stems if len(w) >= _PREFIX)
    leads = sentence.rstrip(" *_").endswith(":")
    return Stems(stems, starts, sum(map(_weight, stems)), leads)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _shared(one: Stems, other: Stems) -> float:
    """Weight of one's words that the other has."""
    return sum(_weight(w) for w in one.stems if w in other.stems or w[:_PREFIX] in other.starts)


def _weight(word: str) -> float:
    """Long words say more."""
    return 1 + 0.15 * min(len(word), 10)
