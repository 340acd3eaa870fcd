"""history on the command line."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import InProcess, mode
from tests.support.providers import LoopbackProvider

# -- history -----------------------------------------------------------------------------------


@pytest.fixture
def used(user: InProcess, provider: LoopbackProvider) -> InProcess:
    """Somebody who has a history, texts with odd line ends in it included."""
    provider.reply = "text = 'a\x0cb'"
    user.table("history", keepText=True)
    user.model("gpt", provider.base_url)
    user.file("odd.py", "a = 'x\u2028y\x85z'\nb = \n")
    assert user.run("complete", "odd.py:2:5").code == 0
    assert user.run("explain", "app.py").code == 0
    return user


def test_stats_are_a_table(used: InProcess) -> None:
    head, *rows = (line.split("\t") for line in used.run("history").out.splitlines())
    assert head[:4] == ["model", "task", "suggestions", "accepted"]
    assert [row[:4] for row in rows] == [
        ["gpt", "complete", "1", "0"],
        ["gpt", "explain", "1", "0"],
    ]
    first = used.run("history", "stats", "--json").json[0]
    assert (first["model"], first["task"], first["suggestions"]) == ("gpt", "complete", 1)
    assert {"acceptance", "reward", "latency", "input_tokens", "cost"} <= set(first)


def test_an_export_goes_to_standard_output_or_a_file_and_comes_back(
    used: InProcess, tmp_path: Path
) -> None:
    printed = used.run("history", "export").out
    file = tmp_path / "out.jsonl"
    result = used.run("history", "export", "--out", str(file))
    assert (result.code, result.out) == (0, "")
    assert file.read_text() == printed
    assert mode(file) == 0o600
    lines = [json.loads(line) for line in printed.splitlines()]
    assert {line["type"] for line in lines} == {"suggestion", "call"}
    assert any("\u2028" in str(line.get("context")) for line in lines)
    again = used.run("history", "import", str(file))
    assert (again.code, again.out) == (
        0,
        f"0 records added, {len(lines)} already there.\n",
    )
    assert used.run("history", "clear", "--yes").code == 0
    assert used.run("history", "export").out == ""
    report = used.run("history", "import", str(file), "--json").json
    assert report == {"added": len(lines), "known": 0, "faults": []}
    assert _records(used.run("history", "export").out) == _records(printed)


def _records(text: str) -> list[dict[str, Any]]:
    return sorted((json.loads(line) for line in text.splitlines()), key=lambda r: r["time"])


def test_an_import_names_the_lines_it_could_not_read(used: InProcess, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    used.run("history", "export", "--out", str(file))
    used.run("history", "clear", "--yes")
    count = file.read_text().count("\n")
    file.write_text("no json\n" + file.read_text() + '{"type": "\x1b[31m"}\n')
    result = used.run("history", "import", str(file))
    assert (result.code, result.out.split()[0]) == (1, str(count))
    first, last = result.err.splitlines()
    assert first.startswith("ensemble-lsp: line 1: ")
    assert last.startswith(f"ensemble-lsp: line {count + 2}: ")
    assert "\x1b" not in result.err


def test_an_export_that_cannot_be_written_leaves_the_old_one(
    used: InProcess, tmp_path: Path
) -> None:
    used.run("history", "export", "--out", str(tmp_path / "no" / "x")).fails(2, "cannot be written")
    old = tmp_path / "old"
    old.write_text("precious")

    def breaks(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    used.monkeypatch.setattr("ensemble_lsp.cli.history_command.os.fdopen", breaks)
    used.run("history", "export", "--out", str(old)).fails(2, "No space left")
    assert old.read_text() == "precious"
    assert [p.name for p in tmp_path.iterdir() if "old" in p.name] == ["old"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("import", "name the file"),
        ("import gone.jsonl", "gone.jsonl cannot be read"),
        ("import latin.jsonl", "not UTF-8"),
        ("clear", "--yes"),
        ("bogus", "invalid choice"),
    ],
)
def test_wrong_usage_of_history(user: InProcess, arguments: str, words: str) -> None:
    user.file("latin.jsonl", b"\xff\xfe")
    user.monkeypatch.setattr(sys, "stdin", io.StringIO())
    user.run("history", *arguments.split()).fails(2, words)


def test_clear_removes_what_was_there(used: InProcess) -> None:
    assert used.run("history", "clear", "--yes").out.endswith(" rows deleted.\n")
    assert used.run("history", "export").out == ""
    assert used.run("history", "stats", "--json").json == []


@pytest.mark.parametrize("action", ["clear --yes", "import out.jsonl"])
def test_a_history_that_cannot_be_written_is_not_said_to_have_been(
    user: InProcess, action: str
) -> None:
    user.file("out.jsonl", "")
    (user.data / "history.sqlite3").mkdir(parents=True)
    result = user.run("history", *action.split())
    assert (result.code, result.out) == (1, "")
    assert all(line.startswith("ensemble-lsp: ") for line in result.err.splitlines())
    assert "history" in result.err


def test_a_completion_does_not_depend_on_the_history(
    user: InProcess, provider: LoopbackProvider
) -> None:
    user.model("gpt", provider.base_url)
    (user.data / "history.sqlite3").mkdir(parents=True)
    result = user.run("complete", "app.py:2:5")
    assert (result.code, result.out) == (0, "return a + b\n")
    assert "history.sqlite3" in result.err


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such pipes and links there")
def test_an_export_writes_into_a_pipe_and_leaves_it_one(used: InProcess) -> None:
    """As root, a device of the machine would be replaced by a file."""
    pipe = used.home / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert used.run("history", "export", str(pipe)).code == 0
        assert pipe.is_fifo()
        assert json.loads(os.read(reader, 1 << 16).splitlines()[0])["version"] == 1
    finally:
        os.close(reader)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_an_export_through_a_link_leaves_the_link(used: InProcess) -> None:
    link, target = used.home / "link.jsonl", used.home / "target.jsonl"
    link.symlink_to(target)
    assert used.run("history", "export", str(link)).code == 0
    assert link.is_symlink() and target.read_text().startswith("{")
