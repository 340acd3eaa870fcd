"""The user's own files replaced by pipes, devices and folders, or writable by others: nothing stalls."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.name != "posix", reason="pipes and permissions"),
]
CODE = "def area(width, height):\n    return "
NAMES = ("history.sqlite3", "history.sqlite3-wal", "history.sqlite3-shm", "measured.json")


def replace(path: Path, kind: str) -> None:
    """Put something that is not a regular file in a file's place."""
    path.parent.mkdir(exist_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "tty":
        path.symlink_to("/dev/ptmx")
    elif kind == "loop":
        path.symlink_to(path.name)
    else:
        os.mkfifo(path.with_name("pipe"))
        path.symlink_to("pipe")


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "tty", "loop", "link to a pipe"])
async def test_whatever_replaces_the_history_completions_come(
    home: Home, provider: LoopbackProvider, uri: str, kind: str
) -> None:
    home.model("gpt", provider.base_url)
    replace(home.path / "data" / "history.sqlite3", kind)
    start = time.monotonic()
    async with home.server() as client:
        client.open(uri, CODE)
        assert await client.inline(uri)
        assert time.monotonic() - start < 15
        message = await client.until(lambda: " ".join(client.messages()))
        assert "history.sqlite3" in message and "memory" in message
        assert await client.shutdown() == 0


@pytest.mark.parametrize("name", NAMES[1:])
async def test_pipes_beside_the_history_stall_nothing(
    home: Home, provider: LoopbackProvider, uri: str, name: str
) -> None:
    home.model("gpt", provider.base_url)
    replace(home.path / "data" / name, "pipe")
    async with home.server() as client:
        client.open(uri, CODE)
        assert await client.inline(uri)
        assert await client.shutdown() == 0


async def test_a_config_that_others_can_write_sends_nothing(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    home.write()
    async with home.server(initialize=False) as client:
        (home.path / "config.toml").chmod(0o666)
        await client.initialize(home.workspace)
        client.open(uri, CODE)
        await client.inline(uri)
        message = await client.until(lambda: " ".join(client.messages()))
        assert "can be written by every user; run chmod o-w" in message
        assert [m["name"] for m in await client.command("ensemble.models")] == ["recall"]
    assert not provider.requests


async def test_a_config_that_is_a_pipe_stalls_nothing(home: Home, uri: str) -> None:
    async with home.server(initialize=False) as client:
        (home.path / "config.toml").unlink()
        os.mkfifo(home.path / "config.toml")
        await client.initialize(home.workspace)
        message = await client.until(lambda: " ".join(client.messages()))
        assert "config.toml cannot be read" in message.replace(": ", " ")


async def test_a_data_folder_that_others_can_write_is_reported(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    (home.path / "data").mkdir()
    (home.path / "data").chmod(0o777)
    async with home.server() as client:
        client.open(uri, CODE)
        assert await client.inline(uri)
        message = await client.until(lambda: " ".join(client.messages()))
        assert "data: can be written by every user; run chmod o-w" in message
