"""models on the command line, and the config and data that every command uses."""

from __future__ import annotations

import io
import json
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.support.cli import InProcess, mode
from tests.support.providers import LoopbackProvider

KEY = "sk-distinctive-0123456789"


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


def test_a_models_list_that_is_wrong_is_told_once(user: InProcess) -> None:
    user.config.write_text('[[models]]\nname = "x"\nprovider = "opnai"\nmodel = "m"\n')
    err = user.run("models", "list").err
    assert "did you mean" in err and "no valid model is left" in err
    assert "is missing" not in err and "No models are configured" not in err


@pytest.mark.parametrize("command", ["models", "doctor"])
def test_a_path_that_is_too_long_for_the_disk_does_not_exist(user: InProcess, command: str) -> None:
    result = user.run(command, "--config", "x" * 5000)
    assert result.code != 0 and "internal error" not in result.err
    assert "does not exist" in result.err + result.out


@pytest.mark.parametrize("path", ["~nobody-has-this-name/c.toml", "~nobody-has-this-name"])
def test_the_home_of_a_user_who_does_not_exist_is_a_path_as_it_is(
    user: InProcess, path: str
) -> None:
    user.run("models", "--config", path).fails(2, "does not exist")
    user.env["ENSEMBLE_LSP_CONFIG"] = path
    assert "Traceback" not in user.run("doctor").err


def test_an_unknown_command_after_an_option_is_the_one_that_is_named(user: InProcess) -> None:
    result = user.run("--log-level", "info", "frobnicate")
    result.fails(2, "invalid choice: 'frobnicate'")
