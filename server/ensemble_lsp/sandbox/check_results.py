"""Results of the checks run on one answer: the prompt's examples and the repository's tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .example_process import ExampleCheck


@dataclass(frozen=True, slots=True)
class CheckResults:
    """What came of the prompt's own examples and of the repository's tests, run on one answer."""

    passed: int
    """Promises that were kept: examples and tests."""
    total: int
    outputs: tuple[str, ...]
    """What each check printed or returned: answers that behave alike have the same."""
    tests_passed: int = 0
    tests: int = 0
    """Of the promises, those that are tests of the repository."""

    def sentence(self) -> str:
        """What was kept, in a few words: ``3 of 4 tests pass``; empty where nothing was promised."""
        kept, examples = self.passed - self.tests_passed, self.total - self.tests
        parts = [f"{kept} of {examples} examples hold"] if examples else []
        parts += [f"{self.tests_passed} of {self.tests} tests pass"] if self.tests else []
        return ", ".join(parts)

    @property
    def pass_rate(self) -> float:
        """Promises kept, 0 to 1; 1 where nothing was promised."""
        return self.passed / self.total if self.total else 1.0

    @classmethod
    def from_run(
        cls, groups: Sequence[Sequence[ExampleCheck]], told: Sequence[Sequence[Any]] | None
    ) -> CheckResults | None:
        """From a run's results (``ok``, ``output``); a run that was killed kept no promise."""
        checks = [check for group in groups for check in group]
        wanted = sum(check.has_expectation for check in checks)
        if told is None:
            return cls(0, wanted, ("!Killed",) * len(checks))
        results = [(bool(one[0]), str(one[1])) for group in told for one in group]
        kept = sum(
            ok for check, (ok, _) in zip(checks, results, strict=True) if check.has_expectation
        )
        return cls(kept, wanted, tuple(output for _, output in results))
