"""What is run on each answer to a generation: the prompt's own examples, and the repository's own tests."""

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

_DEFINED = re.compile(r"^\s*(?:[a-z]+\s+)*(?:def|class|function|fn|func|fun)\s+(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What is generated, and where."""

    app: AppContext
    document: Document
    place: Span
    wish: str
    clean: Callable[[str], str]
    """Fits a text to the place."""
    told: Callable[[str], None]


class CandidateChecks:
    """Runs what there is to run on an answer."""

    def __init__(self, trials: ExampleRunner | None, tests: RepoTests | None, trouble: str) -> None:
        self._trials = trials
        self._tests = tests
        self._trouble = trouble

    def __bool__(self) -> bool:
        """Whether there is anything to run."""
        return self._trials is not None or self._tests is not None

    async def __call__(self, text: str) -> CheckResults | None:
        """What came of it; None where nothing was run. An answer that was tried is known."""
        trial = await self._trials(text) if self._trials is not None else None
        return (
            with_test_counts(trial, await self._tests(text)) if self._tests is not None else trial
        )

    @property
    def trouble(self) -> str:
        """Why something that is wished was not run; empty where all was."""
        told = [self._trouble]
        if self._trials is not None and self._trials.unavailable:
            told.append(f"The examples were not run: {self._trials.unavailable}.")
        if self._tests is not None:
            told.append(self._tests.skip_reason)
        return " ".join(filter(None, told))


@contextlib.asynccontextmanager
async def attempts(wanted: CheckContext) -> AsyncGenerator[CandidateChecks]:
    """What the settings wish to be run. The tests' copy is made meanwhile, and gone afterwards."""
    settings = wanted.app.settings.ensemble
    wished = [
        n for n, on in (("examples", settings.run_examples), ("tests", settings.run_tests)) if on
    ]
    if wished and not wanted.app.trusted:
        trouble = f"The {' and '.join(wished)} were not run: the workspace is not trusted."
        yield CandidateChecks(None, None, trouble)
        return
    trials = await _trials(wanted) if settings.run_examples else None
    tests, trouble = await _tests(wanted) if settings.run_tests else (None, "")
    try:
        yield CandidateChecks(trials, tests, trouble)
    finally:
        if tests is not None:
            await tests.close()


async def _trials(wanted: CheckContext) -> ExampleRunner | None:
    """What runs the examples that stand there."""
    document = wanted.document
    if document.language != "python":
        return None
    called = _called(wanted.wish)
    text = _promising(document, wanted.place, wanted.wish)
    groups = await asyncio.to_thread(examples_in_source, text, called)
    return ExampleRunner(groups, lambda answer: _whole(wanted, answer)) if groups else None


async def _tests(wanted: CheckContext) -> tuple[RepoTests | None, str]:
    """What runs the tests; and why there is nothing to run."""
    app, document = wanted.app, wanted.document
    file = Path(document.path) if document.uri.startswith("file:") else None
    folders = [f for f in app.runtime.workspace.folders if file and f in file.parents]
    if file is None or not folders:
        return None, "The tests were not run: the file is in no folder that is open."
    root = max(folders, key=lambda folder: len(folder.parts))
    names, hollow = await asyncio.to_thread(_hollow, wanted)
    place = RepoTarget(
        root,
        file,
        names,
        hollow,
        lambda answer: _whole(wanted, answer),
        {
            Path(other.path): other.text
            for other in app.runtime.documents.recent()
            if other.uri.startswith("file:") and root in Path(other.path).parents
        },
    )
    settings = app.settings.ensemble
    tests = RepoTests(
        place, settings.run_tests, seconds=settings.test_seconds, on_message=wanted.told
    )
    return tests, ""


def _whole(wanted: CheckContext, answer: str) -> str:
    return wanted.document.replace(wanted.place, answer).text


def _hollow(wanted: CheckContext) -> tuple[tuple[str, ...], str]:
    """The names of what is generated, innermost first; and the file without it."""
    document, place = wanted.document, wanted.place
    around = [
        symbol
        for kind in ("function", "class")
        if (symbol := enclosing(document, place.start, kind=kind)) is not None
    ]
    names = [*_DEFINED.findall(document.slice(place)), *(symbol.name for symbol in around)]
    names = names or _called(wanted.wish)
    inside = bool(around) and around[0].kind == "function" and around[0].span.start < place.start
    filler = "raise NotImplementedError" if document.language == "python" and inside else ""
    text = wanted.clean(filler) if filler else ""
    return tuple(dict.fromkeys(names)), document.replace(place, text).text


def _called(wish: str) -> list[str]:
    """The functions an instruction calls by name."""
    return sorted({n for n in re.findall(r"(\w+)\(", wish) if not hasattr(builtins, n)})


def _promising(document: Document, place: Span, wish: str) -> str:
    """The text that may hold examples: the wish, the comment above, the definition round the place."""
    first = place.start.line
    while first > 0 and not re.match(r"\s*(?:async\s+)?(?:def|class)\b", document.line(first)):
        if not document.line(first - 1).strip():
            break
        first -= 1
    while first > 0 and document.line(first - 1).lstrip().startswith(("#", "@")):
        first -= 1
    wished = "\n".join(f"# {line}" for line in wish.split("\n"))
    return f"{wished}\n\n{document.slice(Span(Position(first, 0), place.end))}"
