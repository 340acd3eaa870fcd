"""Check that the reward ranks kept texts above undone ones, on a log of 21 programmers with Copilot.

``ENSEMBLE_LSP_BENCH_DATA=DIR python -m benchmarks.reward_telemetry``; DIR holds
``copilot-cups-telemetry/events.jsonl.gz``: one event per line, with StateName (Accepted, Rejected, ...),
Measurements.timeSinceDisplayedMs and compCharLen, and EditPercentage, the relative edit distance of the
accepted text at five later checks. It is available from github.com/microsoft/coderec_programming_states
(MIT).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ensemble_lsp.feedback import reward_of

STAYED = 0.5
"""An accepted text counts as kept if at most this share was edited by the last check."""


def auc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """Return the probability that a good value is ranked above a bad one (ties count half)."""
    good = [s for s, label in zip(scores, labels, strict=True) if label]
    bad = [s for s, label in zip(scores, labels, strict=True) if not label]
    wins = sum((g > b) + 0.5 * (g == b) for g in good for b in bad)
    return wins / (len(good) * len(bad))


def interval(scores: Sequence[float], labels: Sequence[bool], draws: int = 300) -> str:
    """Return the AUC with its 95 % bootstrap interval."""
    rng, pairs, found = random.Random(0), list(zip(scores, labels, strict=True)), list[float]()
    while len(found) < draws:
        drawn = [rng.choice(pairs) for _ in pairs]
        if {label for _, label in drawn} == {True, False}:
            found.append(auc([s for s, _ in drawn], [label for _, label in drawn]))
    found.sort()
    low, high = found[int(0.025 * draws)], found[int(0.975 * draws)]
    return f"{auc(scores, labels):.3f} ({low:.3f} to {high:.3f})"


def shown_ms(event: dict[str, Any]) -> float:
    return float(event["Measurements"].get("timeSinceDisplayedMs") or 0.0)


def reward(event: dict[str, Any], check: int | None) -> float | None:
    """Return the product's reward; ``check`` is the check at which survival was measured."""
    if event["StateName"] == "Rejected":
        return reward_of("rejected", 0.0, shown_ms(event))
    edited = None if check is None else min(1.0, float(event["EditPercentage"][check]))
    return reward_of("accepted", 1.0, shown_ms(event), None if edited is None else 1 - edited)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("ENSEMBLE_LSP_BENCH_DATA", ""))
    folder = Path(parser.parse_args().data)
    file = folder / "copilot-cups-telemetry" / "events.jsonl.gz"
    if not file.is_file():
        print(f"skipped: {file} is not there; set ENSEMBLE_LSP_BENCH_DATA or --data")
        return
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        events = [json.loads(line) for line in lines]
    accepted = [e for e in events if e["StateName"] == "Accepted"]
    rejected = [e for e in events if e["StateName"] == "Rejected"]
    stayed = [min(1.0, float(e["EditPercentage"][4])) <= STAYED for e in accepted]
    gone = stayed.count(False)
    print(
        f"{len(accepted)} accepted ({gone} edited by more than half later), {len(rejected)} refused"
    )
    print("\n| reward known at | AUC among the accepted: stayed above rewritten |")
    print("| --- | --- |")
    for check in (None, 0, 1, 2, 3, 4):
        name = "the accept" if check is None else f"check {check + 1}"
        print(f"| {name} | {interval([reward(e, check) or 0.0 for e in accepted], stayed)} |")
    judged = [r for e in rejected if (r := reward(e, None)) is not None]
    unjudged = len(rejected) - len(judged)
    print(f"\nrefusals within 750 ms, left out: {unjudged} of {len(rejected)}")
    last = [reward(e, 4) or 0.0 for e in accepted]
    kept = [r for r, label in zip(last, stayed, strict=True) if label]
    lost = [r for e, r in zip(accepted, last, strict=True) if float(e["EditPercentage"][4]) >= 0.99]
    print(
        f"mean reward: stayed {mean(kept)}, refused {mean(judged)}, wholly rewritten {mean(lost)}"
    )
    rank = auc(kept + judged, [True] * len(kept) + [False] * len(judged))
    print(f"AUC, stayed above refused: {rank:.3f}")
    rank = auc(judged + lost, [True] * len(judged) + [False] * len(lost)) if lost else float("nan")
    print(f"AUC, refused above wholly rewritten: {rank:.3f} ({len(lost)} of these)")


def mean(values: Sequence[float]) -> str:
    return f"{sum(values) / len(values):.3f}" if values else "-"


if __name__ == "__main__":
    main()
