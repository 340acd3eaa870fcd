"""Scenarios of the task ``edit``: the edits of a commit are made as in an editor, then the next one is asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from ..context.documents import Documents
from ..languages import language_of
from ..models.interface import Profile
from ..next_edit.edit_history import EditHistory
from ..next_edit.locator.import_index import ImportIndex
from ..next_edit.locator.locate import Locator
from ..next_edit.model_prompt import EditQuery, model_prompt, prompt_of
from ..settings import PrivacySettings
from ..types import LOCATOR, Chunk, Document, Edit, Prompt, Span
from .cases import Case
from .edit_cases import CommitCase, lines_span
from .edit_selection import EditSample
from .edit_situation import EditSituation
from .git_history import FileHunk
from .scenario import Scenario, ScenarioWorkspace

_SECONDS_APART = 5.0
"""Between two edits: each is a separate hunk."""
_MAX_OTHERS = 6
_LOCATOR_SECONDS = 1.0
"""More than in the editor: the figures must not depend on what else the machine does."""


@dataclass(frozen=True, slots=True)
class LocatorModel:
    """The locator as a row of the comparison. It is never streamed: its edits are in the scenario."""

    profile: Profile

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Yield nothing."""
        return
        yield

    async def close(self) -> None:
        """Release nothing."""


def locator_model() -> LocatorModel:
    """Return the locator's row."""
    return LocatorModel(Profile(LOCATOR, LOCATOR, LOCATOR, ("edit",), local=True))


class EditWorkspace(ScenarioWorkspace):
    """The files of the commits, their edits made one after another, and the prompts for the next one.

    Related passages come from the commit's own files: those of today would give away what was written later.
    """

    def __init__(self, sample: EditSample, privacy: PrivacySettings) -> None:
        super().__init__({}, sample.folder, privacy, max_lines=0)
        self._edits = sample.edits
        self._histories: dict[str, EditHistory] = {}
        self._opened: list[Document] = []

    async def open_case(self, case: Case) -> Scenario | None:
        """Make the edits of a case; pair it with ``close_case``."""
        edit = self._edits[case.id]
        history, documents = await asyncio.to_thread(make_edits, edit)
        await self.workspace.guard()
        self._opened = list(documents.recent())
        for document in self._opened:
            self.workspace.opened(document)
        await self.workspace.prepare(edit.document)
        await self.workspace.settle()
        self._histories = {case.id: history}
        situation = EditSituation(history.recent()[::-1], edit.wanted)
        document = documents.get(edit.document.uri) or edit.document
        return Scenario(case, document, Span(edit.cursor, edit.cursor), edit=situation)

    async def close_case(self, scenario: Scenario) -> None:
        """Close the commit's files, so that no later case sees them."""
        for document in self._opened:
            self.workspace.closed(document)
        self._opened = []

    def prompt(self, scenario: Scenario, profile: Profile) -> Prompt | None:
        """Build the prompt for a model; None if it may not see the file. The locator answers here."""
        situation, history = scenario.edit, self._histories.get(scenario.case.id)
        if situation is None or history is None:
            return None
        if profile.name == LOCATOR:
            self._locate(scenario, situation, history)
            return Prompt(task="edit", language=scenario.case.language, path=scenario.case.path)
        query = EditQuery(scenario.document, scenario.cursor)
        prompt = model_prompt(query, profile, self.workspace, history)
        if prompt is None:
            return None
        situation.prompts[profile.name] = prompt
        return self.workspace.without_known_secrets(prompt_of(prompt, profile), profile)

    def hidden_indent(self, case: Case) -> str:
        """Return nothing: an edit is compared as the whole file."""
        return ""

    def _locate(self, scenario: Scenario, situation: EditSituation, history: EditHistory) -> None:
        index = ImportIndex()
        for document in self._opened:
            index.add_file(document.uri, document.language, document.text)
        locator = Locator(index, seconds=_LOCATOR_SECONDS)
        # A language's grammar is loaded in its first search, as when a file is opened in an editor.
        locator.propose(history, scenario.document, scenario.cursor)
        started = time.perf_counter()
        situation.located = locator.propose(history, scenario.document, scenario.cursor)
        situation.located_ms = (time.perf_counter() - started) * 1e3


class _Clock:
    """Time that passes between two edits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def make_edits(edit: CommitCase) -> tuple[EditHistory, Documents]:
    """Make the edits of the other files, then those of the case's file, as an editor reports them."""
    clock = _Clock()
    documents, history = Documents(), EditHistory(clock)
    documents.subscribe(history)
    for other in edit.others[:_MAX_OTHERS]:
        uri = (edit.root / other.path).as_uri()
        documents.open(uri, 1, language_of(other.path), other.old)
        _make(documents, uri, other.hunks, clock)
    start = edit.start
    documents.open(start.uri, 1, start.language, start.text)
    _make(documents, start.uri, edit.made, clock)
    return history, documents


def _make(documents: Documents, uri: str, hunks: Sequence[FileHunk], clock: _Clock) -> None:
    """Make the edits of one file, from the top."""
    shift = 0
    for hunk in hunks:
        document = documents.get(uri)
        if document is None:
            return
        clock.now += _SECONDS_APART
        span = lines_span(document, hunk.start + shift, hunk.end + shift)
        documents.change(uri, document.version + 1, [Edit(span, "".join(hunk.lines))])
        shift += hunk.growth
