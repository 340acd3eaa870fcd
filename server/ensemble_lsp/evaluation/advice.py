"""Say which model to use after a comparison, and whether a model on this machine is enough.

A model is recommended on a difference that the cases show. A cheaper or faster one takes the best
one's place only if it saves much and is shown to be near: its 95 % interval of the paired difference
ends above ``-NEAR`` (a test of non-inferiority: G. Piaggio et al., JAMA 2012).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..wording import join_names, plural
from .statistics import difference

FEWEST = 10
"""Cases below which no model is recommended."""
NEAR = 0.1
"""Largest loss of score, 0 to 1, that a cheaper or faster model may have."""
MAX_FAILED = 0.2
"""Share of cases on which a recommended model may fail, if another useful one fails less."""
SAVING = 0.7
"""A model is cheaper or faster if it needs at most this share of the cost or time."""
_USELESS = {"exact": 0.05, "tests": 0.05, "names": 0.1, "similarity": 0.35, "right": 1.0}
"""Mean scores that a useful model exceeds in one measure at least.

A model that offers no next edit is right wherever none is wanted, so for edits only ``exact`` counts.
"""


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """One model's scores by case, and the price of an answer."""

    name: str
    local: bool
    """Whether it runs on this machine."""
    scores: Mapping[str, Mapping[str, float]]
    """By measure and case, 0 to 1. The first measure is the one that compares."""
    cost: float
    """US dollars of an answer."""
    ms: float
    """Median milliseconds of an answer."""
    failed: int = 0
    """Cases without an answer because of an error."""
    priced: bool = True
    """Whether its prices are known, or it costs nothing."""

    @property
    def main(self) -> Mapping[str, float]:
        """The scores that compare, by case."""
        return next(iter(self.scores.values()))

    @property
    def value(self) -> float:
        """The mean of the scores that compare."""
        return _mean(self.main)

    @property
    def asked(self) -> int:
        """The cases with a score or an error."""
        return len(self.main) + self.failed

    def evidence(self) -> str:
        """Return the scores in words: ``similarity 0.56, exact 0.31``."""
        return ", ".join(f"{name} {_mean(by):.2f}" for name, by in self.scores.items() if by)

    @property
    def useful(self) -> bool:
        """Whether one of its scores is more than a chance hit."""
        return any(_mean(by) > _USELESS.get(name, 0.0) for name, by in self.scores.items())


def advise(models: Sequence[ScoredModel], kinds: Mapping[str, Sequence[ScoredModel]]) -> str:
    """Return the advice: which model to use, whether a local one is enough, and where another is better.

    ``kinds``: the same models over the cases of one kind, by the kind's name.
    """
    scored = sorted((m for m in models if m.main), key=lambda m: (not m.useful, -m.value))
    if not scored:
        failed = any(m.failed for m in models)
        return "No model gave an answer that could be scored." if failed else "No case was asked."
    enough = [m for m in scored if len(m.main) >= FEWEST]
    if not enough:
        most = max(len(m.main) for m in scored)
        few = "1 case is" if most == 1 else f"{most} cases are"
        return f"{few} too few to recommend a model; measure {FEWEST} or more."
    if not enough[0].useful:
        return f"No model is useful for these cases: the best, {enough[0].name}, has {enough[0].evidence()}."
    steady = [m for m in enough if m.failed <= MAX_FAILED * m.asked]
    flaky = [m for m in enough if m not in steady] if any(m.useful for m in steady) else []
    enough = [m for m in enough if m not in flaky]
    pick, sentence = _overall(enough, alone=len(models) == 1)
    parts = [sentence]
    if pick.failed:
        parts.append(f"{_failures(pick)}; its scores are of the others.")
    parts += [f"{_failures(m)}, too many to recommend it." for m in flaky]
    names = {m.name for m in enough}
    of_kind = {kind: [m for m in found if m.name in names] for kind, found in kinds.items()}
    parts += [*_local(pick, enough), *_by_kind(pick, of_kind)]
    unpriced = [m.name for m in enough if not m.priced]
    if unpriced and len(enough) > 1:
        parts.append(f"Costs are not compared: the price of {join_names(unpriced)} is not known.")
    left = [m.name for m in scored if len(m.main) < FEWEST]
    if left:
        parts.append(f"{join_names(left)} had fewer than {FEWEST} scored answers.")
    parts += [f"{m.name} gave no answer that could be scored." for m in models if not m.main]
    return " ".join(parts)


def _failures(model: ScoredModel) -> str:
    return f"{model.name} failed on {model.failed} of {plural(model.asked, 'case')}"


def _overall(models: Sequence[ScoredModel], *, alone: bool) -> tuple[ScoredModel, str]:
    """Return the model to use and the sentence about it; ``models`` are sorted, the best first."""
    best, others = models[0], models[1:]
    cases = plural(len(best.main), "case")
    if not others:
        start = f"{best.name} is the only model measured" if alone else f"Use {best.name}"
        return best, f"{start}: {best.evidence()} over {cases}."
    rivals = [m for m in others if m.useful and not _is_better(best, m)]
    saving = [m for m in others if m.useful and _saves(m, best) and _is_near(m, best)]
    if saving:
        pick = min(saving, key=lambda m: (m.cost, m.ms))
        word = "cheaper" if pick.cost < best.cost else "faster"
        return pick, (
            f"Use {pick.name}: much {word} than {best.name}, and its {pick.evidence()} over {cases} "
            f"is shown to be within {NEAR:g} of it."
        )
    if not rivals:
        return best, (
            f"Use {best.name}: {best.evidence()} over {cases}, clearly better than "
            f"{join_names([m.name for m in others])}."
        )
    same = [m for m in rivals if m.scores == best.scores]
    names = join_names([best.name, *(m.name for m in rivals)], "or")
    if len(same) == len(rivals):
        cheapest = min((best, *same), key=lambda m: m.cost)
        rest = [m for m in (best, *same) if m is not cheapest]
        if all(_saves(cheapest, m) and cheapest.cost < m.cost for m in rest):
            return cheapest, (
                f"Use {cheapest.name}: in each of {cases} its answer is as good as that of "
                f"{join_names([m.name for m in rest])}, and it is much cheaper."
            )
        return best, f"Use {names}: their answers are equally good over {cases}."
    values = join_names([f"{m.name} {m.evidence()}" for m in (best, *rivals)])
    return best, (
        f"{cases.capitalize()} do not show which is better, {names} ({values}); more cases may."
    )


def _local(pick: ScoredModel, models: Sequence[ScoredModel]) -> list[str]:
    """Say whether the best model on this machine would do, if another one was picked."""
    local = [m for m in models if m.local]
    if pick.local or not local or len(local) == len(models):
        return []
    own = local[0]
    where = f"{own.name}, which runs on this machine,"
    if not own.useful:
        return [f"{where} is not enough: {own.evidence()}."]
    if _is_near(own, pick):
        return [f"{where} is enough: it is shown to be within {NEAR:g}."]
    if _is_better(pick, own):
        for name, scores in pick.scores.items():
            gap = difference(scores, own.scores.get(name, {}))
            if gap is not None and gap.low > 0:
                lost = f"{gap.low:.2f} to {gap.high:.2f}"
                return [f"{where} is not enough: its {name} is lower by {lost}."]
    return [f"Whether {where} is enough these cases do not show."]


def _by_kind(pick: ScoredModel, kinds: Mapping[str, Sequence[ScoredModel]]) -> list[str]:
    """Name the kinds of cases for which another model is clearly better than the picked one."""
    found: list[str] = []
    for kind, models in kinds.items() if len(kinds) > 1 else ():
        mine = next((m for m in models if m.name == pick.name), None)
        other = max(models, key=lambda m: m.value if m.main else -1.0)
        if (
            mine is not None
            and other is not mine
            and other.useful
            and min(len(mine.main), len(other.main)) >= FEWEST
            and _is_better(other, mine)
            and not (_saves(mine, other) and _is_near(mine, other))
        ):
            found.append(f"For {kind} {other.name} is clearly better: {other.evidence()}.")
    return found


def _is_better(one: ScoredModel, other: ScoredModel) -> bool:
    """Return whether some measure shows a model to be better and no measure the opposite."""
    gaps = [
        gap
        for name in one.scores
        if (gap := difference(one.scores[name], other.scores.get(name, {}), len(one.scores)))
    ]
    return any(gap.low > 0 for gap in gaps) and not any(gap.high < 0 for gap in gaps)


def _is_near(one: ScoredModel, best: ScoredModel) -> bool:
    """Return whether every measure shows that a model loses at most ``NEAR``."""
    gaps = [difference(one.scores.get(name, {}), best.scores[name]) for name in best.scores]
    return all(gap is not None and gap.n >= FEWEST and gap.low >= -NEAR for gap in gaps)


def _saves(one: ScoredModel, best: ScoredModel) -> bool:
    """Return whether a model is much cheaper, or much faster where neither costs more.

    With an unknown price neither is known.
    """
    if not (one.priced and best.priced):
        return False
    if one.cost != best.cost and max(one.cost, best.cost) > 0:
        cheaper = one.cost <= SAVING * best.cost
        return cheaper or (one.cost <= best.cost and one.ms <= SAVING * best.ms)
    return one.ms <= SAVING * best.ms


def _mean(values: Mapping[str, float]) -> float:
    return sum(values.values()) / len(values) if values else 0.0
