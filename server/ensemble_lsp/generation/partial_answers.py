"""Report the answers of models while they come: their states, and the text of one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from ..consensus.fan_out import FanOutProgress

ReportProgress = Callable[[str, int | None], None]
"""Receives a sentence, and the share that is done, 0 to 100, if it is known."""
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


def progress_callback(
    report: ReportProgress | None, count: int, partial: PartialAnswers | None
) -> Callable[[FanOutProgress], None] | None:
    """Return a callback that reports each member's state and the share that has answered."""
    if report is None:
        return None

    def on_progress(step: FanOutProgress) -> None:
        if partial is not None and step.state == "failed":
            partial.drop(step.model)
        report(f"{step.model}: {step.state}", 100 * step.done // max(1, count))

    return on_progress
