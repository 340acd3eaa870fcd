"""Editing sequences with known outcomes: each scenario at each sample, in each shape of an editor's edits.

``play`` runs a sequence against a ``Tracker`` and returns the tracker's outcomes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ensemble_lsp.feedback.range_tracking import advance
from ensemble_lsp.feedback.tracker import Tracker
from ensemble_lsp.types import Document, Outcome, Position, Suggestion

from .edit_samples import CURSOR, SAMPLES, Sample
from .edit_scenarios import SCENARIOS, Act
from .simulated_editor import Editor

SHAPES = ("vscode", "neovim", "lines", "full")


@dataclass(frozen=True)
class LabelledSequence:
    """One labelled editing sequence."""

    name: str
    expected: str
    shape: str
    sample: Sample
    act: Act


def sequences(samples: Sequence[Sample] = SAMPLES) -> Iterator[LabelledSequence]:
    """All of them, in a fixed order."""
    for shape in SHAPES:
        for number, sample in enumerate(samples):
            for expected, act in SCENARIOS:
                name = f"{act.__name__}-{sample.language}{number}-{shape}"
                yield LabelledSequence(name, expected, shape, sample, act)


def play(sequence: LabelledSequence) -> tuple[str, list[Outcome]]:
    """Return the tracker's final outcome, and all outcomes on the way."""
    said: list[Outcome] = []
    now = [1000.0]

    def hear(suggestion: Suggestion, outcome: Outcome) -> None:
        assert suggestion.id == outcome.id
        said.append(outcome)

    settled: list[str] = []

    def settle(suggestion: Suggestion, outcome: Outcome) -> None:
        assert suggestion.id not in settled, "settled twice"
        settled.append(suggestion.id)
        hear(suggestion, outcome)

    tracker = Tracker(settle, hear, clock=lambda: now[0])
    sample = sequence.sample
    code = sample.code.replace("\n", sample.eol)
    before = code[: code.index(CURSOR)]
    document = Document.from_text("file:///a", 1, sample.language, code.replace(CURSOR, ""))
    cursor = advance(Position(0, 0), before)
    editor = Editor(tracker, sequence.shape, document, cursor, now, sample.eol)
    offered = editor.offer(sample.offered, sample.typed)
    followed = sequence.act(editor, offered, sample) or offered
    editor.flush()
    tracker.closed(editor.document)
    last = [outcome for outcome in said if outcome.id == followed.id]
    return (last[-1].kind if last else "nothing"), said


def scores(pairs: Sequence[tuple[str, str]]) -> dict[str, tuple[int, float, float]]:
    """Of (expected, found): count, precision and recall of each outcome."""
    table: dict[str, tuple[int, float, float]] = {}
    for kind in sorted({expected for expected, _ in pairs}):
        wanted = sum(expected == kind for expected, _ in pairs)
        found = sum(got == kind for _, got in pairs)
        right = sum(expected == got == kind for expected, got in pairs)
        table[kind] = (wanted, right / found if found else 0.0, right / wanted)
    return table
