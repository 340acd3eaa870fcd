"""The consensus on code: choose one of several models' answers.

``weighted``: answers that do not parse, or pass fewer of the examples and tests, are set aside. Answers with equal
canonical form (or equal behaviour, if only inputs are known) vote together; a vote weighs the log-odds of the reward
expected of its model. ``seed``: the answer that most models gave word for word, else the one most similar to the
others. The ``seed`` rule suits models of equal or unknown quality; otherwise the best model alone beats it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from typing import Any, Literal

from ..numeric import logistic
from ..sandbox.check_results import CheckResults
from ..wording import join_names
from .agreement import CalibrationTable, agreement_features
from .calibration import CODE_TABLE
from .canonical_form import canonical, canonical_line, plain
from .votes import LOG_ALTERNATIVES, AnswerGroup, ConsensusResult, Vote, log_odds, vote_weight

Rule = Literal["weighted", "seed"]


@dataclass(frozen=True, slots=True)
class VotingParameters:
    """The parameters of the weighted rule, chosen on half of the tasks of docs/consensus.md."""

    log_alternatives: float = 1.6
    """Added to each vote; see ``votes.LOG_ALTERNATIVES``."""
    near_equal_margin: float = 0.06
    """Largest gap between expected rewards of near-equal models. Similarity decides among them, as in the rule
    ``seed``, unless a majority agrees."""
    table: CalibrationTable = CODE_TABLE


@dataclass(frozen=True, slots=True)
class AnswerCluster:
    """Equal answers, that of the best model first."""

    answers: tuple[Vote, ...]
    weight: float

    @property
    def best(self) -> Vote:
        """The best model's answer."""
        return self.answers[0]

    def group(self) -> AnswerGroup:
        """Return its models and their answer."""
        names = tuple(dict.fromkeys(a.model for a in self.answers))
        return AnswerGroup(names, self.best.text, self.weight, self.best.checks)


@dataclass(frozen=True, slots=True)
class Ballot:
    """The answers, sorted by eligibility."""

    eligible: list[tuple[Vote, str]]
    """Answers that may win, each with its equality key."""
    failed: list[Vote]
    """Answers that pass fewer checks."""
    unparsable: list[Vote]
    """Answers that do not parse."""


def consensus_of_code(
    answers: Sequence[Vote],
    language: str,
    rule: Rule = "weighted",
    tuning: VotingParameters | None = None,
) -> ConsensusResult:
    """Choose the answer with the most support; also return all groups of equal answers, best first.

    Answers that do not parse count only if none does. Raises ``ValueError`` without an answer.
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
    """Sort answers with known forms by eligibility."""
    whole = [a for a in answers if a.form is not None]
    broken = [a for a in answers if a.form is None]
    if not whole:
        return Ballot([(a, plain(a.text)) for a in broken], [], [])
    max_passed = max((a.checks.passed for a in whole if a.checks is not None), default=0)
    kept = [
        a
        for a in whole
        if max_passed == 0 or (a.checks is not None and a.checks.passed == max_passed)
    ]
    failed = [a for a in whole if a not in kept]
    return Ballot([(a, _equality_key(a)) for a in kept], failed, broken)


def _equality_key(answer: Vote) -> str:
    """Return the key of equal answers: their behaviour on inputs without expected results, else their form."""
    trial = answer.checks
    if (
        trial is not None
        and len(trial.outputs) > trial.total - trial.tests
        and _is_informative(trial)
    ):
        return repr(trial.outputs)
    return answer.form or plain(answer.text)


def _is_informative(trial: CheckResults) -> bool:
    """Return whether any output is neither a failure nor empty."""
    return any(
        not output.startswith("!") and output not in ("", "None") for output in trial.outputs
    )


def consensus_of_completion(answers: Sequence[Vote], language: str = "") -> ConsensusResult:
    """Choose the answer two models share, else their common first lines, else that of the best model.

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
    why = f"{join_names(names)} agree on the first lines and differ after them."
    return ConsensusResult(shared.best.text, names, agreement, groups, "prefix", why)


def _line_verdict(clusters: Sequence[AnswerCluster], used: str, why: str) -> ConsensusResult:
    first, *others = clusters
    agreement = _probability_correct(first.answers, [a for c in others for a in c.answers])
    groups = tuple(c.group() for c in clusters)
    return ConsensusResult(first.best.text, groups[0].models, agreement, groups, used, why)


def _clusters(pairs: Sequence[tuple[Vote, str]], surprise: float) -> list[AnswerCluster]:
    """Group equal forms; the heaviest group first, and in each the best model's answer first."""
    by_form: dict[str, list[Vote]] = {}
    for answer, form in pairs:
        by_form.setdefault(form, []).append(answer)
    clusters = [
        AnswerCluster(tuple(sorted(group, key=lambda a: -a.weight)), _vote(group, surprise))
        for group in by_form.values()
    ]
    return sorted(clusters, key=lambda c: (-c.weight, -c.best.weight))


def _vote(group: Sequence[Vote], surprise: float) -> float:
    """Sum the votes of a group; further samples of the same model count a quarter."""
    seen: set[str] = set()
    total = 0.0
    for answer in group:
        share = 0.25 if answer.model in seen else 1.0
        total += share * vote_weight(answer.weight, surprise)
        seen.add(answer.model)
    return total


def clusters_of(ballot: Ballot, tuning: VotingParameters) -> list[AnswerCluster]:
    """Group the eligible answers, the heaviest group first."""
    return _clusters(ballot.eligible, tuning.log_alternatives)


def similarity_decides(leading: int, weights: Sequence[float], tuning: VotingParameters) -> bool:
    """Return whether similarity decides: the models are near-equals, and too few agree.

    ``leading`` models gave the same answer; ``weights`` are the expected rewards of all.
    """
    few = 2 * leading <= len(weights)
    return few and max(weights) - min(weights) <= tuning.near_equal_margin


def _by_mean_similarity(
    clusters: Sequence[AnswerCluster], everyone: Sequence[Vote]
) -> list[AnswerCluster]:
    """Order clusters by their similarity to all answers, for near-equal models of which few agree."""

    def total_similarity(cluster: AnswerCluster) -> float:
        return sum(
            1.0 if any(a is b for b in cluster.answers) else similarity(cluster.best.text, a.text)
            for a in everyone
        )

    return sorted(clusters, key=lambda c: (-total_similarity(c), -c.best.weight))


def _by_similarity(answers: Sequence[Vote], table: CalibrationTable) -> ConsensusResult:
    """Apply the ``seed`` rule: a majority of equal texts, else the highest mean similarity."""
    clusters = _clusters([(a, a.form or plain(a.text)) for a in answers], LOG_ALTERNATIVES)
    clusters.sort(key=lambda c: -len(c.answers))
    empty = Ballot([], [], [])
    if len(clusters[0].answers) * 2 > len(answers):
        why = _why_weighted(clusters, len(answers))
        return _verdict(clusters, empty, "majority", why, table)
    scores = _mean_similarities([a.text for a in answers])
    winner = answers[max(range(len(answers)), key=lambda i: scores[i])]
    first = next(c for c in clusters if winner in c.answers)
    mine = (winner, *(a for a in first.answers if a is not winner))
    ordered = [AnswerCluster(mine, first.weight), *(c for c in clusters if c is not first)]
    return _verdict(ordered, empty, "similarity", _why_similar(ordered), table)


def _mean_similarities(texts: Sequence[str]) -> list[float]:
    """Return each text's mean similarity to the others, 0 to 1; 1 for a single text."""
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
    """Return the normalised Indel similarity of the tokens, 0 to 1."""
    indel: Any = import_module("rapidfuzz.distance.Indel")
    return float(indel.normalized_similarity(_tokens(one), _tokens(other)))


def _verdict(
    clusters: Sequence[AnswerCluster], ballot: Ballot, used: str, why: str, table: CalibrationTable
) -> ConsensusResult:
    rest = [
        AnswerCluster((a,), log_odds(a.weight))
        for a in sorted((*ballot.failed, *ballot.unparsable), key=lambda a: -a.weight)
    ]
    everyone = (*clusters, *rest)
    groups = tuple(
        replace(c.group(), agreement=_agreement(c, everyone, ballot, table)) for c in everyone
    )
    return ConsensusResult(
        text=clusters[0].best.text,
        models=groups[0].models,
        agreement=groups[0].agreement or 0.0,
        groups=groups,
        rule_used=used,
        why=why,
    )


def _agreement(
    chosen: AnswerCluster,
    clusters: Sequence[AnswerCluster],
    ballot: Ballot,
    table: CalibrationTable,
) -> float:
    """Return the probability that a group's answer is right."""
    differing = [a for c in clusters if c is not chosen for a in c.answers]
    failed = [a for a in differing if a in ballot.failed]
    others = [a for a in differing if a not in ballot.failed]
    similarities = [1.0] * (len(chosen.group().models) - 1)
    similarities += [
        similarity(chosen.best.text, a.text) for a in differing if a.model != chosen.best.model
    ]
    mean_similarity = sum(similarities) / len(similarities) if similarities else 1.0
    features = agreement_features(chosen.answers, others, mean_similarity, failed)
    return round(table.probability(features), 3)


def _probability_correct(behind: Sequence[Vote], others: Sequence[Vote]) -> float:
    """Estimate the probability that a completion is right from the models that agree and disagree.

    The log-odds are those of the best model, plus a constant for each further model that agrees, minus one for each
    that disagrees. The constants fit 18,548 published line completions of three models with about .25 each: all
    agree .85, two .47, none .09.
    """
    best = {a.model: a.weight for a in sorted(behind, key=lambda a: a.weight)}
    names = sorted(best, key=lambda n: -best[n])
    value = log_odds(best[names[0]])
    value += AGREEMENT_LOG_ODDS * len(names[1:])
    value -= DISAGREEMENT_LOG_ODDS * len({a.model for a in others} - set(names))
    return round(logistic(value), 3)


AGREEMENT_LOG_ODDS, DISAGREEMENT_LOG_ODDS = 1.45, 0.6
"""Log-odds that one more model adds by agreeing and subtracts by disagreeing."""


def _shared_lines(clusters: Sequence[AnswerCluster]) -> AnswerCluster | None:
    """Return the heaviest group of answers that share their first whole lines."""
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
        how = "gave answers that behave alike" if ran else "gave the same answer"
        return f"{join_names(names)} {how} ({len(names)} of {asked}).{ran}"
    if asked == 1:
        return f"Only {names[0]} answered.{ran}"
    if len(clusters) == 1 and ballot is not None and ballot.failed:
        what = "tests" if trial is not None and trial.tests else "examples"
        return f"{names[0]}'s answer passes the most {what}.{ran}"
    if len(clusters) == 1:
        return f"Only {names[0]}'s answer can be parsed.{ran}"
    return f"No two models agree; {names[0]} has the best record here.{ran}"


def _why_similar(clusters: Sequence[AnswerCluster]) -> str:
    return (
        f"Few models agree and their records are similar; "
        f"{clusters[0].best.model}'s answer is most similar to the others."
    )
