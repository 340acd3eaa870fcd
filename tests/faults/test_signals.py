"""Ctrl-C and SIGTERM end the server with the usual code, silently, and the history keeps everything."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from contextlib import closing

import pytest

from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider
from tests.support.sources import CODE

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has other signals"),
]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_ends_the_server_and_loses_nothing(
    home: Home, provider: LoopbackProvider, uri: str, number: int, code: int
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        assert await client.inline(uri)
        client.process.send_signal(number)
        assert await asyncio.wait_for(client.process.wait(), 10) == code
    assert "Traceback" not in home.log() and "Fatal" not in home.log()
    with closing(sqlite3.connect(home.path / "data" / "history.sqlite3")) as history:
        assert history.execute("select count(*) from suggestions").fetchone() == (1,)


async def test_ctrl_c_before_a_client_speaks(home: Home) -> None:
    async with home.server(initialize=False) as client:
        await asyncio.sleep(1)
        client.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(client.process.wait(), 10) == 130
    assert home.log() == ""
