"""The prompt's own examples, run on answers as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from .check_results import CheckResults
from .example_process import ExampleCheck, ExampleLimits, run_examples

AT_ONCE = 2
"""Sandboxes that run at the same time."""


class ExampleRunner:
    """Runs one prompt's examples. ``source_of`` makes a whole source of an answer's text."""

    def __init__(
        self,
        groups: Sequence[Sequence[ExampleCheck]],
        source_of: Callable[[str], str],
        limits: ExampleLimits | None = None,
    ) -> None:
        self._groups = groups
        self._source_of = source_of
        self._limits = limits
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._known: dict[str, CheckResults | None] = {}
        self.unavailable = ""
        """Why this system runs none, if so."""

    async def __call__(self, text: str) -> CheckResults | None:
        """What came of the examples; None where none were run. Equal texts are run once."""
        if self.unavailable or not self._groups:
            return None
        if text not in self._known:
            async with self._gate:
                ran = await run_examples(self._source_of(text), self._groups, self._limits)
            self.unavailable = ran.unavailable
            told = [[(t.ok, t.output) for t in group] for group in ran.groups]
            self._known[text] = (
                None
                if ran.unavailable
                else CheckResults.from_run(self._groups, told if ran.completed else None)
            )
        return self._known[text]
