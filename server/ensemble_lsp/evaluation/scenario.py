"""Files with holes, as an editor would have them open: what models are asked, and what answers give.

A bench has documents, an index for ``recall`` and a context of its own, so nothing the user has open
is touched. Where a case's file stands with its hole, no index knows what stood there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..context.completion_mode import shape_at
from ..context.generation_intent import asks_for_code
from ..context.prompt_builder import (
    WorkspaceContext,
    complete_prompt,
    explain_prompt,
    generate_prompt,
)
from ..models.interface import Model, Profile
from ..providers.recall import RecallIndex
from ..providers.recall.recall_model import RecallModel, recall_profile
from ..settings import ModelSettings, PrivacySettings
from ..syntax.indentation import indent_of
from ..types import Document, Position, Prompt, Span
from .cases import Case

NEAR = 60
"""Lines each side of the hole that post-processing looks at."""
OPEN_FILES = 20
"""Other files an editor might have open: those nearest to the case's."""


class CleanCompletion(Protocol):
    """From a model's raw text to what is offered at the cursor."""

    def __call__(  # noqa: D102
        self, text: str, *, prefix: str, suffix: str, language: str, multiline: bool,
        max_lines: int, finish: str,
    ) -> str: ...  # fmt: skip


class CleanCode(Protocol):
    """From a model's raw text to the code that goes to a place."""

    def __call__(  # noqa: D102
        self, text: str, *, language: str, indent: str, instruction: str, prefix: str, suffix: str
    ) -> str: ...


class CleanProse(Protocol):
    """From a model's raw text to an explanation."""

    def __call__(self, text: str) -> str:  # noqa: D102
        ...


@dataclass(frozen=True, slots=True)
class Cleaners:
    """The post-processing that answers get in the editor: a comparison measures what users see."""

    completion: CleanCompletion
    code: CleanCode
    prose: CleanProse


@dataclass(frozen=True, slots=True)
class Scenario:
    """A case as it is asked: the file with its hole, and the place the answer goes to."""

    case: Case
    document: Document
    target: Span
    multiline: bool = True
    instruction: str = ""
    indent: str = ""

    @property
    def cursor(self) -> Position:
        """Where the answer begins."""
        return self.target.start

    def filled(self, text: str) -> Document:
        """The file with an answer in it."""
        return self.document.replace(self.target, text)

    def around(self) -> tuple[str, str]:
        """The text near the place: before and after it."""
        document, start, end = self.document, self.target.start, self.target.end
        first = Position(max(0, start.line - NEAR), 0)
        last = min(len(document.lines) - 1, end.line + NEAR)
        below = Span(end, Position(last, len(document.lines[last])))
        return document.slice(Span(first, start)), document.slice(below)


def scenario_of(case: Case, document: Document) -> Scenario | None:
    """The case's file with its hole; None where nothing in it would ask a model for that."""
    if case.kind == "explain":
        return Scenario(case, document, case.hole)
    start = case.hole.start
    holed = document.replace(case.hole, "")
    if case.kind != "generate":
        shape = shape_at(holed, start)
        multiline = case.kind != "line"
        # A body that the editor would not ask for (the shape says "line") is asked as a block.
        return None if shape == "none" else Scenario(case, holed, Span(start, start), multiline)
    request = asks_for_code(holed, Span(start, start))
    if request is None or request.kind != "body":
        return None
    return Scenario(case, holed, request.span, True, request.instruction, request.indent)


@dataclass(frozen=True, slots=True)
class Cleaning:
    """Post-processing as it is set. Can be sent to another machine."""

    cleaners: Cleaners
    max_lines: int

    def cleaned(self, scene: Scenario, text: str, finish: str) -> str:
        """An answer as the editor would offer it; empty for nothing. Slow: for a thread."""
        case = scene.case
        if case.kind == "explain":
            return self.cleaners.prose(text)
        before, after = scene.around()
        if case.kind == "generate":
            return self.cleaners.code(
                text, language=case.language, indent=scene.indent,
                instruction=scene.instruction, prefix=before, suffix=after,
            )  # fmt: skip
        before, after = before.replace("\r\n", "\n"), after.replace("\r\n", "\n")
        cleaned = self.cleaners.completion(
            text, prefix=before, suffix=after, language=case.language,
            multiline=scene.multiline, max_lines=self.max_lines, finish=finish,
        )  # fmt: skip
        return cleaned if scene.multiline else cleaned.split("\n")[0]


class ScenarioWorkspace:
    """Scenes and prompts for one comparison. ``close`` it."""

    def __init__(
        self,
        documents: Mapping[Path, Document],
        folder: Path,
        privacy: PrivacySettings,
        cleaners: Cleaners,
        *,
        max_lines: int,
    ) -> None:
        self._documents = documents
        self.cleaning = Cleaning(cleaners, max_lines)
        self.recall = RecallIndex()
        self.workspace = WorkspaceContext(privacy, [folder])
        self._known: set[str] = set()

    def recall_model(self, settings: ModelSettings) -> Model:
        """``recall`` with this bench's index for memory, not with what the user has open."""
        return RecallModel(settings, recall_profile(settings), self.recall)

    async def open_case(self, case: Case) -> Scenario | None:
        """Open the case's file with its hole, and its neighbours whole; ``leave`` it afterwards."""
        original = self._documents[case.file]
        scene = await asyncio.to_thread(scenario_of, case, original)
        if scene is None:
            return None
        for path in self._near(case.file):
            await self._open(self._documents[path])
        await self._open(original)
        self._change(original, scene.document)
        await self.workspace.prepare(scene.document)
        await self._settle()
        return scene

    async def close_case(self, scene: Scenario) -> None:
        """Put the file back as it was: what a later case sees is the user's own code."""
        self._change(scene.document, self._documents[scene.case.file])

    def prompt(self, scene: Scenario, profile: Profile) -> Prompt | None:
        """What a model is asked; None where it may not see the file."""
        case, workspace = scene.case, self.workspace
        if case.kind == "explain":
            return explain_prompt(
                scene.document, scene.target, profile=profile, workspace=workspace
            )
        if case.kind == "generate":
            return generate_prompt(
                scene.document, scene.target, scene.instruction,
                indent=scene.indent, profile=profile, workspace=workspace,
            )  # fmt: skip
        return complete_prompt(
            scene.document,
            scene.cursor,
            profile=profile,
            workspace=workspace,
            shape="block" if scene.multiline else "line",
            max_lines=self.cleaning.max_lines,
        )

    def exclusion_reason(self, scene: Scenario, profile: Profile) -> str:
        """Why a model may not see the file."""
        return self.workspace.exclusion_reason(scene.document, profile) or "it may not see the file"

    def hidden_indent(self, case: Case) -> str:
        """The indentation that the first line of the hole had, which an answer does not repeat."""
        return indent_of(self._documents[case.file].line(case.hole.start.line))

    async def close(self) -> None:
        """End what goes on in the background."""
        await self.workspace.close()

    def _near(self, file: Path) -> Sequence[Path]:
        """The files nearest by folder, of the same language first."""
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
