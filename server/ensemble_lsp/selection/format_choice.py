"""A choice for people to read: its context in words, and each model's figures as table rows."""

from __future__ import annotations

from collections.abc import Sequence

from ..wording import plural
from .choice import Choice, Ranked
from .partitions import PLACE_PHRASES
from .request_context import RequestContext

COLUMNS = ("model", "expected reward", "outcomes", "answer in", "cost", "fails", "utility")


def format_context(context: RequestContext) -> str:
    """Describe the request in words."""
    parts = [
        f"{context.task} in {context.language or 'plain text'}",
        f"complexity {context.complexity}",
        f"nesting {context.nesting}" if context.nesting else "",
        f"a function of {plural(context.function_lines, 'line')}" if context.function_lines else "",
        PLACE_PHRASES[context.place] if context.place != "other" else "",
        "a block" if context.multiline else "the rest of a line",
        f"{plural(context.prefix_chars, 'character')} before",
        f"an instruction of {plural(context.instruction_words, 'word')}"
        if context.instruction_words
        else "",
    ]
    return ", ".join(part for part in parts if part)


def table_rows(choice: Choice) -> list[Sequence[str]]:
    """Return one row a model for ``COLUMNS``, in the order of the choice; the interval is 90 %."""
    return [_row(ranked) for ranked in choice.ranked]


def prior_sources(choice: Choice) -> list[str]:
    """Return the source of the prior, a line for each model with few outcomes."""
    return [f"{r.model}: by {r.prior}" for r in choice.ranked if r.observations < 8]


def _row(r: Ranked) -> Sequence[str]:
    seconds = f"{r.latency_ms:.0f} ms" if r.latency_ms < 1000 else f"{r.latency_ms / 1000:.1f} s"
    if not r.timed:
        seconds = f"not measured (typically {seconds})"
    return (
        r.model,
        f"{r.expected:.2f} ({r.low:.2f} to {r.high:.2f})",
        str(r.observations),
        seconds,
        f"{r.cost:.4f} USD" if r.cost else "nothing",
        f"{r.failures:.0%}",
        f"{r.utility:.2f}",
    )
