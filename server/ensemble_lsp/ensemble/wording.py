"""How much of what one sentence says the other says too: by stems, whatever their order and ending."""

from __future__ import annotations

import re
from functools import lru_cache

SAID, SAID_SHORT = 0.69, 0.85
"""Share of both sentences' words, from which they say the same; of sentences of few words."""
FEW = 5
CONTAINED, HALF = 0.9, 0.5
"""The same for a sentence that is nearly all in the other, and at least about half of it."""

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


def same_said(one: str, other: str) -> bool:
    """Whether two sentences say the same, as far as words tell."""
    a, b = _stems(one), _stems(other)
    if not a or not b:
        return False
    mine, theirs = _shared(a, b), _shared(b, a)
    weight_a, weight_b = sum(map(_weight, a)), sum(map(_weight, b))
    both = (mine + theirs) / (weight_a + weight_b)
    inside = max(mine / weight_a, theirs / weight_b)
    enough = SAID if min(len(a), len(b)) >= FEW else SAID_SHORT
    return both >= enough or (inside >= CONTAINED and both >= HALF and min(len(a), len(b)) >= FEW)


@lru_cache(maxsize=4096)
def _stems(sentence: str) -> frozenset[str]:
    plain = _LEAD.sub("", re.sub(r"[*_`#\"“”]", " ", sentence).strip())
    words = (w.strip(".") for w in re.findall(r"[\w.%$]+", plain.lower()))
    return frozenset(_stem(w) for w in words if w and w not in _LITTLE)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _shared(one: frozenset[str], other: frozenset[str]) -> float:
    """Weight of one's words that the other has."""
    starts = {w[:_PREFIX] for w in other if len(w) >= _PREFIX}
    return sum(_weight(w) for w in one if w in other or w[:_PREFIX] in starts)


def _weight(word: str) -> float:
    """Long words say more."""
    return 1 + 0.15 * min(len(word), 10)
