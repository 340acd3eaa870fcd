"""Precision and recall of each outcome that is told from edits alone: ``python benchmarks/outcomes.py``.

The sequences are generated (tests/support/edit_sequences.py), so these are figures of a model of what
editors send, not of recorded users.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.edit_sequences import (
    AMBIGUOUS,
    SAMPLES,
    SHAPES,
    Sample,
    play,
    scores,
    sequences,
)


def measure(samples: tuple[Sample, ...], shape: str) -> dict[str, tuple[int, float, float]]:
    """Scores of all sequences of one shape."""
    played = [(s.expected, play(s)[0]) for s in sequences(samples) if s.shape == shape]
    return scores(played)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    start = time.perf_counter()
    table = {shape: measure(SAMPLES, shape) for shape in SHAPES}
    table |= {f"{shape}, one-character parts": measure(AMBIGUOUS, shape) for shape in SHAPES}
    count = len(list(sequences())) + len(list(sequences(AMBIGUOUS)))
    each = (time.perf_counter() - start) / count * 1e3
    if arguments.json:
        print(json.dumps({"sequences": count, "outcomes": table}))
        return
    print(f"{count} sequences, {each:.2f} ms each\n")
    print("| edits in the shape of | outcome | sequences | precision | recall |")
    print("| --- | --- | --- | --- | --- |")
    for shape, rows in table.items():
        for kind, (number, precision, recall) in rows.items():
            print(f"| {shape} | {kind} | {number} | {precision:.3f} | {recall:.3f} |")


if __name__ == "__main__":
    main()
