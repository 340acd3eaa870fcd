"""Checks of an answer, from the prompt's examples and the repository's tests, and their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CheckKind = Literal["doctest", "equal", "assert", "call", "stdin", "run"]


@dataclass(frozen=True, slots=True)
class ExampleCheck:
    """One example to run.

    ``doctest``: a statement and the text it prints; ``equal``: an expression and the source of its value;
    ``call``: an expression; ``assert`` and ``run``: statements; ``stdin``: the input of a whole program and
    the text it prints.
    """

    kind: CheckKind
    source: str
    expected: str | None = None
    """The expected result; ``None`` where only the input is known."""

    @property
    def has_expectation(self) -> bool:
        """Whether code can fail this check."""
        return self.expected is not None or self.kind == "assert"


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """The outcome of one check."""

    ok: bool
    output: str
    """The text printed or the value returned, or ``!NameOfException``."""


@dataclass(frozen=True, slots=True)
class CheckResults:
    """Results of the examples and the repository's tests for one answer."""

    passed: int
    """Passed checks: examples with an expected result, and tests."""
    total: int
    outputs: tuple[str, ...]
    """The output of each example. Answers that behave alike have equal outputs."""
    tests_passed: int = 0
    tests: int = 0
    """The part of ``total`` that is tests of the repository."""

    def sentence(self) -> str:
        """Return a short summary, such as ``3 of 4 tests pass``; empty if nothing was checked."""
        passed, examples = self.passed - self.tests_passed, self.total - self.tests
        parts = [f"{passed} of {examples} examples pass"] if examples else []
        parts += [f"{self.tests_passed} of {self.tests} tests pass"] if self.tests else []
        return ", ".join(parts)

    @property
    def pass_rate(self) -> float:
        """Share of the checks that pass, 0 to 1; 1 without checks."""
        return self.passed / self.total if self.total else 1.0

    @classmethod
    def from_run(
        cls,
        groups: Sequence[Sequence[ExampleCheck]],
        outcomes: Sequence[Sequence[CheckOutcome]] | None,
    ) -> CheckResults:
        """Count the outcomes of a run; ``None`` for a run that was killed: no check passes."""
        checks = [check for group in groups for check in group]
        total = sum(check.has_expectation for check in checks)
        if outcomes is None:
            return cls(0, total, ("!Killed",) * len(checks))
        results = [outcome for group in outcomes for outcome in group]
        passed = sum(
            result.ok
            for check, result in zip(checks, results, strict=True)
            if check.has_expectation
        )
        return cls(passed, total, tuple(result.output for result in results))


def with_test_counts(
    results: CheckResults | None, counts: tuple[int, int] | None
) -> CheckResults | None:
    """Add the repository's tests, as passed and total, to the results of the examples."""
    if counts is None:
        return results
    passed, tests = counts
    examples = results or CheckResults(0, 0, ())
    return CheckResults(
        examples.passed + passed,
        examples.total + tests,
        examples.outputs,
        tests_passed=passed,
        tests=tests,
    )
