"""models, history and doctor on the command line."""

from __future__ import annotations

import io
import json
import sqlite3
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import InProcess
from tests.support.providers import Fault, LoopbackProvider, running

CODE = "def add(a, b):\n    \n"
KEY = "sk-distinctive-0123456789"


@pytest.fixture
def user(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> InProcess:
    one = InProcess(tmp_path)
    one.capsys, one.monkeypatch = capsys, monkeypatch
    one.file("app.py", CODE)
    return one


@pytest.fixture
def provider() -> Iterator[LoopbackProvider]:
    with running(LoopbackProvider("return a + b")) as one:
        yield one


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- models ------------------------------------------------------------------------------------


def test_models_are_listed_with_where_their_keys_come_from(user: InProcess) -> None:
    user.model("gpt", "http://127.0.0.1:9/v1", apiKeyEnv="MINE")
    user.model("other", "http://127.0.0.1:9/v1", apiKeyEnv="NOT_SET")
    user.env["MINE"] = KEY
    result = user.run("models")
    rows = [line.split("\t") for line in result.out.splitlines()]
    assert (result.code, rows[0]) == (0, ["name", "provider", "model", "tasks", "key", "state"])
    assert rows[1][0] == "gpt" and rows[1][4:] == ["environment variable MINE", "ready (config)"]
    assert rows[2][0] == "other" and "NOT_SET" in rows[2][5]
    first, second = user.run("models", "list", "--json").json
    assert (first["name"], first["available"]) == ("gpt", True)
    assert first["keySource"] == "environment variable MINE"
    assert (second["available"], "NOT_SET" in second["reason"]) == (False, True)
    assert KEY not in json.dumps([first, second]) + result.out


def test_testing_models_says_which_answer(user: InProcess, provider: LoopbackProvider) -> None:
    user.model("good", provider.base_url)
    user.model("bad", "http://127.0.0.1:9/v1", timeout=2)
    result = user.run("models", "test")
    good, bad = result.out.splitlines()
    assert (result.code, good[:9]) == (1, "good: ok,")
    assert bad.startswith("bad: failed. ")
    told = user.run("models", "test", "good", "--json")
    assert told.code == 0
    assert [(r["name"], r["ok"]) for r in told.json] == [("good", True)]
    assert set(told.json[0]) == {"name", "ok", "latencyMs", "message"}
    user.run("models", "test", "goood").fails(2, "did you mean 'good'")


def test_a_model_is_added_used_and_removed(user: InProcess, provider: LoopbackProvider) -> None:
    user.config.unlink()
    arguments = ["--provider", "openai", "--model", "m", "--base-url", provider.base_url]
    assert user.run("models", "add", "mine", *arguments).code == 0
    assert mode(user.config) == 0o600
    user.run("models", "add", "mine", *arguments).fails(2, "already has a model 'mine'")
    assert user.run("complete", "app.py:2:5").err == "(mine)\n"
    assert user.run("models", "remove", "mine").out == "mine was removed.\n"
    user.run("models", "remove", "mine").fails(2, "neither in")
    assert "mine" not in user.config.read_text()


def test_adding_a_model_keeps_those_that_were_found(
    user: InProcess, provider: LoopbackProvider
) -> None:
    user.config.unlink()
    user.env["ANTHROPIC_API_KEY"] = KEY
    before = [row["name"] for row in user.run("models", "--json").json]
    assert "recall" in before and len(before) > 1
    arguments = ["--provider", "openai", "--model", "m", "--base-url", provider.base_url]
    said = user.run("models", "add", "mine", *arguments).out
    assert f"found before were written there too: {', '.join(before)}." in said
    assert [row["name"] for row in user.run("models", "--json").json] == [*before, "mine"]
    assert KEY not in user.config.read_text()
    assert "found before" not in user.run("models", "add", "two", *arguments).out
    user.run("models", "remove", "mine")
    assert [row["name"] for row in user.run("models", "--json").json] == [*before, "two"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("add", "give the name of a packaged model"),
        ("add nothing-known", "No packaged model is called 'nothing-known'"),
        ("add x --model m", "--provider"),
        ("add x --provider opena --model m", "openai"),
        ("add x --provider openai --base-url ftp://x", "http://"),
        ("remove", "name the model"),
        ("remove gpt", "neither in"),
        ("why", "FILE:LINE:COL"),
        ("why app.py", "FILE:LINE:COL"),
        ("why app.py:9:1", "3 lines, not 9"),
        ("bogus", "invalid choice"),
    ],
)
def test_wrong_usage_of_models(user: InProcess, arguments: str, words: str) -> None:
    before = user.config.read_text()
    user.run("models", *arguments.split()).fails(2, words)
    assert user.config.read_text() == before


def test_a_key_that_cannot_be_kept_leaves_no_model_behind(user: InProcess) -> None:
    user.monkeypatch.setattr(sys, "stdin", io.StringIO(f"{KEY}\n"))
    user.monkeypatch.setattr("ensemble_lsp.models.api_keys._import_keyring", _NoKeyring)
    arguments = ["--provider", "openai", "--model", "m", "--key"]
    result = user.run("models", "add", "mine", *arguments)
    result.fails(2, "keyring")
    assert KEY not in result.err
    assert "mine" not in user.config.read_text()


class _NoKeyring:
    def set_password(self, *_: str) -> None:
        raise RuntimeError(f"no keyring for {KEY}")


def test_a_key_is_read_from_a_pipe_and_kept_in_the_keyring_alone(user: InProcess) -> None:
    kept: dict[tuple[str, str], str] = {}

    class Kept:
        def set_password(self, service: str, name: str, value: str) -> None:
            kept[service, name] = value

        def get_password(self, service: str, name: str) -> str | None:
            return kept.get((service, name))

        def delete_password(self, service: str, name: str) -> None:
            del kept[service, name]

    user.monkeypatch.setattr(sys, "stdin", io.StringIO(f"{KEY}\n"))
    user.monkeypatch.setattr("ensemble_lsp.models.api_keys._import_keyring", Kept)
    result = user.run("models", "add", "mine", "--provider", "openai", "--model", "m", "--key")
    assert (result.code, kept) == (0, {("ensemble-lsp", "mine"): KEY})
    assert KEY not in result.out + result.err + user.config.read_text()
    assert user.run("models", "remove", "mine", "--key").code == 0
    assert not kept


def test_why_tells_the_choice_at_a_place(user: InProcess) -> None:
    user.model("gpt", "http://127.0.0.1:9/v1")
    assert "gpt" in user.run("models", "why", "app.py:2:5").out
    told = user.run("models", "why", "app.py:2:5", "--json").json
    assert [ranked["model"] for ranked in told["ranked"]] == ["gpt"]


# -- config ------------------------------------------------------------------------------------


def test_an_unknown_setting_is_named_and_the_rest_applies(
    user: InProcess, provider: LoopbackProvider
) -> None:
    user.model("gpt", provider.base_url)
    user.table("complete", debounceMS=3)
    result = user.run("complete", "app.py:2:5")
    assert (result.code, result.out) == (0, "return a + b\n")
    warning = result.err.splitlines()[0]
    assert warning.startswith("ensemble-lsp: config: complete.debounceMS: ")
    assert "debounceMs" in warning


@pytest.mark.parametrize("text", ["models = [", "\x00", "a = 'é'".encode("latin-1")])
def test_a_config_that_cannot_be_read_stops_the_command(user: InProcess, text: str | bytes) -> None:
    user.config.write_bytes(text if isinstance(text, bytes) else text.encode())
    for command in ("models", "history", "complete app.py:2:5"):
        user.run(*command.split()).fails(2, "config.toml", "not valid TOML")


def test_a_command_that_a_broken_config_stops_claims_nothing_else(user: InProcess) -> None:
    user.config.write_text("models = [")
    for command in (
        "models",
        "history",
        "report",
        "finetune",
        "complete app.py:2:5",
        "compare app.py",
    ):
        result = user.run(*command.split())
        result.fails(2, "config.toml", "until then no model is asked")
        assert "recall" not in result.err


def test_doctor_continues_with_recall_where_the_config_cannot_be_read(user: InProcess) -> None:
    user.config.write_text("models = [")
    result = user.run("doctor")
    assert result.code == 1
    assert "✗ settings: config" in result.out and "only recall is used" in result.out
    assert "✓ model recall" in result.out


def test_doctor_succeeds_exactly_where_it_shows_no_cross(
    user: InProcess, provider: LoopbackProvider
) -> None:
    user.model("good", provider.base_url, tasks=["complete"])
    result = user.run("doctor")
    assert (result.code, "✗" in result.out) == (0, False), result.out
    assert "! explain: Add a model: none can explain" in result.out
    user.lines.clear()
    user.model("good", provider.base_url, tasks=["explain"])
    result = user.run("doctor")
    assert (result.code, "✗ complete: " in result.out) == (1, True), result.out


@pytest.mark.parametrize("command", ["history", "history stats --json", "history export", "report"])
def test_an_unusable_history_is_an_error_not_an_empty_table(user: InProcess, command: str) -> None:
    user.env["ENSEMBLE_LSP_DATA_DIR"] = str(user.file("plain", "") / "data")
    user.run(*command.split()).fails(1, "history.sqlite3", "cannot be used")


def test_the_history_stays_readable_where_it_cannot_be_written(
    user: InProcess, provider: LoopbackProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    user.model("gpt", provider.base_url)
    assert user.run("complete", "app.py:2:5").code == 0
    # As on a read-only disk, also for root: opening for writing fails, reading works.
    monkeypatch.setattr("ensemble_lsp.history.database.connect", _read_only)
    result = user.run("history", "--json")
    assert result.code == 0 and result.json[0]["model"] == "gpt"
    assert "cannot be used (attempt to write a readonly database)" in result.err
    user.run("history", "clear", "--yes").fails(1, "readonly database")


def _read_only(path: Path, busy_seconds: float) -> None:
    raise sqlite3.OperationalError("attempt to write a readonly database")


def test_the_config_is_the_option_or_the_variable(user: InProcess, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[[models]]\nname = "other"\nprovider = "recall"\n')
    for arguments in (["models", "--config", str(other)], ["--config", str(other), "models"]):
        assert user.run(*arguments, "--json").json[0]["name"] == "other"
    user.env["ENSEMBLE_LSP_CONFIG"] = str(other)
    assert user.run("models", "--json").json[0]["name"] == "other"
    user.run("models", "--config", str(tmp_path / "gone.toml")).fails(2, "gone.toml", "--config")


def test_the_data_folder_is_the_option_or_the_variable(user: InProcess, tmp_path: Path) -> None:
    given, by_variable = tmp_path / "given", tmp_path / "by-variable"
    assert user.run("history", "--data-dir", str(given)).code == 0
    user.env["ENSEMBLE_LSP_DATA_DIR"] = str(by_variable)
    assert user.run("history").code == 0
    for folder in (given, by_variable):
        assert mode(folder) == 0o700
        assert mode(folder / "history.sqlite3") == 0o600
    assert not user.data.exists()


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


# -- doctor ------------------------------------------------------------------------------------


def test_doctor_checks_everything_and_says_what_to_do(
    user: InProcess, provider: LoopbackProvider
) -> None:
    user.model("good", provider.base_url)
    user.model("gone", "http://127.0.0.1:9/v1", timeout=2)
    user.model("keyless", "http://127.0.0.1:9/v1", apiKeyEnv="NOT_SET")
    result = user.run("doctor")
    assert result.code == 1
    assert f"✓ config: {user.config}" in result.out
    assert f"✓ data folder: {user.data}" in result.out
    assert f"✓ history: {user.data / 'history.sqlite3'} opens" in result.out
    assert "✓ model good: answers (no key)" in result.out
    assert "✗ model gone: " in result.out
    assert "✗ model keyless: no key: set the environment variable NOT_SET" in result.out
    checks = {c["what"]: c for c in user.run("doctor", "--json").json}
    assert checks["model good"]["ok"] and not checks["model gone"]["ok"]
    assert {"what", "ok", "told", "serious"} == set(checks["complete"])


def test_doctor_fails_where_the_data_folder_cannot_be_made(user: InProcess) -> None:
    user.env["ENSEMBLE_LSP_DATA_DIR"] = str(user.file("plain", "") / "data")
    result = user.run("doctor")
    assert result.code == 1
    assert "✗ data folder: " in result.out and "--data-dir" in result.out


def test_doctor_never_shows_a_key_that_a_provider_echoes(user: InProcess) -> None:
    with running(LoopbackProvider(keys=["right"])) as provider:
        user.model("gpt", provider.base_url, apiKeyEnv="MINE")
        user.model("claude", provider.origin, provider="anthropic", apiKeyEnv="MINE")
        user.env["MINE"] = KEY
        for command in ("doctor", "doctor --json", "models test", "models test --json"):
            result = user.run(*command.split())
            assert "MINE" in result.out
            assert KEY not in result.out + result.err
        assert provider.requests


# -- doctor --show-prompt ----------------------------------------------------------------------


def test_show_prompt_is_the_request_that_complete_sends(
    user: InProcess, provider: LoopbackProvider
) -> None:
    user.model("chat", provider.base_url)
    user.model("raw", provider.base_url, api="completions", fim="starcoder")
    user.model("new", provider.base_url, api="responses")
    user.model("claude", provider.origin, provider="anthropic")
    shown = user.run("doctor", "--show-prompt", "app.py:2:5", "--json").json
    assert not provider.requests
    assert sorted(one["model"] for one in shown) == ["chat", "claude", "new", "raw"]
    for one in shown:
        assert user.run("complete", "app.py:2:5", "--model", one["model"]).code == 0
        sent = provider.requests[-1]
        assert one["to"] == f"{provider.origin}{sent.path}"
        assert one["request"] == sent.body


def test_show_prompt_leaves_out_what_must_not_leave_the_machine(user: InProcess) -> None:
    user.model("remote", "https://api.example.com/v1", apiKeyEnv="MINE")
    user.model("local", "http://127.0.0.1:9/v1")
    user.env["MINE"] = KEY
    secret = "AKIAIOSFODNN7EXAMPLF"
    user.file("app.py", f'AWS = "{secret}"\n\ndef add(a, b):\n    \n')
    shown = {
        one["model"]: one
        for one in user.run("doctor", "--show-prompt", "app.py:4:5", "--json").json
    }
    assert shown["remote"]["to"] == "https://api.example.com/v1/chat/completions"
    assert not shown["remote"]["local"] and shown["local"]["local"]
    assert secret not in json.dumps(shown["remote"])
    assert secret in json.dumps(shown["local"])
    assert KEY not in json.dumps(shown)
    user.file(".env.py", "add = \n")
    text = user.run("doctor", "--show-prompt", ".env.py:1:7").out
    remote, local = sorted(text.split("== ")[1:], reverse=True)
    assert "OFF this machine" in remote and "nothing: " in remote
    assert "on this machine" in local and "add = " in local


def test_show_prompt_of_what_runs_in_this_program(user: InProcess) -> None:
    user.lines += ["[[models]]", 'name = "recall"', 'provider = "recall"']
    user.config.write_text("\n".join(user.lines))
    text = user.run("doctor", "--show-prompt", "app.py:2:5").out
    assert "== recall → recall, embedded (on this machine)\nnothing: " in text


def test_show_prompt_prints_no_escape_sequence_of_the_file(user: InProcess) -> None:
    user.model("gpt", "http://127.0.0.1:9/v1")
    user.file("app.py", "a = '\x1b]0;x\x07'\nb = \n")
    assert "\x1b" not in user.run("doctor", "--show-prompt", "app.py:2:5").out


@pytest.mark.parametrize("place", ["app.py", "app.py:2", "app.py:0:1", "app.py:9:1", "gone.py:1:1"])
def test_show_prompt_wants_a_place_that_is_there(user: InProcess, place: str) -> None:
    user.model("gpt", "http://127.0.0.1:9/v1")
    user.run("doctor", "--show-prompt", place).fails(2)


def test_doctor_says_that_a_web_page_is_no_model(user: InProcess) -> None:
    with running(LoopbackProvider(fault=Fault.html())) as provider:
        user.model("portal", provider.base_url)
        assert "✗ model portal: " in user.run("doctor").out
