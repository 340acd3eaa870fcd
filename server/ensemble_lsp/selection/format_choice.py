"""A choice told to people: the situation in words, and each model's figures as a table."""

from __future__ import annotations

from collections.abc import Sequence

from .choice import Choice, Ranked
from .request_context import RequestContext

COLUMNS = ("model", "expected reward", "outcomes", "answer in", "cost", "fails", "utility")

_PLACES = {
    "call": "in a call",
    "return": "after return",
    "comment": "in a comment",
    "import": "in an import",
    "test": "in a test",
    "string": "in a string",
    "definition": "in a definition",
}


def where(situation: RequestContext) -> str:
    """What was known of the request, in words."""
    parts = [
        f"{situation.task} in {situation.language or 'plain text'}",
        f"complexity {situation.complexity}",
        f"nesting {situation.nesting}" if situation.nesting else "",
        f"a function of {situation.function_lines} lines" if situation.function_lines else "",
        _PLACES.get(situation.place, ""),
        "a block" if situation.multiline else "the rest of a line",
        f"{situation.prefix_chars} characters before",
        f"an instruction of {situation.instruction_words} words"
        if situation.instruction_words
        else "",
    ]
    return ", ".join(part for part in parts if part)


def rows(choice: Choice) -> list[Sequence[str]]:
    """The models in the order they are asked, for ``COLUMNS``; the interval is of 90 %."""
    return [_row(ranked) for ranked in choice.ranked]


def basis(choice: Choice) -> list[str]:
    """Where the expectations of models without outcomes come from, a line each."""
    return [f"{r.model}: by {r.prior}" for r in choice.ranked if r.observations < 8]


def _row(r: Ranked) -> Sequence[str]:
    seconds = f"{r.latency_ms:.0f} ms" if r.latency_ms < 1000 else f"{r.latency_ms / 1000:.1f} s"
    return (
        r.model,
        f"{r.expected:.2f} ({r.low:.2f} to {r.high:.2f})",
        str(r.observations),
        seconds,
        f"{r.cost:.4f} USD" if r.cost else "nothing",
        f"{r.failures:.0%}",
        f"{r.utility:.2f}",
    )
