"""Measure cost, latency, escalation and the daily budget on the tables of ``selection_replay``."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble_lsp.errors import QuotaExceededError
from ensemble_lsp.history import CallRecord, History
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.models.wrappers import Metered, ModelCall
from ensemble_lsp.selection.cascade import Findings
from ensemble_lsp.selection.daily_budget import DailyBudget, day_start
from ensemble_lsp.selection.learned import LearnedSelector
from ensemble_lsp.selection.priors import Prior
from ensemble_lsp.types import Chunk, Prompt, Usage

from .selection_replay import DELAY, RIGHT, WRONG, drawn, priors_for
from .selection_tables import GOOD, Row, half_of

WEIGHTS = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Values of ``costWeight``."""


@dataclass(frozen=True)
class Taken:
    """Cost and latency of a call."""

    model: str
    total_ms: float
    cost: float
    first_token_ms: float = 0.0
    task: Any = "generate"
    status: str = "ok"
    time: float = 0.0


def front(rows: Sequence[Row], *, seeds: int, count: int = 500) -> dict[str, Any]:
    """Measure the share of right answers against US dollars per request.

    For the selector at each ``costWeight``, every fixed model, and a random mix of the cheapest and the best
    model at the same cost.
    """
    mine, other = half_of(rows, "test"), half_of(rows, "tune")
    names = sorted(n for n in mine[0].right if n in mine[0].cost)
    fixed = {n: _point(mine, n) for n in names}
    priors = priors_for("good", names, other, mine)
    learned: list[dict[str, float]] = []
    for weight in WEIGHTS:
        runs = [_spend(mine, names, priors, weight, seed, count) for seed in range(seeds)]
        right, cost, ms = (statistics.fmean(r[i] for r in runs) for i in range(3))
        half = 1.96 * statistics.stdev(r[0] for r in runs) / len(runs) ** 0.5
        mixed = mix(fixed, cost)
        learned.append(
            {
                "costWeight": weight, "right": right, "interval": half, "cost": cost, "ms": ms,
                "mix": mixed, "aboveMix": right - mixed,
            }
        )  # fmt: skip
    return {"fixed": fixed, "learned": learned}


def _point(rows: Sequence[Row], name: str) -> dict[str, float]:
    return {
        "right": statistics.fmean(r.right[name] >= GOOD for r in rows),
        "cost": statistics.fmean(r.cost[name] for r in rows),
        "ms": statistics.fmean(r.latency.get(name, 0.0) for r in rows),
    }


def mix(fixed: dict[str, dict[str, float]], cost: float) -> float:
    """Return the share of right answers of a random mix of the cheapest and the best fixed model at this cost."""
    cheap = min(fixed.values(), key=lambda p: p["cost"])
    best = max(fixed.values(), key=lambda p: p["right"])
    share = (cost - cheap["cost"]) / max(1e-12, best["cost"] - cheap["cost"])
    return cheap["right"] + max(0.0, min(1.0, share)) * (best["right"] - cheap["right"])


def _spend(
    rows: Sequence[Row], names: list[str], priors: list[float], weight: float, seed: int, count: int
) -> tuple[float, float, float]:
    rng = random.Random(seed)
    selector = LearnedSelector(latency_weight=0.0, cost_weight=weight, seed=seed)
    profiles = [Profile(n, "openai", n) for n in names]
    for name, prior in zip(names, priors, strict=True):
        selector.set_prior(name, "generate", Prior(prior, "the replay"))
        # The mean cost of a call is known from the price list.
        selector.observe_call(Taken(name, rows[0].latency.get(name, 1e3), rows[0].cost[name]))
    waiting: list[tuple[str, Row, float]] = []
    right: list[bool] = []
    cost: list[float] = []
    ms: list[float] = []
    for row in drawn(rows, count, rng):
        if len(waiting) >= DELAY:
            model, old, reward = waiting.pop(0)
            selector.learn(model, old.context, reward)
        chosen = selector.choose(row.context, profiles, budget_ms=60_000).names[0]
        good = row.right[chosen] >= GOOD
        selector.observe_call(Taken(chosen, row.latency.get(chosen, 1e3), row.cost[chosen]))
        waiting.append((chosen, row, float(rng.random() < (RIGHT if good else WRONG))))
        right.append(good)
        cost.append(row.cost[chosen])
        ms.append(row.latency.get(chosen, 0.0))
    return statistics.fmean(right), statistics.fmean(cost), statistics.fmean(ms)


def escalation(rows: Sequence[Row], ratio: float = 5.0) -> list[dict[str, Any]]:
    """Compare escalation (cheap model, check, strong model) with a random mix at equal cost.

    Pairs are chosen on the half ``tune`` (the strong model is right more often and costs at least ``ratio``
    times as much) and measured on ``test``. If the strong model is asked, its answer counts.
    """
    tune, test = half_of(rows, "tune"), half_of(rows, "test")
    names = [n for n in test[0].right if n in test[0].check and n in test[0].cost]
    known = {n: _point(tune, n) for n in names}
    found: list[dict[str, Any]] = []
    for cheap in names:
        for strong in names:
            dearer = known[strong]["cost"] >= ratio * known[cheap]["cost"]
            if dearer and known[strong]["right"] > known[cheap]["right"] > 0.05:
                found.append({"cheap": cheap, "strong": strong, **_pair(test, cheap, strong)})
    return found


def _pair(rows: Sequence[Row], cheap: str, strong: str) -> dict[str, Any]:
    asked = [bool(Findings(parses=row.check[cheap]).doubt()) for row in rows]
    right = [r.right[strong if a else cheap] >= GOOD for r, a in zip(rows, asked, strict=True)]
    cost = [r.cost[cheap] + a * r.cost[strong] for r, a in zip(rows, asked, strict=True)]
    one, two = _point(rows, cheap), _point(rows, strong)
    pairs = {cheap: one, strong: two}

    def above(sample: Sequence[int]) -> float:
        spent = statistics.fmean(cost[i] for i in sample)
        return statistics.fmean(right[i] for i in sample) - mix(pairs, spent)

    rng = random.Random(0)
    everything = range(len(rows))
    draws = sorted(above(rng.choices(everything, k=len(rows))) for _ in range(300))
    return {
        "asked": statistics.fmean(asked),
        "right": statistics.fmean(right),
        "rightCheap": one["right"],
        "rightStrong": two["right"],
        "cost": statistics.fmean(cost),
        "costStrong": two["cost"],
        "aboveMix": above(everything),
        "low": draws[7],
        "high": draws[292],
    }


class _Recorded:
    """A model with the costs of the table."""

    def __init__(self, name: str, typical: float) -> None:
        # A price at which a typical request costs as much as in the table.
        self.profile = Profile(
            name, "openai", "gpt-4o", input_price=typical / 2e-3, output_price=typical / 2e-3
        )
        self.next_cost = typical

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        await asyncio.sleep(0)
        tokens = self.next_cost / self.profile.input_price * 1e6
        yield Chunk("answer", self.profile.name)
        yield Chunk("", self.profile.name, Usage(int(tokens * 0.8), int(tokens * 0.2)), "stop")

    async def close(self) -> None:
        """Do nothing."""


def budgets(rows: Sequence[Row], *, days: int = 10, count: int = 300) -> list[dict[str, float]]:
    """Measure the share of the budget that is spent on days with less than the demand.

    Two servers on one history send requests at the same time. A prompt has 3.5 characters per token, and the
    limit of an answer is four times its length.
    """
    names = sorted(n for n in rows[0].right if n in rows[0].cost)
    test = half_of(rows, "test")
    return [
        asyncio.run(_day(test, names, day, count, share=0.15 + 0.05 * day)) for day in range(days)
    ]


async def _day(
    rows: Sequence[Row], names: list[str], seed: int, count: int, share: float
) -> dict[str, float]:
    rng = random.Random(seed)
    mean = {n: statistics.fmean(r.cost[n] for r in rows) for n in names}
    dollars = share * count * statistics.fmean(mean.values())
    with tempfile.TemporaryDirectory() as folder:
        servers = [_Server(Path(folder), dollars, mean) for _ in range(2)]
        refused = await asyncio.gather(
            *(s.work(list(drawn(rows, count // 2, rng)), random.Random(seed)) for s in servers)
        )
        await servers[0].history.ready()
        spent = await servers[0].history.spent_since(day_start(time.time()))
        for server in servers:
            await server.history.close()
    return {"budget": dollars, "spent": spent, "share": spent / dollars, "refused": sum(refused)}


class _Server:
    def __init__(self, folder: Path, dollars: float, mean: dict[str, float]) -> None:
        self.history = History.open(folder / "history.sqlite3")
        self.budget = DailyBudget(self.history, dollars)
        self.models = {name: _Recorded(name, cost) for name, cost in mean.items()}
        self.asked = {name: Metered(model, self.report) for name, model in self.models.items()}

    def report(self, call: ModelCall) -> None:
        self.history.add_call(CallRecord(call.time, call.task, call.model, cost=call.cost))

    async def work(self, rows: Sequence[Row], rng: random.Random) -> int:
        refused = 0
        for row in rows:
            models, _ = self.budget.affordable(list(self.asked.values()), "generate")
            model = rng.choice(models)
            name = model.profile.name
            self.models[name].next_cost = row.cost[name]
            tokens = row.cost[name] / self.models[name].profile.input_price * 1e6
            prompt = Prompt(
                "generate", "python", "a.py", prefix="x" * int(tokens * 0.8 * 3.5),
                max_tokens=int(tokens * 0.2 * 4) + 1,
            )  # fmt: skip
            try:
                await gather(model, prompt)
            except QuotaExceededError:
                refused += 1
        return refused
