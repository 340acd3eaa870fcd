"""Measure the time that early stopping saves, and the speed of the consensus."""

from __future__ import annotations

import itertools
import random
import re
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import percentile, table
from benchmarks.ensemble_draws import answers_of, draw, priors
from benchmarks.ensemble_set import Generations, Sample, halves
from ensemble_lsp.consensus.code import VotingParameters, consensus_of_code
from ensemble_lsp.consensus.divergence import partial_tokens
from ensemble_lsp.consensus.early_stopping import is_decided
from ensemble_lsp.consensus.votes import Vote
from ensemble_lsp.postprocess import clean_code

SECONDS = (6.0, 7.2, 9.6, 17.6, 19.1, 23.0, 31.1, 35.4, 40.4, 58.0, 66.4, 134.6)
"""Medians to draw from for models without recorded latency: twelve quantiles of the published seconds per case
on aider's edit leaderboard."""
STEPS = 20
"""Number of prefixes of an answer that are examined, instead of every character."""
LOOKS = 8
"""Looks at the running streams between the end of one answer and the end of the next."""
SPREAD = 0.4
"""Standard deviation of the logarithm of a request's time relative to the median of its model."""


def seconds_of(data: Path) -> tuple[float, ...]:
    """Return twelve quantiles of the published seconds per case, or the ones above if the file is missing."""
    path = data / "aider-leaderboards" / "edit_leaderboard.yml"
    if not path.is_file():
        return SECONDS
    found = [float(m) for m in re.findall(r"seconds_per_case:\s*([\d.]+)", path.read_text())]
    return tuple(round(percentile(found, (i + 0.5) / 12), 1) for i in range(12))


def measure(
    sets: Sequence[Generations], draws: int, seconds: Sequence[float] = SECONDS
) -> dict[str, Any]:
    """Compare early stopping with waiting for all on the test half: time, and whether the answer is the same."""
    result: dict[str, Any] = {}
    rows = []
    for g, execute in itertools.product(sets, (False, True)):
        chosen, test = halves(g.samples)
        known = priors(g, chosen)
        rng = random.Random(5)
        times: list[float] = []
        alls: list[float] = []
        same: list[bool] = []
        tokens: list[float] = []
        for ensemble in draw(g, known, draws):
            medians = {m: rng.choice(seconds) for m in ensemble.members}
            for task in test:
                one = _one(ensemble.picks[task], known, medians, rng, execute=execute)
                if one is not None:
                    times.append(one[0])
                    alls.append(one[1])
                    same.append(one[2])
                    tokens.append(one[3])
        name = f"{g.name}{', examples run' if execute else ''}"
        result[name] = {
            "count": len(times),
            "median": percentile(times, 0.5),
            "all": percentile(alls, 0.5),
            "ratio": percentile(times, 0.5) / percentile(alls, 0.5),
            "same": float(np.mean(same)),
            "saved": 1 - float(np.mean(tokens)),
        }
        r = result[name]
        rows.append(
            [
                name,
                r["median"],
                r["all"],
                r["ratio"],
                f"{100 * r['same']:.1f} %",
                f"{100 * r['saved']:.0f} %",
            ]
        )
    table(
        "early quorum",
        ("set", "median s", "for all", "ratio", "same answer", "text not paid"),
        rows,
    )
    return result


def _one(
    samples: Sequence[Sample],
    known: Mapping[str, float],
    medians: Mapping[str, float],
    rng: random.Random,
    *,
    execute: bool,
) -> tuple[float, float, bool, float] | None:
    """Return seconds to the answer, seconds for all, whether it is the same, and the share of the text received."""
    taken = {
        s.model: s.latency or medians[s.model] * rng.lognormvariate(0, SPREAD) for s in samples
    }
    order = sorted(samples, key=lambda s: taken[s.model])
    everything = answers_of(order, known, execute=execute)
    if not everything:
        return None
    whole = consensus_of_code(everything, "python").text
    last = taken[order[-1].model]
    for count in range(1, len(order)):
        there = answers_of(order[:count], known, execute=execute)
        running = order[count:]
        weights = [known[s.model] for s in running]
        start, end = taken[order[count - 1].model], taken[running[0].model]
        if not there or not is_decided(there, weights, VotingParameters(), optimistic=True):
            continue
        at_once = is_decided(there, weights, VotingParameters())
        for now in (start, *(start + (end - start) * i / LOOKS for i in range(1, LOOKS))):
            if at_once or is_decided(
                there, weights, VotingParameters(), _coming(running, taken, now)
            ):
                paid = sum(len(s.text) * min(1.0, now / taken[s.model]) for s in order)
                text = consensus_of_code(there, "python").text
                return now, last, text == whole, paid / max(1, sum(len(s.text) for s in order))
    return last, last, True, 1.0


def _coming(
    running: Sequence[Sample], taken: Mapping[str, float], now: float
) -> list[tuple[str, ...]]:
    return [_came(s.text, int(STEPS * now / taken[s.model]) / STEPS) for s in running]


@cache
def _came(text: str, share: float) -> tuple[str, ...]:
    """Return the part of an answer that has arrived after a share of its time, by characters."""
    return partial_tokens(
        clean_code(text[: int(len(text) * share)], language="python") + "\n", "python"
    )


def speed() -> dict[str, dict[str, float]]:
    """Return milliseconds to combine five answers of 200 lines, if none and if all are equal."""
    found: dict[str, dict[str, float]] = {}
    for name, seeds in (("all differ", range(5)), ("all agree", [0] * 5)):
        answers = [Vote(f"m{i}", _shop(s, i), 0.5 + 0.01 * i) for i, s in enumerate(seeds)]
        consensus_of_code(answers, "python")
        times = []
        for _ in range(100):
            start = time.perf_counter()
            consensus_of_code(answers, "python")
            times.append((time.perf_counter() - start) * 1e3)
        found[name] = {"median": percentile(times, 0.5), "fastest": min(times)}
    rows = [[name, times["median"], times["fastest"]] for name, times in found.items()]
    table("five answers of 200 lines, ms", ("answers", "median", "fastest"), rows)
    return found


def _shop(seed: int, local: int) -> str:
    """Return a class of 200 lines; ``seed`` varies the code, ``local`` only the names."""
    rng = random.Random(seed)
    lines = ["import re", "", "class Shop:", '    """A shop."""', ""]
    while len(lines) <= 190:
        lines += [
            f"    def method_{len(lines)}(self, items, rate={rng.randint(1, 9)}):",
            '        """Return the total."""',
            f"        total_{local} = {rng.randint(0, 9)}",
            "        for item, count in sorted(items.items()):",
            f"            if count > {rng.randint(1, 9)} and item in self.known:",
            f"                total_{local} += count * self.price(item, rate) + len(item)",
            "            else:",
            '                raise ValueError(f"no {item}: {count}")',
            f"        return total_{local}",
            "",
        ]
    return "\n".join(lines)
