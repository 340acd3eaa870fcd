"""Measure precision and recall of each outcome that is detected from edits alone: ``python -m benchmarks.outcomes``.

The sequences are generated (``tests/support/edit_sequences.py``: scenarios × places × shapes
of edits), so the figures describe a model of editors, not recorded users. "all" is the share of sequences
with the right outcome. Then the accepts found in the cases of ``tests/data/editing``, written by hand, and in
whole sessions (``tests/support/editing_sessions.py``), with edits as VS Code makes them and in their smallest
form, as Neovim sends them.
"""

from __future__ import annotations

import time

from tests.support import edit_cases, editing_sessions
from tests.support.edit_samples import AMBIGUOUS, SAMPLES, Sample
from tests.support.edit_sequences import SHAPES, play, scores, sequences

from .common import save, table

Scores = dict[str, tuple[int, float, float]]
SESSIONS = 40


def measure(samples: tuple[Sample, ...], shape: str) -> Scores:
    """Return number, precision and recall by outcome for all sequences of one shape, and overall."""
    played = [(s.expected, play(s)[0]) for s in sequences(samples) if s.shape == shape]
    right = sum(expected == seen for expected, seen in played) / len(played)
    return {**scores(played), "all": (len(played), right, right)}


def sessions(form: str) -> tuple[int, float, float]:
    """Return the number of accepts in the sessions of one form, with precision and recall."""
    played = [
        suggestion
        for seed in range(SESSIONS)
        for suggestion in editing_sessions.session(seed, form)
    ]
    return editing_sessions.accepts(played)


def cases(part: str, form: str) -> tuple[int, float, float]:
    """Return the number of accepts in a file of cases, with precision and recall."""
    played = [
        pair
        for case in edit_cases.load(part)
        if form in case.forms
        for pair in edit_cases.play(case, form)
    ]
    return edit_cases.precision_and_recall(played)


def main() -> None:
    """Run the benchmark."""
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
    columns = ["shape of the edits", "outcome", "sequences", "precision", "recall"]
    table(f"outcomes detected from edits: {count} sequences, {each:.2f} ms each", columns, rows)
    by_hand = {(p, f): cases(p, f) for p in edit_cases.PARTS for f in edit_cases.FORMS}
    table(
        "accepts found in cases written by hand",
        ["cases", "form of the edits", "accepts", "precision", "recall"],
        [[p, f, n, f"{a:.3f}", f"{b:.3f}"] for (p, f), (n, a, b) in by_hand.items()],
    )
    accepts = {form: sessions(form) for form in editing_sessions.FORMS}
    table(
        f"accepts found in {SESSIONS} sessions",
        ["form of the edits", "accepts", "precision", "recall"],
        [[form, n, f"{p:.3f}", f"{r:.3f}"] for form, (n, p, r) in accepts.items()],
    )
    save(
        "outcomes",
        {
            "sequences": count,
            "outcomes": found,
            "cases": {f"{p}, {f}": v for (p, f), v in by_hand.items()},
            "sessions": accepts,
        },
    )


if __name__ == "__main__":
    main()
