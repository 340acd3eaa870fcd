"""The documents of the VS Code extension name its commands and keys as it does, and show pictures that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "clients" / "vscode"
CONTRIBUTES: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))[
    "contributes"
]
COMMANDS = {f"{one['category']}: {one['title']}" for one in CONTRIBUTES["commands"]}
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "docs" / "editors" / "vscode.md",
    ROOT / "docs" / "next-edit.md",
    EXTENSION / "README.md",
    *sorted((EXTENSION / "walkthrough").glob("*.md")),
]


def name_of(document: Path) -> str:
    """The path in the repository, for a test's id."""
    return str(document.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_a_command_is_named_by_its_title(document: Path) -> None:
    text = " ".join(document.read_text(encoding="utf-8").split())
    named = {found.rstrip("… .") for found in re.findall(r"\*(Ensemble: [^*]+)\*", text)}
    assert named <= COMMANDS


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_a_picture_exists_and_has_a_caption(document: Path) -> None:
    for caption, path in re.findall(
        r"!\[(.*?)\]\((?!https?:)(.*?)\)", document.read_text(encoding="utf-8")
    ):
        assert len(caption.split()) > 2
        assert (document.parent / path).is_file(), path


def test_a_step_of_the_walkthrough_has_its_page_and_its_commands() -> None:
    (walkthrough,) = CONTRIBUTES["walkthroughs"]
    commands = {one["command"] for one in CONTRIBUTES["commands"]}
    pages = {step["media"]["markdown"] for step in walkthrough["steps"]}
    assert pages == {f"walkthrough/{page.name}" for page in (EXTENSION / "walkthrough").iterdir()}
    for step in walkthrough["steps"]:
        assert set(re.findall(r"\(command:(ensemble\.[^)]*)\)", step["description"])) <= commands
