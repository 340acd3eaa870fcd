"""Sentences on a terminal: wrapped at words, whole in a pipe, readable in an encoding without the signs."""

from __future__ import annotations

import io
import sys

import pytest

from ensemble_lsp.cli.console import print_table
from ensemble_lsp.cli.sentence_layout import encode_all_characters, say, wrapped

COMMAND = "`ensemble-lsp finetune status gpt-tuned --follow`"
PATH = "/home/somebody/projects/a-long-name/ensemble-comparison/report.html"
SENTENCES = [
    f"The job runs; {COMMAND} follows it.",
    f"{PATH} cannot be written (Permission denied); change its owner, or name another.",
    "✗ model a-rather-long-name, privacy: its address is on this machine, so it gets ignored files too",
    "gpt: 5 requests, about 1,556 tokens in, 200 out; about $0.00094, at most $0.020",
    "  two spaces before it, and it is also somewhat longer than the terminal is",
]


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("width", [30, 60, 80])
def test_a_sentence_is_wrapped_at_words(sentence: str, width: int) -> None:
    lines = wrapped(sentence, width, "  ").split("\n")
    # The same words in the same order; only a word or command that is longer by itself is too wide.
    assert "\n".join(lines).split() == sentence.split()
    longest = max(len(unit) for unit in (COMMAND, PATH, "a"))
    for line in lines:
        assert len(line) <= width or COMMAND in line or PATH in line, lines
        assert len(line) <= max(width, longest + 4)
    assert all(line.startswith("  ") for line in lines[1:])


@pytest.mark.parametrize("text", [COMMAND, PATH])
def test_a_command_and_a_path_stay_whole(text: str) -> None:
    assert text in wrapped(f"Run this some time soon: {text} and look at what it says.", 40)


def test_no_width_and_enough_width_change_nothing() -> None:
    for sentence in SENTENCES:
        assert wrapped(sentence, 0) == sentence == wrapped(sentence, 200)


@pytest.mark.parametrize("to_stderr", [False, True])
def test_a_pipe_gets_one_line(capsys: pytest.CaptureFixture[str], to_stderr: bool) -> None:
    say("word " * 60, to_stderr=to_stderr)
    assert "".join(capsys.readouterr()) == "word " * 60 + "\n"


def test_an_ascii_stream_gets_words_for_signs_and_escapes_for_other_characters() -> None:
    data = io.BytesIO()
    stream = io.TextIOWrapper(data, "ascii", write_through=True)
    encode_all_characters(stream, object())
    stream.write("✓ python\n✗ größe: 漢😀\n⠋ completing\n")
    assert data.getvalue().decode() == (
        "ok python\nFAIL gr\\xf6\\xdfe: \\u6f22\\U0001f600\n* completing\n"
    )


def test_an_ascii_table_has_hyphens(monkeypatch: pytest.MonkeyPatch) -> None:
    data = io.BytesIO()
    stream = io.TextIOWrapper(data, "ascii", write_through=True)
    encode_all_characters(stream)
    monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("COLUMNS", "60")
    print_table(("model", "score", "rate"), [("gpt", "0.19 (0.09–0.24)", "–")])
    text = data.getvalue().decode()
    assert "0.19 (0.09-0.24)" in text and "\\u" not in text
