"""Scenarios: files with a hole, open as in an editor, with the prompts for them and the cleaned answers.

A workspace has separate documents, context and an index for ``recall``, so the user's open files stay untouched.
While a case's file is open with its hole, no index knows the missing text.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..context.completion_mode import completion_mode_at
from ..context.generation_intent import generation_intent_at
from ..context.prompt_builder import (
    WorkspaceContext,
    complete_prompt,
    explain_prompt,
    generate_prompt,
)
from ..models.interface import Model, Profile
from ..models.profiles import make_profile
from ..postprocess import clean_code, clean_completion, clean_prose
from ..postprocess.completion_text import CONTEXT_LINES
from ..postprocess.surroundings import Surroundings
from ..providers.recall.recall_model import RecallModel
from ..providers.recall.token_index import RecallIndex
from ..settings import ModelSettings, PrivacySettings
from ..syntax.indentation import indent_of
from ..types import Document, Position, Prompt, Span
from .cases import Case
from .edit_situation import EditSituation

OPEN_FILES = 20
"""Other files that are open: those nearest to the case's file."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A case as an editor poses it: the file with its hole, and the target of the answer."""

    case: Case
    document: Document
    target: Span
    multiline: bool = True
    instruction: str = ""
    indent: str = ""
    edit: EditSituation | None = None
    """For the task ``edit``."""

    @property
    def cursor(self) -> Position:
        """Start of the answer."""
        return self.target.start

    def filled(self, text: str) -> Document:
        """Return the file with an answer inserted."""
        return self.document.replace(self.target, text)

    def around(self) -> tuple[str, str]:
        """Return the text before and after the target that post-processing sees."""
        document, start, end = self.document, self.target.start, self.target.end
        first = Position(max(0, start.line - CONTEXT_LINES), 0)
        last = min(len(document.lines) - 1, end.line + CONTEXT_LINES)
        below = Span(end, Position(last, len(document.lines[last])))
        return document.slice(Span(first, start)), document.slice(below)


def scenario_of(case: Case, document: Document) -> Scenario | None:
    """Open the hole in a case's file; None if an editor would not request a completion there."""
    if case.kind == "explain":
        return Scenario(case, document, case.hole)
    start = case.hole.start
    holed = document.replace(case.hole, "")
    if case.kind != "generate":
        shape = completion_mode_at(holed, start)
        multiline = case.kind != "line"
        # A body is requested as a block even if its position would only trigger a line.
        return None if shape == "none" else Scenario(case, holed, Span(start, start), multiline)
    request = generation_intent_at(holed, Span(start, start))
    if request is None or request.kind != "body":
        return None
    return Scenario(case, holed, request.span, True, request.instruction, request.indent)


def cleaned(
    scenario: Scenario,
    text: str,
    finish: str,
    max_lines: int,
    tokens: Collection[str] = (),
    *,
    exact: bool = False,
) -> str:
    """Return an answer as the editor would offer it; empty for nothing. Slow: call it in a thread.

    ``tokens`` are the model's control tokens; ``exact`` is its profile's ``continues_exactly``.
    """
    case = scenario.case
    if case.kind == "explain":
        return clean_prose(text, tokens)
    before, after = scenario.around()
    if case.kind == "generate":
        return clean_code(
            text, language=case.language, indent=scenario.indent,
            instruction=scenario.instruction, prefix=before, suffix=after, tokens=tokens,
            around=Surroundings.of(scenario.document, scenario.target),
        )  # fmt: skip
    before, after = before.replace("\r\n", "\n"), after.replace("\r\n", "\n")
    offered = clean_completion(
        text, prefix=before, suffix=after, language=case.language,
        multiline=scenario.multiline, max_lines=max_lines, finish=finish, exact=exact, tokens=tokens,
    )  # fmt: skip
    return offered if scenario.multiline else offered.split("\n")[0]


class ScenarioWorkspace:
    """The open files, context and prompts of one comparison. ``close`` it at the end."""

    def __init__(
        self,
        documents: Mapping[Path, Document],
        folder: Path,
        privacy: PrivacySettings,
        *,
        max_lines: int,
    ) -> None:
        self._documents = documents
        self.max_lines = max_lines
        self.recall = RecallIndex()
        self.workspace = WorkspaceContext(privacy, [folder])
        self._known: set[str] = set()

    def recall_model(self, settings: ModelSettings) -> Model:
        """Return a ``recall`` model that reads this workspace's index, not the user's files."""
        return RecallModel(settings, make_profile(settings), self.recall)

    async def open_case(self, case: Case) -> Scenario | None:
        """Open the case's file with its hole, and its neighbours; pair it with ``close_case``."""
        original = self._documents[case.file]
        scenario = await asyncio.to_thread(scenario_of, case, original)
        if scenario is None:
            return None
        await self.workspace.guard()
        for path in self._near(case.file):
            await self._open(self._documents[path])
        await self._open(original)
        self._change(original, scenario.document)
        await self.workspace.prepare(scenario.document)
        await self._settle()
        return scenario

    async def close_case(self, scenario: Scenario) -> None:
        """Restore the file, so that later cases see the user's code."""
        self._change(scenario.document, self._documents[scenario.case.file])

    def prompt(self, scenario: Scenario, profile: Profile) -> Prompt | None:
        """Build the prompt for a model; None if it may not see the file.

        The hole may cut a secret from its name: the file as it was shows it.
        """
        prompt = self._prompt(scenario, profile)
        return prompt and self.workspace.without_known_secrets(prompt, profile)

    def _prompt(self, scenario: Scenario, profile: Profile) -> Prompt | None:
        case, workspace = scenario.case, self.workspace
        if case.kind == "explain":
            return explain_prompt(
                scenario.document, scenario.target, profile=profile, workspace=workspace
            )
        if case.kind == "generate":
            return generate_prompt(
                scenario.document, scenario.target, scenario.instruction,
                indent=scenario.indent, profile=profile, workspace=workspace,
            )  # fmt: skip
        return complete_prompt(
            scenario.document,
            scenario.cursor,
            profile=profile,
            workspace=workspace,
            mode="block" if scenario.multiline else "line",
            max_lines=self.max_lines,
        )

    def exclusion_reason(self, scenario: Scenario, profile: Profile) -> str:
        """Return why a model may not see the file."""
        return (
            self.workspace.exclusion_reason(scenario.document, profile) or "it may not see the file"
        )

    def hidden_indent(self, case: Case) -> str:
        """Return the indentation of the hole's first line, which an answer does not repeat."""
        return indent_of(self._documents[case.file].line(case.hole.start.line))

    async def close(self) -> None:
        """Stop background work."""
        await self.workspace.close()

    def _near(self, file: Path) -> Sequence[Path]:
        """Return the nearest files by folder, those in the same language first."""
        kind = self._documents[file].language

        def distance(other: Path) -> tuple[bool, int, str]:
            shared = len(set(file.parents) & set(other.parents))
            return self._documents[other].language != kind, -shared, str(other)

        others = sorted((p for p in self._documents if p != file), key=distance)
        return others[:OPEN_FILES]

    async def _open(self, document: Document) -> None:
        if document.uri not in self._known:
            self._known.add(document.uri)
            self.recall.open(document)
            self.workspace.opened(document)

    def _change(self, before: Document, after: Document) -> None:
        self.recall.change(before, after, ())
        self.workspace.opened(after)

    async def _settle(self) -> None:
        while self.recall.work(200):
            await asyncio.sleep(0)
        await self.workspace.settle()
