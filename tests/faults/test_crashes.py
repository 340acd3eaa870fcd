"""Exceptions that nobody foresaw, with a key in their message: it is in no output, and the server goes on."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.test_keys import OPENAI, PLAIN
from tests.server.conftest import Home
from tests.support.lsp_client import LspClient, LspError, running_server
from tests.support.providers import LoopbackProvider
from tests.support.sources import CODE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


BROKEN = '''
"""The server, with faults: started in place of it, with its arguments."""
import asyncio, gc, os, sys, threading
sys.argv = ["ensemble-lsp", *sys.argv[4:]]
said = f"boom {os.environ['ONE_KEY']} and {os.environ['TWO_KEY']}"

class Fault(Exception):
    pass

class Finalized:
    def __del__(self):
        raise Fault(said)

def fail(*_):
    raise Fault(said)

async def fail_later():
    fail()

def everywhere(*_, **__):
    """In a thread, in a callback, in a task that nobody waits for, in a finalizer, and here."""
    thread = threading.Thread(target=fail, name=said)
    thread.start()
    thread.join()
    loop = asyncio.get_running_loop()
    loop.call_soon(fail)
    loop.create_task(fail_later())
    Finalized()
    gc.collect()
    try:
        fail()
    except Fault as error:
        raise RuntimeError(said) from error

def broken(module, name, function):
    __import__(module)
    setattr(getattr(sys.modules[module], name[0]), name[1], function)

from ensemble_lsp import bootstrap
import_rooms = bootstrap._import_packages
def import_and_break():
    import_rooms()
    if os.environ["BROKEN"] == "start":
        fail()
    broken("ensemble_lsp.completion", ("Completer", "complete"), everywhere)
    broken("ensemble_lsp.explanation.explainer", ("Explainer", "explain"), everywhere)
    broken("ensemble_lsp.generation.generator", ("Generator", "generate"), everywhere)
    broken("ensemble_lsp.history", ("History", "stats"), everywhere)
bootstrap._import_packages = import_and_break
if os.environ["BROKEN"] == "process":
    async def fatal(*_):
        everywhere()
    bootstrap._serve = fatal
from ensemble_lsp.__main__ import main
main()
'''


@pytest.fixture
def broken(home: Home, provider: LoopbackProvider) -> tuple[str, ...]:
    """What starts the server with faults in it."""
    for name, key in (("ONE", OPENAI), ("TWO", PLAIN)):
        home.model(name.lower(), provider.base_url, apiKeyEnv=f"{name}_KEY")
        home.env[f"{name}_KEY"] = key
    home.write()
    script = home.path / "broken.py"
    script.write_text(BROKEN)
    return (sys.executable, str(script))


def clean(home: Home, *more: str) -> str:
    """All that was written; asserts that no key is in it."""
    files = [p for p in home.path.rglob("*") if p.is_file() and p.name != "broken.py"]
    written = [path.read_bytes().decode("utf-8", "replace") for path in files]
    for text in (*written, *more):
        for key in (OPENAI, PLAIN):
            assert key[:20] not in text, text[max(0, text.find(key[:20]) - 500) :][:1000]
    return home.log()


async def test_unforeseen_exceptions_tell_no_key(
    home: Home, broken: tuple[str, ...], uri: str
) -> None:
    home.env |= {"BROKEN": "requests", "PYTHONASYNCIODEBUG": "1"}
    received: list[Any] = []
    arguments = ("--log-level", "debug")
    async with running_server(
        home.path, env=home.env, wrapper=broken, arguments=arguments
    ) as client:
        real = client._take
        client._take = lambda message: (received.append(message), real(message))[1]
        await client.initialize(home.workspace, trace="verbose")
        client.notify("$/setTrace", {"value": "verbose"})
        client.open(uri, CODE)
        assert await client.inline(uri) == []
        assert await client.request("textDocument/hover", client.at(uri, 5)) is None
        for command in ("ensemble.explain", "ensemble.generate", "ensemble.models"):
            await fails(client, uri, command)
        assert await client.shutdown() == 0
    log = clean(home, json.dumps(received))
    for told in ("RuntimeError: boom [key] and [key]", "the thread boom [key]", "in __del__"):
        assert told in log, log[-3000:]
    assert "Exception in callback" in log and "Task exception was never retrieved" in log


async def fails(client: LspClient, uri: str, command: str) -> None:
    end = client.position(CODE, len(CODE))
    arguments = {"uri": uri, "range": {"start": end, "end": end}, "instruction": "x"}
    with pytest.raises(LspError, match=r"Internal error \(RuntimeError\)"):
        await client.command(command, arguments if command != "ensemble.models" else {})


async def test_a_session_that_cannot_be_made_tells_no_key(
    home: Home, broken: tuple[str, ...], uri: str
) -> None:
    home.env["BROKEN"] = "start"
    arguments = ("--log-level", "debug")
    received: list[Any] = []
    async with running_server(
        home.path, env=home.env, wrapper=broken, arguments=arguments
    ) as client:
        real = client._take
        client._take = lambda message: (received.append(message), real(message))[1]
        await client.initialize(home.workspace)
        client.open(uri, CODE)
        assert await client.inline(uri) == []
        assert await client.shutdown() == 0
    clean(home, json.dumps(received))


async def test_a_process_that_fails_whole_tells_no_key(
    home: Home, broken: tuple[str, ...], tmp_path: Path
) -> None:
    home.env["BROKEN"] = "process"
    async with running_server(home.path, env=home.env, wrapper=broken) as client:
        assert await client.process.wait() == 1
    log = clean(home)
    assert "internal error (RuntimeError)" in log
