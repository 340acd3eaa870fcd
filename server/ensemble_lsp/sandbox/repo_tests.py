"""The repository's own tests that reach a place, run on answers as they come."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import EnsembleError
from .check_results import CheckResults
from .scratch_repo import ProcessResult, ResourceLimits, ScratchRepo
from .test_selection import command_with, find_tests, runner_name

logger = logging.getLogger(__name__)
_REPORT = "ensemble-report.xml"
_NOTHING_COLLECTED = 5
"""pytest's exit code where it found no test."""


@dataclass(frozen=True, slots=True)
class RepoTarget:
    """Where answers go, in a repository."""

    root: Path
    file: Path
    names: tuple[str, ...]
    """Of the function at the place and of what it is in; none at the top of a file."""
    stubbed: str
    """The file with nothing at the place: where the tests pass with that too, they do not reach it."""
    apply: Callable[[str], str]
    """The file with an answer at the place."""
    unsaved: Mapping[Path, str]
    """Further files that are open and not saved: what is tested is what the editor shows."""


class RepoTests:
    """Runs the tests on one answer after the other, in one copy. Begins with its making; ``close`` ends it.

    ``told``: is given a sentence for each run. ``seconds``: for one run.
    """

    def __init__(
        self, place: RepoTarget, command: str, *, seconds: float, on_message: Callable[[str], None]
    ) -> None:
        self._place = place
        self._command = command
        self._limits = ResourceLimits(seconds)
        self._told = on_message
        self._gate = asyncio.Lock()
        self._tried: dict[str, asyncio.Task[tuple[int, int] | None]] = {}
        self._bench: ScratchRepo | None = None
        self._files: list[Path] = []
        self._ready = asyncio.create_task(self._prepare())
        self.skip_reason = ""
        """Why no test is run, in one sentence, if so."""

    async def __call__(self, text: str) -> tuple[int, int] | None:
        """How many of how many tests pass with an answer; None where they say nothing of it.

        Equal answers are tried once. To be cancelled here does not end the run.
        """
        if text not in self._tried:
            self._tried[text] = asyncio.create_task(self._try(text))
        return await asyncio.shield(self._tried[text])

    async def close(self) -> None:
        """End what runs, and remove the copy."""
        tasks = [self._ready, *self._tried.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._bench is not None:
            await self._bench.close()

    async def _prepare(self) -> None:
        """Copy the repository, find the tests, and see that they fail without an answer."""
        place = self._place
        try:
            self._bench = await ScratchRepo.open(
                place.root, self._command, limits=self._limits, files=[place.file]
            )
            await self._bench.write({**place.unsaved, place.file: place.stubbed})
            file = place.file.relative_to(place.root)
            self._files = await asyncio.to_thread(find_tests, self._bench.tree, file, place.names)
            if not self._files:
                self.skip_reason = f"The tests were not run: none names {_named(place)}."
                return
            self._told(f"Tests: {', '.join(path.as_posix() for path in self._files[:3])}")
            ended, counts = await self._run()
            if ended.passed or (counts is not None and counts[1] == 0):
                self.skip_reason = (
                    f"The tests decide nothing: they pass without {_named(place)} too."
                )
            elif ended.timed_out:
                self.skip_reason = (
                    "The tests were not run: they take longer than ensemble.testSeconds."
                )
            elif ended.exit_code == 127:
                self.skip_reason = f"The tests were not run: {ended.output.strip()[-200:]}."
        except (EnsembleError, ValueError, OSError) as error:
            self.skip_reason = str(error)
            logger.warning("tests are not run: %s", error)

    async def _try(self, text: str) -> tuple[int, int] | None:
        await asyncio.wait({self._ready})
        if self.skip_reason or self._bench is None:
            return None
        async with self._gate:
            start = time.perf_counter()
            await self._bench.write({self._place.file: self._place.apply(text)})
            ended, counts = await self._run()
        logger.info("tests: %s, %s, %.1f s", counts, ended.exit_code, time.perf_counter() - start)
        return counts if counts is not None else (int(ended.passed), 1)

    async def _run(self) -> tuple[ProcessResult, tuple[int, int] | None]:
        """One run, and (of pytest) how many tests passed of how many."""
        assert self._bench is not None
        words = command_with(shlex.split(self._command), self._files)
        report = self._bench.temp / _REPORT
        counted = runner_name(words) in ("pytest", "py.test")
        if counted:
            words += [f"--junitxml={report}", "-p", "no:cacheprovider"]
            with contextlib.suppress(OSError):
                await asyncio.to_thread(report.unlink, missing_ok=True)
        ended = await self._bench.run(words)
        if not counted or ended.timed_out:
            return ended, None
        if ended.exit_code == _NOTHING_COLLECTED:
            return ended, (0, 0)
        return ended, await asyncio.to_thread(_counts, report)


def with_test_counts(
    trial: CheckResults | None, tests: tuple[int, int] | None
) -> CheckResults | None:
    """What came of the examples, and of the tests too."""
    if tests is None:
        return trial
    passed, count = tests
    before = trial or CheckResults(0, 0, ())
    return CheckResults(
        before.passed + passed, before.total + count, before.outputs, tests_passed=passed, tests=count
    )  # fmt: skip


def _counts(report: Path) -> tuple[int, int] | None:
    """Passed and run, of a report in JUnit's XML; it was written by what was tested: only numbers are read."""
    try:
        if report.is_symlink() or not report.is_file():
            return None
        with report.open("rb") as file:
            head = file.read(4000).decode("utf-8", "replace")
    except OSError:
        return None
    suite = re.search(r"<testsuite\s[^>]*>", head)
    if suite is None:
        return None
    found = {
        k: int(v) for k, v in re.findall(r'\b(tests|errors|failures|skipped)="(\d{1,6})"', suite[0])
    }
    count = found.get("tests", 0) - found.get("skipped", 0)
    passed = count - found.get("errors", 0) - found.get("failures", 0)
    return max(0, passed), max(0, count)


def _named(place: RepoTarget) -> str:
    return place.names[0] if place.names else place.file.name
