"""The log of the installed program, and the keys that it must not contain."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import stat
from pathlib import Path

import pytest

from tests.support.cli import PROGRAM, User
from tests.support.command_line_user import CODE, provider, user
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider

__all__ = ["provider", "user"]  # fixtures
pytestmark = pytest.mark.e2e  # a process for each: not for `make test`

KEYS = {"ONE_KEY": "sk-distinctive-one-0123456789", "TWO_KEY": "sk-ant-distinctive-two-98765"}


async def test_no_key_is_anywhere_after_a_noisy_session(user: User) -> None:
    """Every way to fail, at the most verbose level: the provider echoes the keys in its errors."""
    for name, key in KEYS.items():
        user.env[name] = key
    log = user.home / "debug.log"
    options = ("--log-level", "debug", "--log-file", str(log))
    said: list[str] = []
    async with (
        LoopbackProvider("return a + b", keys=["neither"]) as refusing,
        LoopbackProvider("return a + b", keys=list(KEYS.values())) as good,
    ):
        user.model("one", refusing.base_url, apiKeyEnv="ONE_KEY")
        user.model("two", refusing.origin, provider="anthropic", apiKeyEnv="TWO_KEY")
        user.model("three", good.base_url, apiKeyEnv="ONE_KEY")
        user.model("pasted", good.base_url, apiKeyEnv=KEYS["ONE_KEY"])
        user.table("history", keepText=True)
        for command in (
            "complete app.py:2:5 --model one",
            "complete app.py:2:5 --json",
            "explain app.py --ensemble 3",
            "generate add --json",
            "generate add --model two",
            "models test --json",
            "models",
            "doctor",
            "doctor --json",
            "doctor --show-prompt app.py:2:5",
            "history export",
        ):
            result = await asyncio.to_thread(user.spawn, *command.split(), *options)
            said += [result.out, result.err]
        echoed = [r for r in refusing.requests if any(k in str(r.headers) for k in KEYS.values())]
        assert len(echoed) > 3
        said.append(await _noisy_server(user, options))
    texts = "\n".join([*said, log.read_text(), *_everything_in(user.data)])
    assert "ONE_KEY" in texts
    assert "one: complete, AuthenticationError" in log.read_text()
    assert "DEBUG ensemble_lsp.cli.main: serve " in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    for key in KEYS.values():
        assert key not in texts


async def _noisy_server(user: User, options: tuple[str, ...]) -> str:
    """All that a server said to its client and on standard error."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *options,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=user.environment,
        limit=2**26,
    )
    client = LspClient(process, "neovim")
    said: list[str] = []
    try:
        bad = {"models": [{"name": "x", "provider": "openai", "apiKey": KEYS["ONE_KEY"]}]}
        await client.initialize(user.work, options=bad, trace="verbose")
        uri = client.open((user.work / "app.py").as_uri(), CODE)
        said.append(str(await client.inline(uri, len(CODE) - 1)))
        for name in ("ensemble.models", "ensemble.explain", "ensemble.generate"):
            place = client.range(CODE, 0, len(CODE) - 1)
            try:
                said.append(str(await client.command(name, {"uri": uri, "range": place})))
            except Exception as error:
                said.append(str(error))
        said.append(str(client.notifications))
        assert await client.shutdown() == 0
        assert process.stderr
        said.append((await process.stderr.read()).decode())
    finally:
        await client.close()
    return "\n".join(said)


def _everything_in(folder: Path) -> list[str]:
    """All files as they lie, and the database's rows."""
    found = [path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file()]
    with sqlite3.connect(folder / "history.sqlite3") as db:
        found.append("\n".join(db.iterdump()))
    db.close()
    return found


def test_the_log_goes_to_the_file_and_is_added_to(user: User, provider: LoopbackProvider) -> None:
    log = user.home / "a.log"
    log.write_text("before\n")
    user.model("gpt", provider.base_url)
    for _ in range(2):
        options = ("--log-file", str(log), "--log-level", "debug")
        assert user.spawn(*options, "complete", "app.py:2:5").err == "(gpt)\n"
    lines = log.read_text().splitlines()
    assert lines[0] == "before"
    assert all(re.match(r"\d{4}-\d\d-\d\d ", line) for line in lines[1:2])


def test_a_log_that_cannot_be_written_is_wrong_usage(user: User) -> None:
    place = user.file("plain", "") / "a.log"
    user.spawn("models", "--log-file", str(place)).fails(2, "--log-file", "cannot be written")
