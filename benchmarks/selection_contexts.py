"""Simulate users whose best model depends on the context, and measure how fast it is learned.

    python -m benchmarks.selection_contexts [--scenarios FILE] [--seeds 40] [--half all]

The scenarios come from a JSON file (docs/selection.md describes the format;
``benchmarks/selection_contexts.json`` is the default). Parameters were chosen on the scenarios of the half
``tune``; those of the half ``test`` are only reported. Two figures, with 95 % intervals over the seeds:

- the share of the way from a random model to the best model of each context;
- the requests of a context until its best model was chosen in 8 of the latest 10, in the slowest context.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble_lsp.selection.request_context import RequestContext

from .common import save, table
from .selection_policies import POLICIES, Maker, Policy
from .selection_scenarios import Request, Scenario, draw_requests, read_scenarios

FILE = Path(__file__).with_name("selection_contexts.json")
SHOWN = ("learned", "seed", "LinUCB .5", "Beta-Thompson")
WINDOW, ENOUGH = 10, 8
"""A context is learned once ``ENOUGH`` of its latest ``WINDOW`` choices were its best model."""


@dataclass(frozen=True)
class Outcome:
    """The figures of one run."""

    above: float
    """Expected right answers above those of a random model;"""
    way: float
    """the same for the best model of each context."""
    until: int
    """Requests of the slowest context until it was learned; all of its requests if it never was."""


def play(policy: Policy, scenario: Scenario, requests: Sequence[Request], seed: int) -> Outcome:
    """Let a policy choose for each request; feedback arrives ``delay`` requests late."""
    rng = random.Random(seed)
    arms = range(len(scenario.models))
    waiting: list[tuple[int, RequestContext, float]] = []
    chosen: list[int] = []
    for request in requests:
        if len(waiting) >= max(1, scenario.delay):
            policy.learn(*waiting.pop(0))
        arm = policy.choose(request.context, arms)
        right = rng.random() < request.right[arm]
        accepted = rng.random() < (scenario.accept_right if right else scenario.accept_wrong)
        waiting.append((arm, request.context, float(accepted)))
        chosen.append(arm)
    return _outcome(scenario, requests, chosen)


def _outcome(scenario: Scenario, requests: Sequence[Request], chosen: Sequence[int]) -> Outcome:
    floor = statistics.fmean(statistics.fmean(r.right) for r in requests)
    best = statistics.fmean(max(r.right) for r in requests)
    got = statistics.fmean(r.right[arm] for r, arm in zip(requests, chosen, strict=True))
    slowest = 0
    for name in dict.fromkeys(r.name for r in requests):
        here = [
            r.right[arm] == max(r.right)
            for r, arm in zip(requests, chosen, strict=True)
            if r.name == name
        ]
        slowest = max(slowest, _until(here))
    return Outcome(got - floor, best - floor, slowest)


def _until(good: Sequence[bool]) -> int:
    for end in range(ENOUGH, len(good) + 1):
        if sum(good[max(0, end - WINDOW) : end]) >= ENOUGH:
            return end
    return len(good)


def measure(scenario: Scenario, make: Maker, seeds: int) -> list[Outcome]:
    """Play a scenario once for each seed."""
    names = list(scenario.models)
    runs: list[Outcome] = []
    for seed in range(seeds):
        requests = draw_requests(scenario, random.Random(f"{seed}{scenario.name}"))
        policy = make(names, scenario.priors, seed, scenario.task)
        runs.append(play(policy, scenario, requests, seed))
    return runs


def figures(runs: Sequence[Outcome]) -> dict[str, float]:
    """Return share and requests with their 95 % bootstrap intervals."""
    rng = random.Random(0)
    samples = [rng.choices(runs, k=len(runs)) for _ in range(500)]

    def interval(of: Callable[[Sequence[Outcome]], float]) -> tuple[float, float, float]:
        values = sorted(of(sample) for sample in samples)
        return of(runs), values[12], values[487]

    share, low, high = interval(
        lambda some: sum(r.above for r in some) / max(1e-9, sum(r.way for r in some))
    )
    until, first, last = interval(lambda some: statistics.median(r.until for r in some))
    return {
        "share": share, "low": low, "high": high,
        "until": until, "untilLow": first, "untilHigh": last,
    }  # fmt: skip


def run(scenarios: Sequence[Scenario], seeds: int, policies: Sequence[str]) -> list[dict[str, Any]]:
    """Measure policies in scenarios; print a table."""
    found: list[dict[str, Any]] = []
    for scenario in scenarios:
        for name in policies:
            by = figures(measure(scenario, POLICIES[name], seeds))
            found.append({"scenario": scenario.name, "half": scenario.half, "policy": name, **by})
    _print(scenarios, found, policies, seeds)
    return found


def _print(
    scenarios: Sequence[Scenario],
    found: Sequence[dict[str, Any]],
    policies: Sequence[str],
    seeds: int,
) -> None:
    by = {(r["scenario"], r["policy"]): r for r in found}
    for half in dict.fromkeys(s.half for s in scenarios):
        rows: list[list[str]] = []
        for scenario in (s for s in scenarios if s.half == half):
            ours = by[scenario.name, policies[0]]
            rows.append(
                [
                    scenario.name,
                    f"{ours['until']:.0f} ({ours['untilLow']:.0f} to {ours['untilHigh']:.0f})",
                    f"{ours['share']:.2f} ({ours['low']:.2f} to {ours['high']:.2f})",
                    *(f"{by[scenario.name, name]['share']:.2f}" for name in policies[1:]),
                ]
            )
        columns = [f"{half} half", "requests until learned", policies[0], *policies[1:]]
        table(f"share of the way to the best model of each context ({seeds} seeds)", columns, rows)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--scenarios", type=Path, default=FILE)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--half", choices=("tune", "test", "all"), default="all")
    parser.add_argument("--only", help="scenarios whose name contains this text")
    parser.add_argument("--policy", action="append", choices=POLICIES)
    args = parser.parse_args()
    try:
        scenarios = read_scenarios(args.scenarios)
    except ValueError as error:
        parser.error(str(error))
    wanted = [s for s in scenarios if args.half in ("all", s.half) and (args.only or "") in s.name]
    result = {"seeds": args.seeds, "scenarios": run(wanted, args.seeds, args.policy or SHOWN)}
    print(f"written: {save('selection-contexts', result)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
