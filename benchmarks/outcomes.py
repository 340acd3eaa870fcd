"""Precision and recall of each outcome that is told from edits alone: ``python -m benchmarks.outcomes``.

The sequences are generated (``tests/support/edit_sequences.py``: scenarios × places × the shapes editors send
edits in), so these are figures of a model of what editors send, not of recorded users. "all" is
the share of sequences whose outcome is right.
"""

from __future__ import annotations

import time

from tests.support.edit_sequences import (
    AMBIGUOUS,
    SAMPLES,
    SHAPES,
    Sample,
    play,
    scores,
    sequences,
)

from .common import save, table

Scores = dict[str, tuple[int, float, float]]


def measure(samples: tuple[Sample, ...], shape: str) -> Scores:
    """Number, precision and recall by outcome, of all sequences of one shape; and of all."""
    played = [(s.expected, play(s)[0]) for s in sequences(samples) if s.shape == shape]
    right = sum(expected == seen for expected, seen in played) / len(played)
    return {**scores(played), "all": (len(played), right, right)}


def main() -> None:
    """Run it."""
    start = time.perf_counter()
    found = {shape: measure(SAMPLES, shape) for shape in SHAPES}
    found |= {f"{shape}, parts of one character": measure(AMBIGUOUS, shape) for shape in SHAPES}
    count = len(list(sequences())) + len(list(sequences(AMBIGUOUS)))
    each = (time.perf_counter() - start) / count * 1e3
    rows = [
        [shape, kind, number, f"{precision:.3f}", f"{recall:.3f}"]
        for shape, by_kind in found.items()
        for kind, (number, precision, recall) in by_kind.items()
    ]
    columns = ["edits in the shape of", "outcome", "sequences", "precision", "recall"]
    table(f"outcomes told from edits: {count} sequences, {each:.2f} ms each", columns, rows)
    save("outcomes", {"sequences": count, "outcomes": found})


if __name__ == "__main__":
    main()
