"""Ways to divide requests into contexts, and how much the outcomes support each of them.

A model may be better in one language, or at one complexity, and no better anywhere else. So each way to
divide the requests (not at all; by one feature; by two) is a hypothesis, with a weight that the outcomes of
all models at a task decide together. Inside a division the cells of one model are pooled: see ``arm``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from .request_context import RequestContext

Cells = tuple[str, ...]
"""The cell of a request in each partition, in the order of ``PARTITIONS``."""


@dataclass(frozen=True, slots=True)
class ContextFeature:
    """A property of a request by which models may differ. Add one to ``FEATURES`` and it is learned."""

    name: str
    value: Callable[[RequestContext], str]
    """Few values: each of them needs its own outcomes."""
    phrase: Callable[[str], str]
    """Describes a value to the user, as the end of "it does well …"."""
    kind: str = ""
    """Features of one kind are variants of each other; they share their prior weight and form no pair."""


def _above(bound: int) -> ContextFeature:
    def phrase(value: str) -> str:
        return f"in code of a complexity {'above' if value == '+' else 'up to'} {bound}"

    return ContextFeature(
        f"complexity above {bound}",
        lambda c: "+" if c.complexity > bound else "-",
        phrase,
        "complexity",
    )


PLACE_PHRASES = {
    "call": "in a call",
    "return": "after return",
    "comment": "in a comment",
    "import": "in an import",
    "test": "in a test",
    "string": "in a string",
    "definition": "in a definition",
    "other": "in other code",
    "code": "in code",
    "prose": "in comments and strings",
}
"""Kinds of place and regions, as ends of a sentence."""


def _region(context: RequestContext) -> str:
    place = context.place
    return "prose" if place in ("comment", "string") else place if place == "test" else "code"


FEATURES = (
    ContextFeature("language", lambda c: c.language, lambda v: f"in {v or 'plain text'}"),
    _above(5),
    _above(10),
    ContextFeature("region", _region, PLACE_PHRASES.__getitem__, "place"),
    ContextFeature("place", lambda c: c.place, PLACE_PHRASES.__getitem__, "place"),
    ContextFeature(
        "block",
        lambda c: "+" if c.multiline else "-",
        lambda v: "for a block" if v == "+" else "for the rest of a line",
    ),
    ContextFeature(
        "invoked",
        lambda c: "+" if c.trigger == "invoked" else "-",
        lambda v: "on request" if v == "+" else "while you type",
    ),
)
"""The features of a context. The saved state names its features, so the list can grow."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One way to divide requests: by the features at these indexes of ``FEATURES``; by none."""

    features: tuple[int, ...]
    prior: float
    """Weight before the first outcome."""

    @property
    def name(self) -> str:
        """Return the features' names."""
        return " × ".join(FEATURES[i].name for i in self.features) or "none"


def partitions(undivided: float, single: float) -> tuple[Partition, ...]:
    """Return all partitions; ``undivided`` and ``single`` are the weights of none and of single features."""
    kinds: dict[str, list[int]] = {}
    for index, feature in enumerate(FEATURES):
        kinds.setdefault(feature.kind or feature.name, []).append(index)
    pairs = list(combinations(kinds.values(), 2))
    found = [Partition((), undivided)]
    for variants in kinds.values():
        share = single / len(kinds) / len(variants)
        found += [Partition((index,), share) for index in variants]
    for first, second in pairs:
        share = (1 - undivided - single) / len(pairs) / (len(first) * len(second))
        found += [Partition((i, j), share) for i in first for j in second]
    return tuple(found)


_MIN_WEIGHT = 2e-3
UNDIVIDED, SINGLE = 0.35, 0.45
PARTITIONS = partitions(UNDIVIDED, SINGLE)
_FEATURES_OF = tuple(p.features for p in PARTITIONS)


def feature_values(context: RequestContext) -> tuple[str, ...]:
    """Return the context's value for each of ``FEATURES``."""
    return tuple([feature.value(context) for feature in FEATURES])


def describe(partition: int, values: tuple[str, ...]) -> str:
    """Describe the cell of a partition for the user; "here" without a division."""
    phrases = [FEATURES[i].phrase(values[i]) for i in PARTITIONS[partition].features]
    return " ".join(phrases) or "here"


@lru_cache(maxsize=4096)
def cells_of(values: tuple[str, ...]) -> Cells:
    """Return the cell in each partition for the values of ``FEATURES``."""
    return tuple("\n".join([values[i] for i in features]) for features in _FEATURES_OF)


def divisions_of(weights: Sequence[float]) -> list[tuple[int, float]]:
    """Return the partitions that divide the requests, by index, with their weights, if large enough to matter."""
    return [
        (index, weight)
        for index, weight in enumerate(weights)
        if weight >= _MIN_WEIGHT and PARTITIONS[index].features
    ]


class PartitionWeights:
    """The posterior weights of the partitions at one task, shared by all models."""

    def __init__(self, prior: Sequence[float] = tuple(p.prior for p in PARTITIONS)) -> None:
        self._prior = [math.log(p) for p in prior]
        self._evidence: dict[str, Sequence[float]] = {}
        self.values: list[float] = list(prior)
        """One weight for each partition; their sum is 1."""
        self.divisions = divisions_of(self.values)

    def update(self, model: str, evidence: Sequence[float]) -> None:
        """Replace a model's evidence: the log-likelihood of its outcomes under each partition."""
        self._evidence[model] = evidence
        total = [sum(column) for column in zip(self._prior, *self._evidence.values(), strict=True)]
        largest = max(total)
        weights = [math.exp(v - largest) for v in total]
        scale = sum(weights)
        self.values = [w / scale for w in weights]
        self.divisions = divisions_of(self.values)

    @property
    def leading(self) -> int | None:
        """Return the index of the partition with more than half of the weight, if it divides the requests."""
        best = max(range(len(self.values)), key=self.values.__getitem__)
        return best if self.values[best] > 0.5 and PARTITIONS[best].features else None
