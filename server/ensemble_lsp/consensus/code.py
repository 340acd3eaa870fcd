"""The consensus of code: which of several models' answers to give.

``weighted``: what does not parse is set aside; where the prompt's examples were run, so is what keeps fewer of
their promises; answers equal in canonical form (or, with inputs alone, in behaviour) vote together, a vote
counts the log-odds of what is expected of its model, and a single answer competes by its own. ``seed``: the
answer that most gave word for word, else the one most like the others. The seed's rule is a popularity contest:
it serves where the models are near-equals or nothing is known of them, and loses to the best model where not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal

from ..sandbox.check_results import CheckResults
from ..wording import join_names
from .agreement import CalibrationTable, agreement_features
from .calibration import CODE_TABLE
from .canonical_form import canonical, canonical_line, plain
from .votes import LOG_ALTERNATIVES, AnswerGroup, ConsensusResult, Vote, log_odds, vote_weight

Rule = Literal["weighted", "seed"]

__all__ = [
    "AnswerGroup",
    "CheckResults",
    "ConsensusResult",
    "Vote",
    "VotingParameters",
    "consensus_of_code",
    "consensus_of_completion",
]


@dataclass(frozen=True, slots=True)
class VotingParameters:
    """The parameters of the weighted rule, chosen on half of the tasks of docs/consensus.md."""

    log_alternatives: float = 1.6
    """Added to each vote; see ``votes.SURPRISE``."""
    near_equal_margin: float = 0.06
    """Expected rewards no farther apart than this are near-equals: likeness then decides, unless three
    or a majority agree."""
    table: CalibrationTable = CODE_TABLE


@dataclass(frozen=True, slots=True)
class AnswerCluster:
    """Equal answers, the best model's first."""

    answers: tuple[Vote, ...]
    weight: float

    @property
    def best(self) -> Vote:
        """The best model's answer."""
        return self.answers[0]

    def group(self) -> AnswerGroup:
        """Its models and what they say."""
        names = tuple(dict.fromkeys(a.model for a in self.answers))
        return AnswerGroup(names, self.best.text, self.weight, self.best.checks)


@dataclass(frozen=True, slots=True)
class Ballot:
    """The answers, sorted by what may be chosen."""

    eligible: list[tuple[Vote, str]]
    """Those that may win, with what makes them equal."""
    failed: list[Vote]
    """Those that keep fewer of the examples' promises."""
    unparsable: list[Vote]
    """Those that do not parse."""


def consensus_of_code(
    answers: Sequence[Vote],
    language: str,
    rule: Rule = "weighted",
    tuning: VotingParameters | None = None,
) -> ConsensusResult:
    """The answer several models stand behind, and all groups of equal answers, best first.

    What does not parse counts only where nothing does. Raises ``ValueError`` without an answer.
    """
    if not answers:
        raise ValueError("a consensus needs at least one answer")
    tuning = tuning or VotingParameters()
    answers = [a if a.form != "" else replace(a, form=canonical(a.text, language)) for a in answers]
    if rule == "seed":
        return _by_similarity(answers, tuning.table)
    ballot = ballot_of(answers)
    clusters = clusters_of(ballot, tuning)
    used, why = "weighted", _why_weighted(clusters, len(answers), ballot)
    weights = list({a.model: a.weight for a, _ in ballot.eligible}.values())
    leading = len(clusters[0].group().models)
    if len(clusters) > 1 and similarity_decides(leading, weights, tuning):
        clusters = _by_mean_similarity(
            clusters, [*(a for a, _ in ballot.eligible), *ballot.unparsable]
        )
        used, why = "similarity", _why_similar(clusters)
    if ballot.failed:
        tested = any(a.checks is not None and a.checks.tests for a, _ in ballot.eligible)
        used = "tests" if tested else "examples"
    return _verdict(clusters, ballot, used, why, tuning.table)


def ballot_of(answers: Sequence[Vote]) -> Ballot:
    """Sort answers whose forms are known by whether they may be chosen."""
    whole = [a for a in answers if a.form is not None]
    broken = [a for a in answers if a.form is None]
    if not whole:
        return Ballot([(a, plain(a.text)) for a in broken], [], [])
    most = max((a.checks.passed for a in whole if a.checks is not None), default=0)
    kept = [a for a in whole if most == 0 or (a.checks is not None and a.checks.passed == most)]
    failed = [a for a in whole if a not in kept]
    return Ballot([(a, _equality_key(a)) for a in kept], failed, broken)


def _equality_key(answer: Vote) -> str:
    """What makes two answers one: what they do with the inputs that were run, else their form."""
    trial = answer.checks
    if (
        trial is not None
        and len(trial.outputs) > trial.total - trial.tests
        and _is_informative(trial)
    ):
        return repr(trial.outputs)
    return answer.form or plain(answer.text)


def _is_informative(trial: CheckResults) -> bool:
    """Whether outputs say anything: not all of them are failures or nothing."""
    return any(
        not output.startswith("!") and output not in ("", "None") for output in trial.outputs
    )


def consensus_of_completion(answers: Sequence[Vote], language: str = "") -> ConsensusResult:
    """Two that agree, else the best weight; where the agreeing part after a prefix, that prefix.

    Raises ``ValueError`` without an answer.
    """
    if not answers:
        raise ValueError("a consensus needs at least one answer")
    forms = [(a, canonical_line(a.text, language)) for a in answers]
    clusters = _clusters([(a, f) for a, f in forms if f] or forms, LOG_ALTERNATIVES)
    first = clusters[0]
    if len(first.answers) > 1 or len(clusters) == 1:
        why = _why_weighted(clusters, len(answers))
        return _line_verdict(clusters, "weighted", why)
    shared = _shared_lines(clusters)
    if shared is None:
        return _line_verdict(clusters, "best", _why_weighted(clusters, len(answers)))
    names = tuple(dict.fromkeys(a.model for a in shared.answers))
    agreement = _probability_correct(
        shared.answers, [c.best for c in clusters if c.best not in shared.answers]
    )
    groups = (shared.group(), *(c.group() for c in clusters))
    why = f"{join_names(names)} agree on the first lines and part after them."
    return ConsensusResult(shared.best.text, names, agreement, groups, "prefix", why)


def _line_verdict(clusters: Sequence[AnswerCluster], used: str, why: str) -> ConsensusResult:
    first, *others = clusters
    agreement = _probability_correct(first.answers, [a for c in others for a in c.answers])
    groups = tuple(c.group() for c in clusters)
    return ConsensusResult(first.best.text, groups[0].models, agreement, groups, used, why)


def _clusters(pairs: Sequence[tuple[Vote, str]], surprise: float) -> list[AnswerCluster]:
    """Equal forms together; the heaviest first, each with its best model's answer first."""
    by_form: dict[str, list[Vote]] = {}
    for answer, form in pairs:
        by_form.setdefault(form, []).append(answer)
    clusters = [
        AnswerCluster(tuple(sorted(group, key=lambda a: -a.weight)), _vote(group, surprise))
        for group in by_form.values()
    ]
    return sorted(clusters, key=lambda c: (-c.weight, -c.best.weight))


def _vote(group: Sequence[Vote], surprise: float) -> float:
    """A model votes once, however often it answered: further samples of its own count a quarter."""
    seen: set[str] = set()
    total = 0.0
    for answer in group:
        share = 0.25 if answer.model in seen else 1.0
        total += share * vote_weight(answer.weight, surprise)
        seen.add(answer.model)
    return total


def clusters_of(ballot: Ballot, tuning: VotingParameters) -> list[AnswerCluster]:
    """Equal answers together, the heaviest first."""
    return _clusters(ballot.eligible, tuning.log_alternatives)


def similarity_decides(leading: int, weights: Sequence[float], tuning: VotingParameters) -> bool:
    """Whether likeness chooses: models of these expected rewards are near-equals, and too few agree.

    ``leading`` of them gave the same answer.
    """
    few = leading < 3 and 2 * leading <= len(weights)
    return few and max(weights) - min(weights) <= tuning.near_equal_margin


def _by_mean_similarity(
    clusters: Sequence[AnswerCluster], everyone: Sequence[Vote]
) -> list[AnswerCluster]:
    """Near-equals of whom few agree: the answer most like all others first."""

    def liked(cluster: AnswerCluster) -> float:
        return sum(
            1.0 if any(a is b for b in cluster.answers) else similarity(cluster.best.text, a.text)
            for a in everyone
        )

    return sorted(clusters, key=lambda c: (-liked(c), -c.best.weight))


def _by_similarity(answers: Sequence[Vote], table: CalibrationTable) -> ConsensusResult:
    """The seed's rule: a majority of equal texts, else the highest mean similarity."""
    clusters = _clusters([(a, a.form or plain(a.text)) for a in answers], LOG_ALTERNATIVES)
    clusters.sort(key=lambda c: -len(c.answers))
    none = Ballot([], [], [])
    if len(clusters[0].answers) * 2 > len(answers):
        why = _why_weighted(clusters, len(answers))
        return _verdict(clusters, none, "majority", why, table)
    scores = _mean_similarities([a.text for a in answers])
    winner = answers[max(range(len(answers)), key=lambda i: scores[i])]
    first = next(c for c in clusters if winner in c.answers)
    mine = (winner, *(a for a in first.answers if a is not winner))
    ordered = [AnswerCluster(mine, first.weight), *(c for c in clusters if c is not first)]
    return _verdict(ordered, none, "similarity", _why_similar(ordered), table)


def _mean_similarities(texts: Sequence[str]) -> list[float]:
    """Mean similarity, 0 to 1, of each text to the others (of a single text, 1)."""
    count = len(texts)
    if count < 2:
        return [1.0] * count
    sums = [0.0] * count
    for i in range(count):
        for j in range(i):
            value = similarity(texts[i], texts[j])
            sums[i] += value
            sums[j] += value
    return [s / (count - 1) for s in sums]


_TOKEN = re.compile(r"\w+|[^\w\s]")


@lru_cache(maxsize=64)
def _tokens(text: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(text))


def similarity(one: str, other: str) -> float:
    """Share of the tokens that stay when one code is turned into the other (Indel), 0 to 1."""
    indel: Any = import_module("rapidfuzz.distance.Indel")
    return float(indel.normalized_similarity(_tokens(one), _tokens(other)))


def _verdict(
    clusters: Sequence[AnswerCluster], ballot: Ballot, used: str, why: str, table: CalibrationTable
) -> ConsensusResult:
    first = clusters[0]
    others = [a for c in clusters[1:] for a in c.answers] + ballot.unparsable
    likeness = [1.0] * (len(first.group().models) - 1)
    likeness += [
        similarity(first.best.text, a.text)
        for a in (*others, *ballot.failed)
        if a.model != first.best.model
    ]
    alike = sum(likeness) / len(likeness) if likeness else 1.0
    signs = agreement_features(first.answers, others, alike, ballot.failed)
    rest = [
        AnswerCluster((a,), log_odds(a.weight))
        for a in sorted((*ballot.failed, *ballot.unparsable), key=lambda a: -a.weight)
    ]
    return ConsensusResult(
        text=first.best.text,
        models=first.group().models,
        agreement=round(table.probability(signs), 3),
        groups=tuple(c.group() for c in (*clusters, *rest)),
        rule_used=used,
        why=why,
    )


def _probability_correct(behind: Sequence[Vote], others: Sequence[Vote]) -> float:
    """Estimated chance that a completion is right, from who stands behind it and who does not.

    Odds: the best model's own, times what each further model that agrees adds, divided by what each
    that disagrees takes; set to what 18,548 published line completions show of three models of
    about .25 each: all agree .85, two .47, none .09.
    """
    best = {a.model: a.weight for a in sorted(behind, key=lambda a: a.weight)}
    names = sorted(best, key=lambda n: -best[n])
    value = log_odds(best[names[0]])
    value += AGREEMENT_LOG_ODDS * len(names[1:])
    value -= DISAGREEMENT_LOG_ODDS * len({a.model for a in others} - set(names))
    return round(1 / (1 + math.exp(-value)), 3)


AGREEMENT_LOG_ODDS, DISAGREEMENT_LOG_ODDS = 1.45, 0.6
"""Log-odds that one more model adds, behind an answer and beside it."""


def _shared_lines(clusters: Sequence[AnswerCluster]) -> AnswerCluster | None:
    """The longest start in whole lines that two answers share, by the weight of who shares it."""
    best: AnswerCluster | None = None
    for i, one in enumerate(clusters):
        for other in clusters[i + 1 :]:
            text = _common_lines(one.best.text, other.best.text)
            if not text.strip():
                continue
            answers = tuple(
                Vote(c.best.model, text, c.best.weight)
                for c in clusters
                if c.best.text.startswith(text)
            )
            found = AnswerCluster(answers, _vote(answers, LOG_ALTERNATIVES))
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


def _why_weighted(
    clusters: Sequence[AnswerCluster], asked: int, ballot: Ballot | None = None
) -> str:
    names = list(clusters[0].group().models)
    trial = clusters[0].best.checks
    ran = ""
    if ballot is not None and trial is not None and trial.total:
        ran = f" {trial.sentence().capitalize()}."
    if len(names) > 1:
        how = "gave the same answer" if not ran else "behave alike"
        return f"{join_names(names)} {how} ({len(names)} of {asked}).{ran}"
    if asked == 1:
        return f"Only {names[0]} answered.{ran}"
    if len(clusters) == 1 and ballot is not None and ballot.failed:
        what = "tests" if trial is not None and trial.tests else "examples"
        return f"{names[0]}'s answer keeps the most of the {what}.{ran}"
    if len(clusters) == 1:
        return f"Only {names[0]}'s answer can be parsed.{ran}"
    return f"No two models agree; {names[0]} has the best record here.{ran}"


def _why_similar(clusters: Sequence[AnswerCluster]) -> str:
    return (
        f"Too few agree, and the models' records are alike; "
        f"{clusters[0].best.model}'s answer is most like the others."
    )
