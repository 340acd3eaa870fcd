"""The configurations that ``init`` prints are those of the README, which run in real editors."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit

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


@pytest.mark.parametrize("name", sorted(set(EDITORS) - {"vscode"}))
def test_only_the_command_becomes_the_path_and_the_servers_name_stays(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("ensemble_lsp.cli.editor_snippets._command", lambda: "/opt/bin/lsp")
    text = EDITORS[name].text
    shown = snippet(name)
    assert shown.count('"/opt/bin/lsp"') == 1
    # Helix and Sublime Text refer to the server by its name, which is the same word.
    assert shown.count('"ensemble-lsp"') == text.count('"ensemble-lsp"') - 1


def test_helix_names_the_server_that_it_configures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble_lsp.cli.editor_snippets._command", lambda: "/opt/bin/lsp")
    toml = snippet("helix").split("\n\n", 1)[1].rpartition("\n\nMore:")[0]
    table = tomlkit.parse(toml)
    assert table["language"][0]["language-servers"][1] in table["language-server"]
