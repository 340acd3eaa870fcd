"""Tables at the widths that terminals have: never wider, never without a row's name or its error."""

from __future__ import annotations

import re
import sys

import pytest
from rich.cells import cell_len

from ensemble_lsp.cli.console import print_table
from ensemble_lsp.cli.table_layout import lay_out

COLUMNS = ("name", "provider", "model", "tasks", "key", "state")
OPTIONAL = ("provider", "key", "tasks")
LONG = "no key: set the environment variable OPENAI_API_KEY, or store the key in the system keyring"
ROWS = [
    ("gpt", "openai", "gpt-4.1-mini", "complete, explain, generate, edit", "none", LONG),
    ("漢字のモデル", "openai", "qwen2.5-coder:1.5b-base", "complete", "none", "ready (config)"),
    ("[red]x[/red]", "recall", "", "complete", "–", "ready (config)"),
]


def shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> list[str]:
    """The lines on a terminal of that width."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    print_table(COLUMNS, ROWS, optional=OPTIONAL)
    return re.sub(r"\x1b\[\d*m", "", capsys.readouterr().out).splitlines()


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 250])
def test_a_table_is_as_wide_as_the_terminal_and_no_wider(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    lines = shown(monkeypatch, capsys, width)
    table = [line for line in lines if not line.startswith("A wider terminal")]
    assert max(map(cell_len, table)) <= width
    # Every name and every word of the error is there, whole where the terminal has room for it.
    text = " ".join(line.replace("│", " ") for line in table)
    for word in ("gpt", "[red]x[/red]", *(LONG.split() if width > 30 else ())):
        assert word in text, (word, lines)


def test_columns_go_by_worth_and_the_reader_is_informed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wide, narrow = shown(monkeypatch, capsys, 250), shown(monkeypatch, capsys, 80)
    assert "provider" in wide[1] and not wide[-1].startswith("A wider")
    assert "provider" not in narrow[1] and "state" in narrow[1]
    assert narrow[-1].startswith("A wider terminal or --json also shows: provider")


def test_a_row_is_a_block_where_no_table_fits(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(monkeypatch, capsys, 40)
    assert lines[0].strip() == "gpt"
    assert lines[1].split() == ["provider", "openai"]
    assert not any("┃" in line for line in lines)


def test_columns_without_content_are_left_out() -> None:
    layout = lay_out(("a", "b", "c"), [("x", "", "1"), ("y", "–", "2")], 80)
    assert layout and layout.shown == (0, 2)


def test_an_empty_table_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    print_table(("a", "b"), [], empty="Nothing yet.")
    assert capsys.readouterr().out == "Nothing yet.\n"
