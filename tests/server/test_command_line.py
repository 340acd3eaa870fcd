"""The installed program as a person runs it: usage, pipes, terminals and signals."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess

import pytest

from tests.support.cli import PROGRAM, User
from tests.support.command_line_user import provider, user
from tests.support.providers import Fault, LoopbackProvider, running

__all__ = ["provider", "user"]  # fixtures
pytestmark = pytest.mark.e2e  # a process for each: not for `make test`

COMMANDS = ["serve", "complete", "explain", "generate", "models", "history", "demo", "doctor"]


# -- the program -------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(user: User, command: str) -> None:
    result = user.spawn(command, "--help")
    assert (result.code, result.err) == (0, "")
    for option in ("--config", "--data-dir", "--log-file"):
        assert option in result.out
    if command != "serve":
        assert "--json" in result.out


def test_the_program_explains_itself(user: User) -> None:
    result = user.spawn("--help")
    assert result.code == 0
    assert all(command in result.out for command in COMMANDS)
    assert re.fullmatch(r"ensemble-lsp \d+\.\d+\.\d+\S*\n", user.spawn("--version").out)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("bogus", "invalid choice: 'bogus'"),
        ("--bogus", "unrecognized arguments: --bogus"),
        ("models --bogus", "unrecognized arguments: --bogus"),
        ("serve --stdio --tcp 127.0.0.1:0", "not allowed with"),
        ("serve --tcp 0.0.0.0:7777", "must be a loopback address such as 127.0.0.1:7777"),
        ("serve --ws example.com:7777", "must be a loopback address such as 127.0.0.1:7777"),
        ("serve --tcp 127.0.0.1:99999", "must be a loopback address such as 127.0.0.1:7777"),
        ("models --log-level loud", "invalid choice: 'loud'"),
        ("models --log-file /dev/null", "is not a regular file"),
    ],
)
def test_wrong_usage_is_one_line(user: User, arguments: str, words: str) -> None:
    user.spawn(*arguments.split()).fails(2, words)


def test_without_arguments_it_is_the_server_and_no_client_is_a_failure(user: User) -> None:
    result = user.spawn()
    assert (result.code, result.out) == (1, "")


def test_a_reader_that_has_enough_gets_no_complaint(user: User) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "models", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=user.environment,
    )
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(20) in (0, 1)


def test_an_interrupt_ends_it_without_a_traceback(user: User) -> None:
    with running(LoopbackProvider(fault=Fault.never_answer())) as provider:
        user.model("slow", provider.base_url)
        process = subprocess.Popen(
            [*PROGRAM, "explain", str(user.work / "app.py")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=user.environment,
        )
        try:
            provider.wait_for(lambda p: p.requests, timeout=30)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
            process.communicate()
        provider.wait_for(lambda p: p.requests[0].closed)
    assert (process.returncode, out, err) == (130, b"", b"")


def test_what_it_writes_is_for_its_user_alone(user: User, provider: LoopbackProvider) -> None:
    user.model("gpt", provider.base_url)
    user.config.chmod(0o600)
    log, out = user.home / "logs" / "a.log", user.home / "out.jsonl"
    before = os.umask(0o000)
    try:
        ran = user.spawn("complete", "app.py:2:5", "--log-level", "debug", "--log-file", str(log))
        exported = user.spawn("history", "export", "--out", str(out))
    finally:
        os.umask(before)
    assert (ran.code, exported.code) == (0, 0)
    assert log.stat().st_size and out.stat().st_size
    made = [log, out, *user.data.rglob("*")]
    loose = [str(p) for p in made if stat.S_IMODE(p.stat().st_mode) & 0o077]
    assert not loose


# -- on a terminal -----------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["complete app.py:2:5", "explain app.py", "generate add"])
def test_an_answer_is_shown_on_a_terminal_while_it_comes(user: User, command: str) -> None:
    text = "value = 1\x1b]0;pwned\x07\x1b[31m\nother = 2"
    moments: list[tuple[str, bool]] = []
    # Slow enough to be drawn in between.
    with running(LoopbackProvider(text, delay_chunk=0.15)) as provider:
        user.model("gpt", provider.base_url)

        def look(shown: str) -> None:
            finished = bool(provider.requests) and provider.requests[0].finished_at is not None
            moments.append((shown, finished))

        result = user.on_terminal(*command.split(), seen=look)
    assert result.code == 0
    assert any("value" in shown and not finished for shown, finished in moments)
    assert "\x1b]" not in result.out and "\x07" not in result.out and "\x1b[31m" not in result.out
    # What stays is the answer and who wrote it.
    lines = result.out.rsplit("\x1b[2K", 1)[-1].replace("\r", "").splitlines()
    assert lines[-1] == "(gpt)"
    assert "value = 1" in lines[-3] + lines[-2]


def test_models_and_history_are_tables_on_a_terminal(
    user: User, provider: LoopbackProvider
) -> None:
    user.model("[red]gpt[/red]", provider.base_url)
    assert user.spawn("complete", "app.py:2:5").code == 0
    for command in ("models", "history"):
        shown = user.on_terminal(command).out
        assert "┃" in shown or "│" in shown
        assert "[red]gpt" in shown


@pytest.mark.parametrize(("answer", "left"), [("n\r", True), ("\r", True), ("y\r", False)])
def test_clear_asks_on_a_terminal(
    user: User, provider: LoopbackProvider, answer: str, left: bool
) -> None:
    user.model("gpt", provider.base_url)
    assert user.spawn("complete", "app.py:2:5").code == 0
    result = user.on_terminal("history", "clear", type_when=("[y/N]", answer))
    assert result.code == 0
    assert ("Nothing was deleted." in result.out) == left
    assert bool(user.spawn("history", "export").out) == left


# -- the demo ----------------------------------------------------------------------------------


def test_the_demo_plays_without_weights(user: User) -> None:
    result = user.spawn("demo", "--json")
    assert result.code == 0, result
    played = result.json
    assert played["ok"]
    steps = {step["step"]: step for step in played["steps"]}
    # Recall is sure of the line that the file has twice, and of nothing else.
    assert "by recall; it parses" in steps["You write a line that your code has elsewhere"]["told"]
    learned = steps["What the server has learned about its models"]
    assert "1 offered, 1 accepted" in learned["told"]
    skipped = steps["Explanations and ensembles"]
    assert not skipped["ok"] and "demo --fetch" in skipped["told"]
