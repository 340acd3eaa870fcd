"""Decide whether two sentences mean the same, contradict each other, or neither.

Rare words weigh more (inverse document frequency over all answers, Sparck Jones 1972) and are compared by their
Snowball stems; rapidfuzz compares spelling and order. Two sentences are the same only if no other sentence of either
answer is clearly nearer. Sentences that differ only in a number, a name, a negation or an opposite contradict each
other. The thresholds were chosen on labelled pairs (docs/consensus.md).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal

RATIO = 76.0
"""rapidfuzz's ratio of the words, 0 to 100, from which two sentences are the same."""
LEAST = 0.45
"""Smallest weighted share of common words for the same meaning, however similar the spelling."""
ALIKE = 66.0
"""Ratio from which a differing number, name or negation is a contradiction."""
INSIDE = 92.0
"""Ratio from which all words of one sentence are among the other's."""
SHARED, SHARED_OF_FEW = 0.63, 0.85
"""Weighted share of common words from which two sentences are the same; for sentences of few words."""
CONTAINED, HALF = 0.95, 0.6
"""The same for a sentence that is almost contained in the other and more than half of it."""
LEADS = 0.4
"""The same for two introductions: "Here is how …:" has many wordings."""
NEARER = 0.1
"""Largest lead of other sentences, taken together, over the pair's overlap."""
FEW_STEMS = 5

FEW = 10
"""Added to the number of sentences, so that in a small corpus a word in two of them is still rare."""

Relation = Literal["same", "contradicts", "other"]

_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*%?")
_CODE = re.compile(r"`+([^`]+)`+")
_NAME = re.compile(
    r"(?<![\w./])(?:[a-z]+[A-Z]\w*|[A-Za-z]\w*_\w+|\w+(?=\(\))|[A-Za-z]+\d+\w*)(?![\w/])"
)
"""Code names without backticks: ``getBox``, ``get_box``, ``box()``, ``VGG16``."""
_NEGATION = re.compile(
    r"\b(?:(?i:not|never|no|cannot|without|neither|nor)|none|(?i:do|does|did|is|are|was|were|wo|ca|can|"
    r"could|should|would|has|have)n['’]t)\b"
)
_OPPOSITES = (
    ("true", "false"), ("increases", "decreases"), ("ascending", "descending"),
    ("mutable", "immutable"), ("before", "after"), ("first", "last"), ("minimum", "maximum"),
    ("smallest", "largest"), ("synchronous", "asynchronous"), ("even", "odd"),
)  # fmt: skip
_SIDES = frozenset(side for pair in _OPPOSITES for side in pair)
_FILLER = frozenset((
    "a", "an", "the", "this", "that", "these", "those", "it", "its", "is", "are", "was", "be",
    "of", "to", "in", "on", "for", "by", "with", "and", "as", "which", "will", "then", "so",
    "also", "here", "there", "from", "into", "at", "if",
))  # fmt: skip
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


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with the features that are compared."""

    text: str
    words: str
    skeleton: str
    """The words without numbers, names and negations, which contradicting sentences share."""
    numbers: frozenset[str]
    names: frozenset[str]
    negated: bool
    sides: frozenset[str]
    """The words of ``_OPPOSITES`` in it."""
    stems: frozenset[str]
    leads: bool
    """Whether it introduces the text after it: it ends with a colon."""


@lru_cache(maxsize=4096)
def sentence_of(text: str) -> Sentence:
    """Extract the compared features of a sentence."""
    prose = _CODE.sub(" ", text)
    names = {_name(m[1]) for m in _CODE.finditer(text)} | {
        _name(m[0]) for m in _NAME.finditer(prose)
    }
    words = _words(text)
    kept = [w for w in words if w not in _FILLER] or words
    bare = set(_words(_NUMBER.sub(" ", _NEGATION.sub(" ", prose))))
    return Sentence(
        text=text,
        words=" ".join(kept),
        skeleton=" ".join(w for w in kept if w in bare),
        numbers=frozenset(_NUMBER.findall(prose)),
        names=frozenset(names),
        negated=bool(_NEGATION.search(prose)),
        sides=frozenset(kept) & _SIDES,
        stems=_stems(text),
        leads=text.rstrip(" *_").endswith(":"),
    )


@dataclass(frozen=True, slots=True)
class Overlap:
    """The weighted overlap of two sentences."""

    both: float
    """Share of both sentences' words, 0 to 1."""
    inside: float
    """Share of the smaller one's words, 0 to 1."""
    lead: float
    """Twice ``both``, minus the best overlap of each with any other sentence."""


class Corpus:
    """The sentences of several answers, for inverse document frequencies."""

    def __init__(self, sentences: Iterable[Sentence]) -> None:
        self._count = 0
        self._having: Counter[str] = Counter()
        for sentence in sentences:
            self._count += 1
            self._having.update(sentence.stems)

    def _weight(self, stems: Iterable[str]) -> float:
        return sum(math.log1p((self._count + FEW) / (self._having[s] + 1)) for s in stems)

    def overlaps(self, ones: Sequence[Sentence], others: Sequence[Sentence]) -> list[list[Overlap]]:
        """Return the overlap of each pair."""
        mine = [self._weight(s.stems) for s in ones]
        theirs = [self._weight(s.stems) for s in others]
        common = [[self._weight(a.stems & b.stems) for b in others] for a in ones]
        both = [
            [2 * c / (m + t) if c else 0.0 for c, t in zip(row, theirs, strict=True)]
            for row, m in zip(common, mine, strict=True)
        ]
        rows = [_two_best(row) for row in both]
        columns = [_two_best(column) for column in zip(*both, strict=True)]
        return [
            [
                Overlap(
                    own,
                    common[i][j] / min(mine[i], theirs[j]) if own else 0.0,
                    2 * own - _rival(rows[i], own) - _rival(columns[j], own),
                )
                for j, own in enumerate(row)
            ]
            for i, row in enumerate(both)
        ]

    def relations(
        self, ones: Sequence[Sentence], others: Sequence[Sentence]
    ) -> list[list[tuple[Relation, float]]]:
        """Return the relation and similarity, 0 to 1, of each pair."""
        return [
            [_relation(one, other, shared) for other, shared in zip(others, row, strict=True)]
            for one, row in zip(ones, self.overlaps(ones, others), strict=True)
        ]


def relation(one: str, other: str) -> Relation:
    """Return the relation of two sentences without further context."""
    mine, theirs = sentence_of(one), sentence_of(other)
    return Corpus((mine, theirs)).relations([mine], [theirs])[0][0][0]


def _two_best(values: Sequence[float]) -> tuple[float, float]:
    first, second = sorted((*values, 0.0, 0.0), reverse=True)[:2]
    return first, second


def _rival(best: tuple[float, float], own: float) -> float:
    """Return the best overlap with any other sentence."""
    return best[1] if own >= best[0] else best[0]


def _relation(one: Sentence, other: Sentence, shared: Overlap) -> tuple[Relation, float]:
    if one.words == other.words:
        return "same", 1.0
    if not one.words or not other.words or not shared.both:
        return "other", 0.0
    if _differ(one, other):
        score = _ratio(one.skeleton, other.skeleton, ALIKE, enough=2, times=3)
        return ("contradicts" if score >= ALIKE else "other"), score / 100
    if shared.lead >= -NEARER and (
        _same_by_stems(one, other, shared)
        or (
            shared.both >= LEAST
            and _ratio(one.words, other.words, RATIO, enough=4, times=2) >= RATIO
        )
    ):
        return "same", shared.both
    return "other", shared.both


def _same_by_stems(one: Sentence, other: Sentence, shared: Overlap) -> bool:
    """Return whether two sentences mean the same, judged by their stems."""
    if one.leads and other.leads and shared.both >= LEADS:
        return True
    if min(len(one.stems), len(other.stems)) < FEW_STEMS:
        return shared.both >= SHARED_OF_FEW
    contained = shared.inside >= CONTAINED and shared.both >= HALF
    return shared.both >= SHARED or contained


def _ratio(one: str, other: str, least: float, *, enough: int, times: int) -> float:
    """Return the ratio, 0 to 100; 0 below ``least``, and ``least`` if one contains the other's words.

    For the latter the shorter needs ``enough`` words, and the longer has at most ``times`` as many.
    """
    if not one or not other:
        return 0.0
    fuzz: Any = import_module("rapidfuzz.fuzz")
    score = float(fuzz.ratio(one, other, score_cutoff=least))
    score = max(score, float(fuzz.token_sort_ratio(one, other, score_cutoff=max(least, score))))
    short, long = sorted((one.count(" ") + 1, other.count(" ") + 1))
    if score or short < enough or short * times < long:
        return score
    return least if fuzz.token_set_ratio(one, other, score_cutoff=INSIDE) else 0.0


def _differ(one: Sentence, other: Sentence) -> bool:
    """Return whether similar sentences differ in a number, a name, a negation or an opposite."""
    if one.negated != other.negated:
        return True
    for mine, theirs in ((one.numbers, other.numbers), (one.names, other.names)):
        if mine and theirs and not (mine <= theirs or theirs <= mine):
            return True
    a, b = one.sides, other.sides
    return bool(a and b) and any(
        (x in a and y in b and y not in a and x not in b)
        or (y in a and x in b and x not in a and y not in b)
        for x, y in _OPPOSITES
    )


def _name(code: str) -> str:
    """Normalise a code name: drop quotation marks, brackets and dots."""
    return re.sub(r"[^\w/<>=+*-]", "", code).casefold() or code.strip()


def _words(text: str) -> list[str]:
    """Return lower-case words without a plural or third-person s."""
    found = (w.strip("._") for w in re.findall(r"[\w.%]+", text.lower()))
    return [
        w[:-1] if len(w) > 3 and w.endswith("s") and not w.endswith("ss") else w for w in found if w
    ]


def _stems(text: str) -> frozenset[str]:
    plain = _LEAD.sub("", re.sub(r"[*_`#\"“”]", " ", text).strip())
    words = (w.strip(".'’") for w in re.findall(r"[\w.%$'’]+", plain.lower()))
    return frozenset(_stem(w) for w in words if w and w not in _LITTLE)


@lru_cache(maxsize=8192)
def _stem(word: str) -> str:
    return str(_stemmer().stemWord(word))


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    library: Any = import_module("snowballstemmer")
    return library.stemmer("english")
