"""The consensus of code: which of several models' answers to give.

``weighted``: answers equal in canonical form vote together, a vote counts the log-odds of what is
expected of its model, and a single answer competes by its own. ``seed``: the answer that most gave
word for word, else the one most like the others. The seed's rule is a popularity contest: it serves
where the models are near-equals or nothing is known of them, and loses to the best model where not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from .normalise import canonical, canonical_line, plain
from .votes import Answer, Group, Verdict, log_odds, vote_of

Rule = Literal["weighted", "seed"]
NEAR_EQUAL = 0.08
"""Expected rewards no farther apart than this are near-equals: similarity then decides among
single answers."""

__all__ = ["Answer", "Group", "Verdict", "consensus_of_code", "consensus_of_completion"]


@dataclass(frozen=True, slots=True)
class _Cluster:
    answers: tuple[Answer, ...]
    weight: float

    @property
    def best(self) -> Answer:
        return self.answers[0]

    def group(self) -> Group:
        names = tuple(dict.fromkeys(a.model for a in self.answers))
        return Group(names, self.best.text, self.weight)


def consensus_of_code(answers: Sequence[Answer], language: str, rule: Rule = "weighted") -> Verdict:
    """The answer several models stand behind, and all groups of equal answers, best first.

    What does not parse counts only where nothing does. Raises ``ValueError`` without an answer.
    """
    if not answers:
        raise ValueError("a consensus needs at least one answer")
    if rule == "seed":
        return _by_similarity(answers, language)
    forms = [canonical(a.text, language) for a in answers]
    whole = [(a, f) for a, f in zip(answers, forms, strict=True) if f is not None]
    broken = [a for a, f in zip(answers, forms, strict=True) if f is None]
    if not whole:
        whole, broken = [(a, plain(a.text)) for a in answers], []
    clusters = _clusters(whole)
    if len(clusters) > 1 and len(clusters[0].answers) == 1 and _near_equal(answers):
        clusters = _by_mean_similarity(clusters)
        used, why = "similarity", _why_similar(clusters)
    else:
        used, why = "weighted", _why_weighted(clusters, len(answers))
    rest = [_Cluster((a,), log_odds(a.weight)) for a in sorted(broken, key=lambda a: -a.weight)]
    return _verdict(clusters, rest, used, why)


def consensus_of_completion(answers: Sequence[Answer], language: str = "") -> Verdict:
    """Two that agree, else the best weight; where the agreeing part after a prefix, that prefix.

    Raises ``ValueError`` without an answer.
    """
    if not answers:
        raise ValueError("a consensus needs at least one answer")
    forms = [(a, canonical_line(a.text, language)) for a in answers]
    clusters = _clusters([(a, f) for a, f in forms if f] or forms)
    first = clusters[0]
    if len(first.answers) > 1 or len(clusters) == 1:
        why = _why_weighted(clusters, len(answers))
        return _verdict(clusters, [], "weighted", why)
    shared = _shared_lines(clusters)
    if shared is None:
        return _verdict(clusters, [], "best", _why_weighted(clusters, len(answers)))
    names = tuple(dict.fromkeys(a.model for a in shared.answers))
    agreement = _chance(shared.answers, [c.best for c in clusters if c.best not in shared.answers])
    groups = (shared.group(), *(c.group() for c in clusters))
    why = f"{_names(names)} agree on the first lines and part after them."
    return Verdict(shared.best.text, names, agreement, groups, "prefix", why)


def _clusters(pairs: Sequence[tuple[Answer, str]]) -> list[_Cluster]:
    """Equal forms together; the heaviest first, each with its best model's answer first."""
    by_form: dict[str, list[Answer]] = {}
    for answer, form in pairs:
        by_form.setdefault(form, []).append(answer)
    clusters = [
        _Cluster(tuple(sorted(group, key=lambda a: -a.weight)), _vote(group))
        for group in by_form.values()
    ]
    return sorted(clusters, key=lambda c: (-c.weight, -c.best.weight))


def _vote(group: Sequence[Answer]) -> float:
    """A model votes once, however often it answered: further samples of its own count a quarter."""
    seen: set[str] = set()
    total = 0.0
    for answer in group:
        share = 0.25 if answer.model in seen else 1.0
        total += share * vote_of(answer.weight)
        seen.add(answer.model)
    return total


def _near_equal(answers: Sequence[Answer]) -> bool:
    weights = [a.weight for a in answers]
    return max(weights) - min(weights) <= NEAR_EQUAL


def _by_mean_similarity(clusters: Sequence[_Cluster]) -> list[_Cluster]:
    """Near-equals that do not agree: the answer most like the others first."""
    texts = [plain(c.best.text) for c in clusters]
    scores = _mean_similarities(texts)
    order = sorted(range(len(texts)), key=lambda i: (-scores[i], -clusters[i].best.weight))
    return [clusters[i] for i in order]


def _by_similarity(answers: Sequence[Answer], language: str) -> Verdict:
    """The seed's rule: a majority of equal texts, else the highest mean similarity."""
    forms = [(a, canonical(a.text, language) or plain(a.text)) for a in answers]
    clusters = sorted(_clusters(forms), key=lambda c: -len(c.answers))
    if len(clusters[0].answers) * 2 > len(answers):
        return _verdict(clusters, [], "majority", _why_weighted(clusters, len(answers)))
    texts = [plain(a.text) for a in answers]
    scores = _mean_similarities(texts)
    winner = answers[max(range(len(answers)), key=lambda i: scores[i])]
    first = next(c for c in clusters if winner in c.answers)
    ordered = [first, *(c for c in clusters if c is not first)]
    return _verdict(ordered, [], "similarity", _why_similar(ordered))


def _mean_similarities(texts: Sequence[str]) -> list[float]:
    """Mean similarity, 0 to 1, of each text to the others (of a single text, 1)."""
    ratio: Callable[[str, str], float] = _fuzz().ratio
    count = len(texts)
    if count < 2:
        return [1.0] * count
    sums = [0.0] * count
    for i in range(count):
        for j in range(i):
            value = ratio(texts[i], texts[j]) / 100
            sums[i] += value
            sums[j] += value
    return [s / (count - 1) for s in sums]


def _verdict(
    clusters: Sequence[_Cluster], rest: Sequence[_Cluster], used: str, why: str
) -> Verdict:
    first = clusters[0]
    others = [a for c in (*clusters[1:], *rest) for a in c.answers]
    return Verdict(
        text=first.best.text,
        models=first.group().models,
        agreement=_chance(first.answers, others),
        groups=tuple(c.group() for c in (*clusters, *rest)),
        rule_used=used,
        why=why,
    )


def _chance(behind: Sequence[Answer], others: Sequence[Answer]) -> float:
    """Estimated chance that an answer is right, from who stands behind it and who does not.

    Odds: the best model's own, times what each further model that agrees adds, divided by what each
    that disagrees takes. An estimate by rule of thumb, not yet calibrated on answers with tests.
    """
    best = {a.model: a.weight for a in sorted(behind, key=lambda a: a.weight)}
    names = sorted(best, key=lambda n: -best[n])
    value = log_odds(best[names[0]])
    value += AGREE * len(names[1:])
    value -= DISAGREE * len({a.model for a in others} - set(names))
    return round(1 / (1 + math.exp(-value)), 3)


AGREE, DISAGREE = 1.0, 0.15
"""Log-odds that one more model adds, behind an answer and beside it."""


def _shared_lines(clusters: Sequence[_Cluster]) -> _Cluster | None:
    """The longest start in whole lines that two answers share, by the weight of who shares it."""
    best: _Cluster | None = None
    for i, one in enumerate(clusters):
        for other in clusters[i + 1 :]:
            text = _common_lines(one.best.text, other.best.text)
            if not text.strip():
                continue
            answers = tuple(
                Answer(c.best.model, text, c.best.weight)
                for c in clusters
                if c.best.text.startswith(text)
            )
            found = _Cluster(answers, _vote(answers))
            if best is None or found.weight > best.weight:
                best = found
    return best


def _common_lines(a: str, b: str) -> str:
    shared: list[str] = []
    for x, y in zip(a.split("\n"), b.split("\n"), strict=False):
        if x.rstrip() != y.rstrip():
            break
        shared.append(x)
    return "\n".join(shared)


def _why_weighted(clusters: Sequence[_Cluster], asked: int) -> str:
    names = list(clusters[0].group().models)
    if len(names) > 1:
        return f"{_names(names)} gave the same answer ({len(names)} of {asked})."
    if asked == 1:
        return f"Only {names[0]} answered."
    if len(clusters) == 1:
        return f"Only {names[0]}'s answer can be parsed."
    return f"No two models agree; {names[0]} has the best record here."


def _why_similar(clusters: Sequence[_Cluster]) -> str:
    return (
        f"No majority agrees, and the models' records are alike; "
        f"{clusters[0].best.model}'s answer is most like the others."
    )


def _names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _fuzz() -> Any:
    return import_module("rapidfuzz.fuzz")
