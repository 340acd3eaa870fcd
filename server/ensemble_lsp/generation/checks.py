"""Checks that are run on each candidate: the examples in the prompt and the repository's tests."""

from __future__ import annotations

import asyncio
import builtins
import contextlib
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

from ..app import AppContext
from ..context.symbols import enclosing
from ..sandbox.check_results import CheckResults, with_test_counts
from ..sandbox.example_parser import examples_in_source
from ..sandbox.example_runner import ExampleRunner
from ..sandbox.repo_tests import RepoTarget, RepoTests
from ..types import Document, Position, Span
from ..uris import is_file_uri

_DEFINED = re.compile(r"^\s*(?:[a-z]+\s+)*(?:def|class|function|fn|func|fun)\s+(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CheckContext:
    """The generation request whose candidates are checked."""

    app: AppContext
    document: Document
    place: Span
    instruction: str
    clean: Callable[[str], str]
    """Fits a text to the place, as for a candidate."""
    report: Callable[[str], None]


class CandidateChecks:
    """Runs the available checks on a candidate."""

    def __init__(
        self, examples: ExampleRunner | None, tests: RepoTests | None, problem: str
    ) -> None:
        self._examples = examples
        self._tests = tests
        self._problem = problem

    def __bool__(self) -> bool:
        """Whether there are checks to run."""
        return self._examples is not None or self._tests is not None

    async def __call__(self, text: str) -> CheckResults | None:
        """Return the results for a candidate; ``None`` if nothing was run. Results are cached by text."""
        trial = await self._examples(text) if self._examples is not None else None
        return (
            with_test_counts(trial, await self._tests(text)) if self._tests is not None else trial
        )

    @property
    def problems(self) -> str:
        """The reasons why checks that the settings ask for were not run; empty if all were."""
        problems = [self._problem]
        if self._examples is not None and self._examples.unavailable:
            problems.append(f"The examples were not run: {self._examples.unavailable}.")
        if self._tests is not None:
            problems.append(self._tests.skip_reason)
        return " ".join(filter(None, problems))


@contextlib.asynccontextmanager
async def candidate_checks(context: CheckContext) -> AsyncGenerator[CandidateChecks]:
    """Set up the checks that the settings ask for; remove the tests' scratch copy afterwards."""
    settings = context.app.settings.ensemble
    requested = [
        n for n, on in (("examples", settings.run_examples), ("tests", settings.run_tests)) if on
    ]
    if requested and not context.app.trusted:
        problem = f"The {' and '.join(requested)} were not run: the workspace is not trusted."
        yield CandidateChecks(None, None, problem)
        return
    examples = await _examples(context) if settings.run_examples else None
    tests, problem = await _tests(context) if settings.run_tests else (None, "")
    try:
        yield CandidateChecks(examples, tests, problem)
    finally:
        if tests is not None:
            await tests.close()


async def _examples(context: CheckContext) -> ExampleRunner | None:
    """Return a runner for the examples in the instruction and at the place, if there are any."""
    document = context.document
    if document.language != "python":
        return None
    called = _called_functions(context.instruction)
    text = _example_text(document, context.place, context.instruction)
    groups = await asyncio.to_thread(examples_in_source, text, called)
    return ExampleRunner(groups, lambda text: _with_candidate(context, text)) if groups else None


async def _tests(context: CheckContext) -> tuple[RepoTests | None, str]:
    """Return a runner for the repository's tests, or the reason for having no runner."""
    app, document = context.app, context.document
    file = Path(document.path) if is_file_uri(document.uri) else None
    folders = [f for f in app.workspace.context.folders if file and f in file.parents]
    if file is None or not folders:
        return None, "The tests were not run: the file is not in an open folder."
    root = max(folders, key=lambda folder: len(folder.parts))
    names, stubbed = await asyncio.to_thread(_stubbed, context)
    place = RepoTarget(
        root,
        file,
        names,
        stubbed,
        lambda text: _with_candidate(context, text),
        {
            Path(other.path): other.text
            for other in app.workspace.documents.recent()
            if is_file_uri(other.uri) and root in Path(other.path).parents
        },
    )
    settings = app.settings.ensemble
    tests = RepoTests(
        place, settings.run_tests, seconds=settings.test_seconds, on_message=context.report
    )
    return tests, ""


def _with_candidate(context: CheckContext, text: str) -> str:
    return context.document.replace(context.place, text).text


def _stubbed(context: CheckContext) -> tuple[tuple[str, ...], str]:
    """Return the names of the generated definitions, innermost first, and the file with them stubbed."""
    document, place = context.document, context.place
    around = [
        symbol
        for kind in ("function", "class")
        if (symbol := enclosing(document, place.start, kind=kind)) is not None
    ]
    names = [*_DEFINED.findall(document.slice(place)), *(symbol.name for symbol in around)]
    names = names or _called_functions(context.instruction)
    inside = bool(around) and around[0].kind == "function" and around[0].span.start < place.start
    filler = "raise NotImplementedError" if document.language == "python" and inside else ""
    text = context.clean(filler) if filler else ""
    return tuple(dict.fromkeys(names)), document.replace(place, text).text


def _called_functions(instruction: str) -> list[str]:
    """Return the functions that an instruction names in calls."""
    return sorted({n for n in re.findall(r"(\w+)\(", instruction) if not hasattr(builtins, n)})


def _example_text(document: Document, place: Span, instruction: str) -> str:
    """Return the text that may hold examples: instruction, comment above, enclosing definition."""
    first = place.start.line
    while first > 0 and not re.match(r"\s*(?:async\s+)?(?:def|class)\b", document.line(first)):
        if not document.line(first - 1).strip():
            break
        first -= 1
    while first > 0 and document.line(first - 1).lstrip().startswith(("#", "@")):
        first -= 1
    commented = "\n".join(f"# {line}" for line in instruction.split("\n"))
    return f"{commented}\n\n{document.slice(Span(Position(first, 0), place.end))}"
