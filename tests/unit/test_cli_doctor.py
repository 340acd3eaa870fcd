"""doctor on the command line, and the prompts that it shows."""

from __future__ import annotations

import json

import pytest

from tests.support.cli import InProcess
from tests.support.providers import Fault, LoopbackProvider, running

KEY = "sk-distinctive-0123456789"


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


def test_show_prompt_shows_no_key_of_the_address(user: InProcess) -> None:
    user.model("far", f"https://api.example.com/v1?api-version=2024-10-21&api_key={KEY}")
    shown = user.run("doctor", "--show-prompt", "app.py:2:5").out
    assert "/v1/chat/completions?api-version=2024-10-21&api_key=[key] (OFF" in shown
    assert KEY not in shown


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
