"""The recorded scenarios of ``next-edit``: text archives with a buffer, the edits just made, what is expected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ensemble_lsp.context.documents import Documents
from ensemble_lsp.next_edit.edit_history import EditHistory
from ensemble_lsp.types import Position

_SECTION = re.compile(r"^-- (\S+) --\n", re.MULTILINE)
_FILE, _OLD, _NEW = "<|file|>", "<|old|>", "<|new|>"


@dataclass(frozen=True)
class PastEdit:
    """One edit of a scenario's history."""

    file: str
    old: str
    new: str


@dataclass(frozen=True)
class Scenario:
    """One scenario."""

    name: str
    language: str
    file: str
    cursor: Position
    buffer: str
    expected: str | None
    """``None`` where nothing should be shown."""
    history: tuple[PastEdit, ...]
    folder: Path
    """The folder of the recorded answers of the services."""

    @property
    def uri(self) -> str:
        """The address of the scenario's file."""
        return f"file:///workspace/{self.file}"


def read_scenarios(folder: Path) -> list[Scenario]:
    """Return the scenarios of a folder, by name."""
    return [_scenario(path) for path in sorted((folder / "scenarios").glob("*.txtar"))]


def opened(scenario: Scenario) -> tuple[Documents, EditHistory, Position]:
    """Open the scenario's file with its history of edits."""
    documents, history = Documents(), EditHistory(lambda: 0.0)
    documents.subscribe(history)
    documents.open(scenario.uri, 1, scenario.language, scenario.buffer)
    for edit in scenario.history:
        uri = f"file:///workspace/{edit.file}"
        history.add(uri, scenario.language, edit.old, edit.new)
    return documents, history, scenario.cursor


def _scenario(path: Path) -> Scenario:
    header, *rest = _SECTION.split(path.read_text(encoding="utf-8"))
    sections = dict(zip(rest[::2], rest[1::2], strict=True))
    fields = dict(re.findall(r"^([\w-]+): (.*)$", header, re.MULTILINE))
    return Scenario(
        path.stem,
        fields["language"],
        fields["file"],
        Position(int(fields["row"]) - 1, int(fields["col"])),
        sections["buffer.txt"],
        sections.get("expected"),
        tuple(_history(sections.get("history", ""))),
        path.with_suffix(""),
    )


def _history(text: str) -> list[PastEdit]:
    edits: list[PastEdit] = []
    for block in text.split(_FILE)[1:]:
        file, _, changed = block.partition("\n")
        old, _, new = changed.partition(_NEW + "\n")
        edits.append(PastEdit(file.strip(), old.removeprefix(_OLD + "\n"), new))
    return edits
