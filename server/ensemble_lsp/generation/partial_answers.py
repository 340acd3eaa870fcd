"""Report an answer while a model writes it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

ReportText = Callable[[str, str], None]
"""Receives a model's name and its text so far."""
INTERVAL = 0.15
"""Seconds between two reports: an editor draws each of them."""


class PartialAnswers:
    """The growing answers of one request. One model's is reported: the first to write, or its successor if it fails.

    A reader cannot follow two answers at once, and a change of the model would replace the whole text.
    """

    def __init__(self, clean: Callable[[str], str], report: ReportText) -> None:
        self._clean = clean
        self._report = report
        self._texts: dict[str, str] = {}
        self._changed = asyncio.Event()

    def add(self, model: str, text: str) -> None:
        """Append text to a model's answer."""
        self._texts[model] = self._texts.get(model, "") + text
        self._changed.set()

    def drop(self, model: str) -> None:
        """Forget the answer of a model that failed."""
        if self._texts.pop(model, None) is not None:
            self._changed.set()

    async def run(self) -> None:
        """Report until cancelled."""
        reported = ""
        while True:
            await self._changed.wait()
            self._changed.clear()
            model = next(iter(self._texts), "")
            text = await asyncio.to_thread(self._clean, self._texts.get(model, ""))
            if text.strip() and text != reported and model in self._texts:
                self._report(model, text)
                reported = text
            await asyncio.sleep(INTERVAL)


@asynccontextmanager
async def partial_answers(
    clean: Callable[[str], str], report: ReportText | None
) -> AsyncGenerator[PartialAnswers | None, None]:
    """Report partial answers while the context is open; without ``report`` there is nothing to do."""
    if report is None:
        yield None
        return
    partial = PartialAnswers(clean, report)
    task = asyncio.create_task(partial.run(), name="partial answers")
    try:
        yield partial
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
