"""The progress and events of a job on standard error: a bar on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ProviderError
from ..finetuning.job_runner import JobObserver
from ..finetuning.jobs import TuningJob
from ..finetuning.openai_jobs import JobEvent
from .console import safe

if TYPE_CHECKING:
    from rich.progress import TaskID


class Watch(JobObserver):
    """Reports a job to the user; if ``quiet``, only lost connections."""

    def __init__(self, job: TuningJob, *, quiet: bool) -> None:
        self._quiet = quiet
        self._state = job.state
        self._bars: Any = None
        self._bar: TaskID | None = None
        if sys.stderr.isatty() and not quiet:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
            from rich.progress import TimeElapsedColumn as Elapsed

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                Elapsed(),
            )
            self._bars = Progress(*columns, console=Console(stderr=True))
            self._bar = self._bars.add_task(f"{job.name}: {job.state}", total=job.steps or None)

    def __enter__(self) -> Watch:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def changed(self, job: TuningJob, events: Sequence[JobEvent]) -> None:
        """Show new events, a new state and the progress."""
        if self._quiet:
            return
        for event in events:
            if event.message:
                self._print(event.message)
        if job.state != self._state:
            self._state = job.state
            self._print(f"{job.name}: {job.state}")
        if self._bars is not None and self._bar is not None:
            text, total = f"{job.name}: {job.state}", job.steps or None
            self._bars.update(self._bar, description=text, completed=job.step, total=total)

    def waiting(self, job: TuningJob, error: ProviderError, seconds: float) -> None:
        """Report that the provider could not be reached."""
        self._print(f"{error} Trying again in {seconds:.0f} s.")

    def _print(self, sentence: str) -> None:
        line = " ".join(safe(sentence).split())
        if self._bars is not None:
            self._bars.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)
