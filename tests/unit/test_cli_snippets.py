"""The configurations that ``init`` prints are those of the README, which run in real editors."""

from __future__ import annotations

from pathlib import Path

import pytest

from ensemble_lsp.cli.editor_snippets import EDITORS, snippet

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in EDITORS if name != "vscode"])
def test_a_snippet_is_the_one_of_the_readme(name: str) -> None:
    assert EDITORS[name].text in README


@pytest.mark.parametrize("name", [name for name in EDITORS if name != "vscode"])
def test_a_snippet_names_the_program_that_an_editor_finds(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensemble_lsp.cli.editor_snippets._command", lambda: "/opt/ensemble-lsp")
    assert "/opt/ensemble-lsp" in snippet(name)
