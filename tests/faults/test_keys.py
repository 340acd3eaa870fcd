"""Keys after a noisy session at the most verbose level: in no log, file, message, report or argument."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import psutil
import pytest

from tests.server.conftest import Home
from tests.support.environment import clean_environment
from tests.support.lsp_client import LspClient, LspError
from tests.support.providers import Fault, LoopbackProvider, Recorded, running
from tests.support.sources import CODE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

OPENAI = "sk-proj-Zk3vQ8mN2xR7tW5yB1cD4fG6hJ9kL0pA"
ANTHROPIC = "sk-ant-api03-Qw7eRt9yUi2oPa4sDf6gHj8kLz1xCv3b"
PLAIN = "8f14e45fceea167a5a36dedd4bea2543"
"""As some services give them: nothing tells it from a hash."""
KEYS = (OPENAI, ANTHROPIC, PLAIN)


def telling(seen: Recorded) -> Fault | None:
    """A provider that says the key it was given in every way it can."""
    key = seen.headers.get("x-api-key") or seen.headers.get("authorization", "")[7:]
    said = f"Incorrect API key provided: {key}. Bearer {key}"
    ways = {
        "plain401": Fault.status(401, {"error": {"message": said, "code": key, "type": key}}),
        "text500": Fault.status(500, said),
        "header429": Fault.status(429, said, {"x-request-id": key, "retry-after": "0"}),
        "in200": Fault.body_of({"error": {"message": said, "type": "x"}}),
        "event": Fault.event(f'data: {{"error": {{"message": "{said}"}}}}\n\n'.encode(), 1),
        "cut": Fault.cut(1),
    }
    return ways.get(str(seen.body["model"]))


async def test_no_key_is_anywhere_after_a_noisy_session(home: Home, uri: str) -> None:
    home.env |= {"ONE_KEY": OPENAI, "TWO_KEY": ANTHROPIC, "THREE_KEY": PLAIN}
    home.env |= {"OPENAI_LOG": "debug", "ANTHROPIC_LOG": "debug", "PYTHONASYNCIODEBUG": "1"}
    home.tables["history"] = {"keepText": True}
    with running(LoopbackProvider("width * height", fault=telling)) as provider:
        for model in ("plain401", "text500", "header429", "in200", "event", "cut", "good"):
            for name, kind, url in (
                ("ONE", "openai", provider.base_url),
                ("TWO", "anthropic", provider.origin),
                ("THREE", "openai", provider.base_url),
            ):
                home.models.append(
                    {"name": f"{model}-{name}", "provider": kind, "model": model, "baseUrl": url}
                    | {"apiKeyEnv": f"{name}_KEY", "timeout": 5.0}
                )
        received: list[Any] = []
        async with home.server(initialize=False) as client:
            real = client._take
            client._take = lambda message: (received.append(message), real(message))[1]
            await client.initialize(home.workspace, trace="verbose")
            client.notify("$/setTrace", {"value": "verbose"})
            client.open(uri, CODE)
            await noise(client, home, uri)
            arguments = psutil.Process(client.process.pid).cmdline()
            client.notify("ensemble/didShow", {"id": 5})
            await client.command("ensemble.models")
            await client.shutdown()
        assert {r.headers.get("x-api-key", r.headers.get("authorization", "")[7:])
                for r in provider.requests} == set(KEYS)  # fmt: skip
        printed = await commands(home)
    found = {
        "messages": json.dumps(received),
        "arguments": " ".join(arguments),
        "printed": printed,
        **{
            str(path): path.read_bytes().decode("utf-8", "replace")
            for path in home.path.rglob("*")
            if path.is_file()
        },
    }
    assert any("server.log" in name for name in found) and len(found) > 4
    for where, text in found.items():
        for key in KEYS:
            assert key not in text, (where, key, text[max(0, text.find(key) - 300) :][:600])
            assert key[:20] not in text, (where, key[:20])


async def noise(client: LspClient, home: Home, uri: str) -> None:
    """Every model in every task, and what can be asked about them."""
    end = client.position(CODE, len(CODE))
    for model in home.models:
        arguments = {"uri": uri, "range": {"start": end, "end": end}, "model": model["name"]}
        for command in ("ensemble.generate", "ensemble.explain"):
            more = {"instruction": "x", "apply": False} if command.endswith("generate") else {}
            try:
                await client.command(command, {**arguments, **more})
            except LspError as error:
                assert error.message
        await client.command("ensemble.pin", {"task": "complete", "name": model["name"]})
        client.insert(uri, 0, "# more\n")
        for item in await client.inline(uri):
            id_ = item["command"]["arguments"][0]["id"]
            await client.command("ensemble.why", {"id": id_})
            await client.command("ensemble.accept", {"id": id_})


async def commands(home: Home) -> str:
    """What the command line prints about models, their keys and the history."""
    clean = clean_environment() | {
        "ENSEMBLE_LSP_CONFIG": str(home.path / "config.toml"),
        "ENSEMBLE_LSP_DATA_DIR": str(home.path / "data"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        **home.env,
    }
    parts: list[str] = []
    for arguments in (
        ("models", "list"),
        ("models", "list", "--json"),
        ("models", "test"),
        ("doctor",),
        ("history", "stats"),
        ("history", "export"),
    ):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ensemble_lsp", *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=clean,
        )  # fmt: skip
        out, _ = await process.communicate()
        parts.append(out.decode("utf-8", "replace"))
        assert "unrecognized" not in parts[-1], parts[-1]
    return "\n".join(parts)
