"""Measures of predicted edits: exact, delta-chrF, shown where wanted, quiet where not, and one score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..types import common_prefix_length

ORDER = 6
"""The longest n-grams."""
BETA = 2.0
"""The weight of recall."""


@dataclass(frozen=True, slots=True)
class EditCase:
    """One scenario and what became of it."""

    before: str
    wanted: str | None
    """The file as it should become; ``None`` if nothing should be shown."""
    after: str | None
    """The file with the edit that was shown; ``None`` if nothing was shown."""

    @property
    def exact(self) -> bool:
        """Whether the wanted edit was shown; white space at the end of the file does not count."""
        return None not in (self.wanted, self.after) and (
            str(self.after).rstrip() == str(self.wanted).rstrip()
        )


@dataclass(frozen=True, slots=True)
class EditScores:
    """The measures of several scenarios; shares and means are from 0 to 1."""

    wanted: int
    unwanted: int
    exact: int
    false_alarms: int
    delta_chrf: float
    line_chrf: float
    """Delta-chrF as cursortab measures it: of the new lines alone."""
    shown: float
    """The share shown where an edit is wanted."""
    quiet: float
    """The share quiet where none is."""

    @property
    def score(self) -> float:
        """Delta-chrF times the harmonic mean of ``shown`` and ``quiet``."""
        return self.delta_chrf * harmonic_mean(self.shown, self.quiet)

    @property
    def line_score(self) -> float:
        """The same of ``line_chrf``."""
        return self.line_chrf * harmonic_mean(self.shown, self.quiet)


def scores(cases: Sequence[EditCase]) -> EditScores:
    """Return the measures of scenarios."""
    wanted = [(case, case.wanted) for case in cases if case.wanted is not None]
    unwanted = [case for case in cases if case.wanted is None]
    alarms = sum(case.after is not None for case in unwanted)

    def mean(values: Sequence[float]) -> float:
        return sum(values) / len(values) if values else 0.0

    return EditScores(
        wanted=len(wanted),
        unwanted=len(unwanted),
        exact=sum(case.exact for case, _ in wanted),
        false_alarms=alarms,
        delta_chrf=mean([delta_chrf(c.before, goal, _after(c)) for c, goal in wanted]),
        line_chrf=mean([line_chrf(c.before, goal, _after(c)) for c, goal in wanted]),
        shown=mean([float(case.after is not None) for case, _ in wanted]),
        quiet=1 - alarms / len(unwanted) if unwanted else 0.0,
    )


def harmonic_mean(one: float, other: float) -> float:
    """Return the harmonic mean of two numbers; 0 if one is 0."""
    return 2 * one * other / (one + other) if one and other else 0.0


def delta_chrf(before: str, wanted: str, after: str) -> float:
    """Return how alike two changes of a text are, 0 to 1: n-grams added and n-grams deleted count alike.

    White space is left out. Two texts without a change are alike.
    """
    texts = _apart(["".join(text.split()) for text in (before, wanted, after)])
    values: list[float] = []
    for size in range(1, ORDER + 1):
        old, goal, new = (_ngrams(text, size) for text in texts)
        wanted_change, change = _signed(old, goal), _signed(old, new)
        if wanted_change or change:
            values.append(_f_score(change, wanted_change))
    return sum(values) / len(values) if values else 1.0


def line_chrf(before: str, wanted: str, after: str) -> float:
    """Return how alike the new lines of two changes are, 0 to 1: chrF of the lines between the equal ones."""
    old = before.rstrip().split("\n")
    goal, new = (_new_lines(old, text.rstrip().split("\n")) for text in (wanted, after))
    values: list[float] = []
    for size in range(1, ORDER + 1):
        reference, candidate = _ngrams(goal, size), _ngrams(new, size)
        if reference or candidate:
            values.append(_f_score(candidate, reference))
    return sum(values) / len(values) if values else 1.0


def _apart(texts: Sequence[str]) -> list[str]:
    """Return texts without most of what they all begin and end with, in which no n-gram is added or deleted."""
    shortest = min(map(len, texts))
    head = min(common_prefix_length(texts[0], text) for text in texts[1:])
    tail = min(common_prefix_length(texts[0][::-1], text[::-1]) for text in texts[1:])
    head = max(0, head - ORDER)
    tail = max(0, min(tail, shortest - head) - ORDER)
    return [text[head : len(text) - tail] for text in texts]


def _after(case: EditCase) -> str:
    return case.before if case.after is None else case.after


def _new_lines(old: list[str], new: list[str]) -> str:
    head = common_prefix_length(old, new)
    tail = common_prefix_length(old[head:][::-1], new[head:][::-1])
    return "\n".join(new[head : len(new) - tail])


def _ngrams(text: str, size: int) -> Counter[tuple[str, str]]:
    return Counter(("+", text[at : at + size]) for at in range(len(text) - size + 1))


def _signed(
    old: Counter[tuple[str, str]], new: Counter[tuple[str, str]]
) -> Counter[tuple[str, str]]:
    """Return the n-grams that a change adds and, marked, those that it deletes."""
    deleted = Counter({("-", gram): count for (_, gram), count in (old - new).items()})
    return (new - old) + deleted


def _f_score(candidate: Counter[tuple[str, str]], reference: Counter[tuple[str, str]]) -> float:
    matched = (candidate & reference).total()
    if not matched:
        return 0.0
    precision, recall = matched / candidate.total(), matched / reference.total()
    weight = BETA * BETA
    return (1 + weight) * precision * recall / (weight * precision + recall)
