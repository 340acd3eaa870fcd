"""Run the repository's own tests that reach a place on each answer for it."""

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
from .process import ProcessResult, ResourceLimits
from .scratch_repo import ScratchRepo
from .test_selection import command_with, find_tests, runner_name

logger = logging.getLogger(__name__)
_REPORT = "ensemble-report.xml"
_NOTHING_COLLECTED = 5
"""pytest's exit code if it finds no test."""
_NOT_FOUND = 127
"""The shell's exit code for a command that cannot be run."""


@dataclass(frozen=True, slots=True)
class RepoTarget:
    """The place in a repository that answers are written for."""

    root: Path
    file: Path
    names: tuple[str, ...]
    """The function at the place and the definitions around it; empty at the top level of a file."""
    stubbed: str
    """The file with a stub at the place. Tests that pass with it too do not cover the place."""
    apply: Callable[[str], str]
    """Returns the file with an answer at the place."""
    unsaved: Mapping[Path, str]
    """Other open files with unsaved changes: the tests see what the editor shows."""

    @property
    def name(self) -> str:
        """The innermost definition, or the file."""
        return self.names[0] if self.names else self.file.name


class RepoTests:
    """Runs the tests on answers, one after the other, in one copy of the repository.

    The copy is made in the background from the start; ``close`` removes it. ``on_message`` receives a sentence
    for each run; ``seconds`` limits one run.
    """

    def __init__(
        self,
        target: RepoTarget,
        command: str,
        *,
        seconds: float,
        on_message: Callable[[str], None],
    ) -> None:
        self._target = target
        self._command = command
        self._limits = ResourceLimits(seconds)
        self._on_message = on_message
        self._gate = asyncio.Lock()
        self._runs: dict[str, asyncio.Task[tuple[int, int] | None]] = {}
        self._repo: ScratchRepo | None = None
        self._files: list[Path] = []
        self._ready = asyncio.create_task(self._prepare())
        self.skip_reason = ""
        """The reason, in one sentence, if no test runs; else empty."""

    async def __call__(self, text: str) -> tuple[int, int] | None:
        """Return passed and total tests for an answer; None if the tests cannot judge it.

        Identical answers run once. Cancelling the caller does not cancel the run.
        """
        if text not in self._runs:
            self._runs[text] = asyncio.create_task(self._test(text))
        return await asyncio.shield(self._runs[text])

    async def close(self) -> None:
        """Cancel all runs and remove the copy."""
        tasks = [self._ready, *self._runs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._repo is not None:
            await self._repo.close()

    async def _prepare(self) -> None:
        """Copy the repository, find the tests, and check that they fail with a stub at the place."""
        target = self._target
        try:
            self._repo = await ScratchRepo.open(
                target.root, self._command, limits=self._limits, files=[target.file]
            )
            await self._repo.write({**target.unsaved, target.file: target.stubbed})
            file = target.file.relative_to(target.root)
            self._files = await asyncio.to_thread(find_tests, self._repo.tree, file, target.names)
            if not self._files:
                self.skip_reason = f"The tests were not run: none of them mentions {target.name}."
                return
            self._on_message(f"Tests: {', '.join(path.as_posix() for path in self._files[:3])}")
            self.skip_reason = _baseline_problem(target.name, *await self._run())
        except (EnsembleError, ValueError, OSError) as error:
            self.skip_reason = str(error)
            logger.warning("tests are not run: %s", error)

    async def _test(self, text: str) -> tuple[int, int] | None:
        await asyncio.wait({self._ready})
        if self.skip_reason or self._repo is None:
            return None
        async with self._gate:
            start = time.perf_counter()
            try:
                await self._repo.write({self._target.file: self._target.apply(text)})
                result, counts = await self._run()
            except (EnsembleError, OSError) as error:
                logger.warning("an answer was not tested: %s", error)
                return None
        logger.info("tests: %s, %s, %.1f s", counts, result.exit_code, time.perf_counter() - start)
        return counts if counts is not None else (int(result.passed), 1)

    async def _run(self) -> tuple[ProcessResult, tuple[int, int] | None]:
        """Run the tests once. With pytest, also return how many passed of how many."""
        assert self._repo is not None
        command = command_with(shlex.split(self._command), self._files)
        report = self._repo.temp / _REPORT
        has_counts = runner_name(command) in ("pytest", "py.test")
        if has_counts:
            command += [f"--junitxml={report}", "-p", "no:cacheprovider"]
            with contextlib.suppress(OSError):
                await asyncio.to_thread(report.unlink, missing_ok=True)
        result = await self._repo.run(command)
        if not has_counts or result.timed_out:
            return result, None
        if result.exit_code == _NOTHING_COLLECTED:
            return result, (0, 0)
        return result, await asyncio.to_thread(_read_counts, report)


def _baseline_problem(name: str, result: ProcessResult, counts: tuple[int, int] | None) -> str:
    """Return why the tests cannot judge a place, from a run with a stub at it; empty if they can."""
    if result.passed or (counts is not None and counts[1] == 0):
        return f"The tests do not cover {name}: they pass with it removed."
    if result.timed_out:
        return "The tests were not run: they take longer than ensemble.testSeconds."
    if result.exit_code == _NOT_FOUND:
        return f"The tests were not run: {result.output.strip()[-200:]}."
    return ""


def _read_counts(report: Path) -> tuple[int, int] | None:
    """Read passed and total tests from a JUnit report. Untested code wrote it, so only numbers are read."""
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
    numbers = {
        k: int(v) for k, v in re.findall(r'\b(tests|errors|failures|skipped)="(\d{1,6})"', suite[0])
    }
    total = numbers.get("tests", 0) - numbers.get("skipped", 0)
    passed = total - numbers.get("errors", 0) - numbers.get("failures", 0)
    return max(0, passed), max(0, total)
