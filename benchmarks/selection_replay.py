"""Replays published results of real models and lets each policy choose among them.

    python -m benchmarks.selection_replay --data FOLDER [--table FILE.jsonl …] [--seeds 20]

``FOLDER`` (or ``ENSEMBLE_LSP_BENCH_DATA``) holds ``editbench`` (43 models × 540 edits) and
``llmrouter-9models`` (9 × 6,108 prompts). Any other result is run with ``--table``: one JSON object
a line, strict:

    {"task": "id of the request", "order": 1, "features": {"language": "python", "complexity": 7},
     "models": {"NAME": {"reward": 0.0 to 1.0, "cost": USD or null, "latency": ms or null,
                         "prior": 0.0 to 1.0 or null}}}

``features`` are fields of ``Situation`` and may be empty; every line names the same models;
``prior`` is the share of good answers believed of the model beforehand (null: the shipped table).

Protocol: a pool of 8 models is drawn, and 500 requests. A right answer (reward ≥ .999) is accepted
with probability .75, a wrong one with .15, and the policy is told three requests later. Requests of
the half ``tune`` chose the parameters, those of ``test`` chose nothing. Figure of merit: the share
of the way from a random choice to the best fixed model, which is known only afterwards; it is the
quotient of the means over the seeds, its 95 % interval by bootstrap over them.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import random
import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble_lsp.models.base import Profile
from ensemble_lsp.selection.priors import prior_for
from ensemble_lsp.selection.situation import Situation

from .selection_policies import POLICIES, Maker, Policy

RIGHT, WRONG, DELAY = 0.75, 0.15, 3
KEYS = ("score", "above", "way", "gap", "found")
FALLEN = 0.3
"""Share of right answers of the best model after its fall."""


@dataclass(frozen=True)
class Row:
    """One request and how well each model answers it."""

    task: str
    situation: Situation
    right: dict[str, float]
    priors: dict[str, float]


@dataclass(frozen=True)
class Run:
    """One replay of one policy."""

    score: float
    """Share of right answers."""
    last_third: float
    late: list[int]
    """Choices of the second half."""


def read_table(path: Path) -> list[Row]:
    """The neutral format; raises ``ValueError`` naming the line that is wrong."""
    rows: list[Row] = []
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        raw = json.loads(line)
        models, known = raw.get("models"), {"task", "order", "features", "models"}
        if not raw.get("task") or not models or set(raw) - known:
            raise ValueError(f"{path}:{number}: needs task and models, and nothing unknown")
        if rows and set(models) != set(rows[0].right):
            raise ValueError(f"{path}:{number}: names other models than line 1")
        right = {m: float(v["reward"]) for m, v in models.items()}
        priors = {m: float(v["prior"]) for m, v in models.items() if v.get("prior") is not None}
        features = {**raw.get("features", {}), "task": "generate"}
        rows.append(Row(str(raw["task"]), Situation.from_json(features), right, priors))
    return rows


def editbench(folder: Path) -> list[Row]:
    results = {p.stem: json.loads(p.read_text()) for p in sorted(folder.glob("*.json"))}
    questions = {
        m: {q: v for q, v in r.items() if q.startswith("question_")} for m, r in results.items()
    }
    full = {m: q for m, q in questions.items() if len(q) > 500}
    common = sorted(set.intersection(*(set(q) for q in full.values())))
    situation = Situation("generate", "python", trigger="invoked")
    return [Row(q, situation, {m: float(r[q]) for m, r in full.items()}, {}) for q in common]


def llmrouter(folder: Path) -> list[Row]:
    rows: list[Row] = []
    code = re.compile(r"python function|def \w+\(|Write a function|assert ", re.IGNORECASE)
    for name in ("train", "test"):
        with gzip.open(folder / f"{name}.json.gz", "rt") as file:
            for n, raw in enumerate(json.load(file)):
                question = raw["question"]
                situation = Situation(
                    "generate",
                    "python" if code.search(question) else "plaintext",
                    prefix_chars=len(question),
                    trigger="invoked",
                    instruction_words=len(question.split()),
                )
                rows.append(Row(f"{name}{n}", situation, raw["scores"], {}))
    return rows


def half_of(rows: Sequence[Row], half: str) -> list[Row]:
    """A fixed half, by the digest of the request's id."""
    even = half == "tune"
    return [r for r in rows if (hashlib.sha256(r.task.encode()).digest()[0] % 2 == 0) == even]


def priors_for(
    kind: str, pool: Sequence[str], other: Sequence[Row], rows: Sequence[Row]
) -> list[float]:
    """Expected rewards: shipped, flat, good (the half that is not replayed) or reversed."""
    if kind == "flat":
        return [0.45] * len(pool)
    if kind == "shipped":
        given = rows[0].priors
        table = {
            m: prior_for(Profile(m, "openai", m, fim="suffix"), "generate").reward for m in pool
        }
        return [WRONG + (RIGHT - WRONG) * given[m] if m in given else table[m] for m in pool]
    means = [statistics.fmean(r.right[m] >= 0.999 for r in other) for m in pool]
    good = [WRONG + (RIGHT - WRONG) * m for m in means]
    if kind == "good":
        return good
    order = sorted(range(len(pool)), key=lambda i: good[i])
    values = sorted(good, reverse=True)
    return [values[order.index(i)] for i in range(len(pool))]


def requests(rows: Sequence[Row], count: int, rng: random.Random) -> Iterator[Row]:
    """All rows in a random order, again and again."""
    left: list[Row] = []
    for _ in range(count):
        if not left:
            left = rng.sample(list(rows), len(rows))
        yield left.pop()


def replay(
    policy: Policy, table: Sequence[tuple[Situation, Sequence[bool]]], able: Any, rng: random.Random
) -> Run:
    """Play a sequence of requests; feedback comes ``DELAY`` requests late."""
    waiting: list[tuple[int, Situation, float]] = []
    got: list[bool] = []
    choices: list[int] = []
    for n, (situation, right) in enumerate(table):
        if len(waiting) >= DELAY:
            policy.learn(*waiting.pop(0))
        arm = policy.choose(situation, able(n))
        accepted = rng.random() < (RIGHT if right[arm] else WRONG)
        waiting.append((arm, situation, float(accepted)))
        got.append(right[arm])
        choices.append(arm)
    third = got[len(got) * 2 // 3 :]
    return Run(statistics.fmean(got), statistics.fmean(third), choices[len(got) // 2 :])


def scenario(
    name: str, rows: Sequence[Row], pool: Sequence[str], count: int, rng: random.Random
) -> tuple[list[tuple[Situation, list[bool]]], Any, int]:
    """The requests of one scenario, which arms can be chosen when, and the arm that is best."""
    drawn = list(requests(rows, count, rng))
    table = [(r.situation, [r.right[m] >= 0.999 for m in pool]) for r in drawn]
    sums = [sum(right[i] for _, right in table) for i in range(len(pool))]
    best = max(range(len(pool)), key=lambda i: sums[i])
    everyone = list(range(len(pool)))
    if name == "fall":
        for _, right in table[count // 2 :]:
            right[best] = rng.random() < FALLEN
    if name == "arrival":
        before = [i for i in everyone if i != best]
        return table, lambda n: everyone if n >= count // 2 else before, best
    return table, lambda n: everyone, best


def measure(
    rows: Sequence[Row], half: str, name: str, prior: str, policies: dict[str, Maker],
    *, seeds: int, count: int = 500, size: int = 8,
) -> dict[str, dict[str, list[float]]]:  # fmt: skip
    """Figures of every policy in one scenario, by seed."""
    mine, other = half_of(rows, half), half_of(rows, "test" if half == "tune" else "tune")
    figures: dict[str, dict[str, list[float]]] = {}
    for seed in range(seeds):
        rng = random.Random(f"{seed}{name}{half}")
        pool = rng.sample(sorted(mine[0].right), min(size, len(mine[0].right)))
        table, able, best = scenario(name, mine, pool, count, rng)
        priors = priors_for(prior, pool, other, mine)
        means = [statistics.fmean(right[i] for _, right in table) for i in range(len(pool))]
        floor = statistics.fmean(
            statistics.fmean(r[i] for i in able(n)) for n, (_, r) in enumerate(table)
        )
        top = max(m for i, m in enumerate(means) if name != "arrival" or i != best)
        if name == "arrival":
            new = [statistics.fmean(r[i] for _, r in table[count // 2 :]) for i in range(len(pool))]
            old = [statistics.fmean(r[i] for _, r in table[: count // 2]) for i in range(len(pool))]
            top = (max(o for i, o in enumerate(old) if i != best) + new[best]) / 2
        third = [
            statistics.fmean(r[i] for _, r in table[count * 2 // 3 :]) for i in range(len(pool))
        ]
        for label, make in policies.items():
            run = replay(make(pool, priors, seed), table, able, random.Random(seed))
            into = figures.setdefault(
                label, {"score": [], "above": [], "way": [], "gap": [], "found": []}
            )
            into["score"].append(run.score)
            into["above"].append(run.score - floor)
            into["way"].append(top - floor)
            into["gap"].append(max(third) - run.last_third)
            into["found"].append(float(run.late[60:160].count(best) > 50))
        perfect = statistics.fmean(any(r[i] for i in able(n)) for n, (_, r) in enumerate(table))
        for label, value in (("best fixed", top), ("oracle", perfect)):
            into = figures.setdefault(label, {"score": [], "above": [], "way": []})
            into["score"].append(value)
            into["above"].append(value - floor)
            into["way"].append(top - floor)
    return figures


def share_of(by: dict[str, list[float]]) -> tuple[float, float]:
    """The share of the way, and half its 95 % interval by bootstrap over the seeds."""
    rng = random.Random(0)
    pairs = list(zip(by["above"], by["way"], strict=True))

    def quotient(sample: Sequence[tuple[float, float]]) -> float:
        return sum(a for a, _ in sample) / max(1e-9, sum(w for _, w in sample))

    drawn = sorted(quotient(rng.choices(pairs, k=len(pairs))) for _ in range(500))
    return quotient(pairs), (drawn[487] - drawn[12]) / 2


CASES = (
    ("stationary", "shipped"), ("stationary", "good"), ("stationary", "flat"),
    ("stationary", "reversed"), ("fall", "shipped"), ("fall", "good"),
    ("arrival", "shipped"), ("arrival", "flat"),
)  # fmt: skip


def told(figures: dict[str, dict[str, list[float]]]) -> list[dict[str, Any]]:
    """Print one scenario's table; the same as plain values."""
    table: list[dict[str, Any]] = []
    for label, by in sorted(figures.items(), key=lambda kv: -share_of(kv[1])[0]):
        (share, wide), right = share_of(by), statistics.fmean(by["score"])
        row = {"policy": label, "share": share, "shareInterval": wide, "right": right}
        line = f"  {label:14} share {share:+.2f} ± {wide:.2f}  right {right:.3f}"
        if "gap" in by:
            row["lastThirdBelowBest"] = statistics.fmean(by["gap"])
            row["newcomerFound"] = statistics.fmean(by["found"])
            line += f"  last third {row['lastThirdBelowBest']:+.3f} below the best"
        print(line)
        table.append(row)
    return table


def load(data: Path | None, tables: Sequence[Path]) -> dict[str, list[Row]]:
    """All data sets there are."""
    sets: dict[str, list[Row]] = {p.stem: read_table(p) for p in tables}
    for name, folder, reader in (
        ("EDIT-Bench", "editbench", editbench),
        ("LLMRouter", "llmrouter-9models", llmrouter),
    ):
        if data and (data / folder).is_dir():
            sets[name] = reader(data / folder)
    return sets


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--data", default=os.environ.get("ENSEMBLE_LSP_BENCH_DATA"))
    parser.add_argument("--table", type=Path, action="append", default=[])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--half", choices=("tune", "test"), default="test")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    args = parser.parse_args()
    sets = load(Path(args.data) if args.data else None, args.table)
    if not sets:
        print(
            "No data: give --data or ENSEMBLE_LSP_BENCH_DATA, or --table; see docs/benchmarks.md."
        )
        return 0
    out: list[dict[str, Any]] = []
    for set_name, rows in sets.items():
        for name, prior in CASES:
            own = {k: v for k, v in POLICIES.items() if prior == "shipped" or k == "learned"}
            figures = measure(rows, args.half, name, prior, own, seeds=args.seeds)
            print(f"\n{set_name}, {name}, prior {prior} ({args.half} half, {args.seeds} seeds)")
            out += [
                {"set": set_name, "scenario": name, "prior": prior, **row} for row in told(figures)
            ]
    if args.json:
        args.json.write_text(json.dumps(out, indent=1, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
