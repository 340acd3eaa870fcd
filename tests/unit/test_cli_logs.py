"""The log: where it goes, who may read it, and what never gets into it."""

from __future__ import annotations

import argparse
import io
import logging
import stat
import sys
import threading
from pathlib import Path

import pytest

from ensemble_lsp.cli import main
from ensemble_lsp.cli.console import print_json, print_table, safe, warn
from ensemble_lsp.cli.logging_setup import logging_to
from ensemble_lsp.errors import NoModelError, SettingsError
from ensemble_lsp.models.api_keys import Key
from ensemble_lsp.models.http_transport import quiet
from ensemble_lsp.models.log_redaction import RedactKeys

SECRET = "sk-distinctive-0123456789"


@pytest.fixture
def redact() -> RedactKeys:
    known = RedactKeys()
    known.add(Key(SECRET, "a test"))
    return known


def test_every_record_is_cleaned_those_of_threads_and_exceptions_included(
    tmp_path: Path, redact: RedactKeys
) -> None:
    file = tmp_path / "logs" / "a.log"

    def fail() -> None:
        raise RuntimeError(f"in a thread with {SECRET}")

    with logging_to(file, logging.DEBUG, redact):
        logging.getLogger("anything.at.all").debug("a key: %s", SECRET)
        try:
            raise ValueError(SECRET)
        except ValueError:
            logging.getLogger("ensemble_lsp").exception("failed with %r", {"key": SECRET})
        thread = threading.Thread(target=fail, name="worker")
        thread.start()
        thread.join()
    text = file.read_text()
    assert SECRET not in text
    assert text.count("[key]") == 4
    assert "the thread worker failed" in text
    assert "Traceback" in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_without_a_file_it_is_standard_error(
    redact: RedactKeys, capsys: pytest.CaptureFixture[str]
) -> None:
    with logging_to(None, logging.INFO, redact):
        logging.getLogger("x").info("the key %s", SECRET)
        logging.getLogger("x").debug("too quiet")
    logging.getLogger("x").info("after the end")
    assert capsys.readouterr().err == "INFO x: the key [key]\n"


def test_sdks_do_not_log_whole_requests_even_at_debug(tmp_path: Path, redact: RedactKeys) -> None:
    file = tmp_path / "a.log"
    quiet("openai", "anthropic")  # as the providers do when they load their SDK
    with logging_to(file, logging.DEBUG, redact):
        for name in ("openai._base_client", "anthropic._base_client", "httpx2", "pygls.protocol"):
            logging.getLogger(name).debug("Request options: the user's code")
    assert file.read_text() == ""


@pytest.mark.parametrize("name", [".", "plain/a.log"])
def test_a_file_that_cannot_be_written_is_named(
    tmp_path: Path, redact: RedactKeys, name: str
) -> None:
    (tmp_path / "plain").write_text("")
    with (
        pytest.raises(SettingsError, match="--log-file"),
        logging_to(tmp_path / name, logging.DEBUG, redact),
    ):
        pass


# -- what goes wrong inside --------------------------------------------------------------------


def breaking(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the subcommand ``history`` end in an error, with a key known."""

    def run(args: argparse.Namespace) -> int:
        args.redact.add(Key(SECRET, "a test"))
        raise error

    monkeypatch.setattr("ensemble_lsp.cli.history_command.run", run)


def test_an_internal_error_is_one_line_and_the_log_has_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    breaking(ZeroDivisionError(f"by {SECRET}"), monkeypatch)
    assert main.run(["history"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "internal error (ZeroDivisionError)" in told and "--log-level debug" in told
    log = tmp_path / "a.log"
    assert main.run(["history", "--log-level", "debug", "--log-file", str(log)]) == 1
    assert "Traceback" in log.read_text() and "by [key]" in log.read_text()
    assert SECRET not in log.read_text() + capsys.readouterr().err


def test_an_error_is_one_line_without_keys_or_escapes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    breaking(NoModelError(f"told\n{SECRET} \x1b[31m\u202e\x9b"), monkeypatch)
    assert main.run(["history"]) == 1
    assert capsys.readouterr().err == "ensemble-lsp: told [key] ?[31m??\n"


# -- output ------------------------------------------------------------------------------------


def test_what_a_model_wrote_is_safe_for_a_terminal() -> None:
    text = "a\x1b[2Jb\x1b]8;;http://x\x07c\x9b1md\x08\x7f\u202ee\r\nf\tg é 漢 🙂\n"
    assert safe(text) == "abcde\nf\tg é 漢 🙂\n"


def test_a_table_in_a_pipe_is_a_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a", "b"), [("one\ntwo", "[red]x\x1b[0m"), ("", "t\tt")])
    assert capsys.readouterr().out == "a\tb\none two\t[red]x\n\tt t\n"


def test_a_warning_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    warn("two\nlines \x1b[31m")
    assert capsys.readouterr().err == "ensemble-lsp: two lines\n"


def test_json_keeps_what_no_terminal_and_no_encoding_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    print_json({"text": "é\x9b\u202e\ud800"})
    out.flush()
    assert out.buffer.getvalue() == b'{\n  "text": "\\u00e9\\u009b\\u202e\\ud800"\n}\n'


# -- arguments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ("", "serve"),
        ("--stdio", "serve"),
        ("--tcp 127.0.0.1:0", "serve"),
        ("--log-level debug --stdio", "serve"),
        ("--clientProcessId=1", "serve"),
        ("--config x models", "models"),
        ("--config=x --data-dir y models list", "models"),
        ("models --config x", "models"),
    ],
)
def test_what_every_command_takes_may_stand_before_its_name(given: str, command: str) -> None:
    args = main.parse(given.split())
    assert args.subcommand == command
    assert ("x" in given) == (args.config is not None)
