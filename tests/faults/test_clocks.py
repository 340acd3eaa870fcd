"""Clocks that jump and machines that sleep: what is live goes on, and each suggestion ends once."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient
from tests.support.providers import Fault, LoopbackProvider, Recorded, running
from tests.support.sources import CODE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

YEARS = 10 * 365 * 86400.0

JUMPING = """
import os, time
place = os.environ["CLOCK"]

def jumping(real, index):
    def now():
        with open(place) as file:
            return real() + float(file.read().split()[index])
    return now

time.time = jumping(time.time, 0)
time.monotonic = jumping(time.monotonic, 1)
time.perf_counter = jumping(time.perf_counter, 1)
"""


class Clock:
    """The clocks of a server process."""

    def __init__(self, home: Home) -> None:
        folder = home.path / "clock"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(JUMPING)
        self.place = folder / "offset"
        home.tables["complete"] = {"budgetMs": 30000, "candidates": 1}
        self.set(0.0)
        home.env |= {"PYTHONPATH": str(folder), "CLOCK": str(self.place)}

    def set(self, seconds: float, slept: float = 0.0) -> None:
        """The wall clock jumps to so many seconds off the real time; the monotonic one leaps ahead."""
        temporary = self.place.with_suffix(".new")
        temporary.write_text(f"{seconds} {slept}")
        temporary.replace(self.place)


@pytest.fixture
def clock(home: Home) -> Clock:
    return Clock(home)


def rows(home: Home, query: str) -> list[Any]:
    with contextlib.closing(sqlite3.connect(home.path / "data" / "history.sqlite3")) as db:
        return db.execute(query).fetchall()


async def offered(client: LspClient, uri: str, number: int) -> str:
    """A new suggestion; its id."""
    client.insert(uri, 0, f"# line {number}\n")
    [item] = await client.inline(uri)
    return str(item["command"]["arguments"][0]["id"])


async def test_the_wall_clock_jumps_while_suggestions_are_live(
    home: Home, clock: Clock, uri: str, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url)
    ids: dict[str, str] = {}
    async with home.server() as client:
        client.open(uri, CODE)
        for number, jump in enumerate((0.0, YEARS, -YEARS, YEARS / 2, 0.0)):
            accepted, refused = [await offered(client, uri, 2 * number + each) for each in range(2)]
            client.notify("ensemble/didShow", {"id": refused})
            clock.set(jump)
            await client.command("ensemble.accept", {"id": accepted})
            client.notify("ensemble/didEnd", {"id": refused, "reason": "rejected", "shownMs": 3000})
            ids |= {accepted: "accepted", refused: "rejected"}
            start = time.monotonic()
            await offered(client, uri, 100 + number)
            assert time.monotonic() - start < 15
            report = await client.command("ensemble.report", {})
            assert "gpt" in await asyncio.to_thread(Path(report["markdown"]).read_text)
        assert await client.shutdown() == 0
        assert client.messages() == []
    found = rows(home, "SELECT s.id, o.kind FROM suggestions s JOIN outcomes o USING (n)")
    assert len(found) == len({id_ for id_, _ in found}), "a suggestion ended twice"
    assert ids.items() <= dict(found).items()
    assert "Traceback" not in home.log(), home.log()


async def test_a_clock_that_is_years_off_empties_no_history(
    home: Home, clock: Clock, uri: str, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url)
    for jump in (0.0, YEARS, -YEARS, 0.0):
        clock.set(jump)
        async with home.server() as client:
            client.open(uri, CODE)
            id_ = await offered(client, uri, 1)
            await client.command("ensemble.accept", {"id": id_})
            assert await client.shutdown() == 0
    assert len(rows(home, "SELECT 1 FROM outcomes WHERE kind = 'accepted'")) == 4


async def test_breaker_debounce_and_budget_do_not_see_the_wall_clock(
    home: Home, clock: Clock, uri: str
) -> None:
    failing = True

    def sometimes(seen: Recorded) -> Fault | None:
        return Fault.status(500, "no") if failing else None

    with (
        running(LoopbackProvider("first", fault=sometimes)) as first,
        running(LoopbackProvider("second")) as second,
    ):
        home.model("first", first.base_url)
        home.model("second", second.base_url)
        home.tables["selector"] = {"strategy": "fixed"}
        home.tables["complete"]["debounceMs"] = 200
        async with home.server() as client:
            client.open(uri, CODE)
            number = 0
            while True:
                asked = len(first.requests)
                await offered(client, uri, number)
                number += 1
                if first.requests and len(first.requests) == asked:
                    break  # the breaker is open
            clock.set(YEARS)
            await offered(client, uri, 1000)
            clock.set(-YEARS)
            await offered(client, uri, 1001)
            assert len(first.requests) == asked, "ten years of a wall clock closed the breaker"
            failing = False
            asked, start = len(first.requests), time.monotonic()
            while len(first.requests) == asked:
                assert time.monotonic() - start < 90, "the breaker stays open"
                number += 1
                await offered(client, uri, 2000 + number)
                await asyncio.sleep(0.5)
            for jump in (-YEARS, YEARS):
                clock.set(jump)
                client.insert(uri, 0, "# typed\n")
                params = {**client.at(uri), "context": {"triggerKind": 2}}
                start = time.monotonic()
                answer = await client.request("textDocument/inlineCompletion", params)
                assert answer["items"] and time.monotonic() - start < 15
            assert await client.shutdown() == 0
    assert "Traceback" not in home.log(), home.log()


async def test_a_machine_that_slept_where_the_monotonic_clock_does_not_stop(
    home: Home, clock: Clock, uri: str
) -> None:
    """As on systems where it counts the night; where it stops see ``test_bad_disks``."""
    with running(LoopbackProvider("width * height", delay_first=1.0)) as provider:
        home.model("gpt", provider.base_url)
        async with home.server() as client:
            client.open(uri, CODE)
            accepted, live = [await offered(client, uri, number) for number in range(2)]
            await client.command("ensemble.accept", {"id": accepted})
            client.notify("ensemble/didShow", {"id": live})
            client.insert(uri, 0, "# asleep\n")
            asked = len(provider.requests)
            _, answer = client.start_inline(uri)
            await provider.until(lambda p: len(p.requests) > asked)
            clock.set(8 * 3600.0, 8 * 3600.0)
            await asyncio.wait_for(answer, 20)
            for number in range(10, 13):
                start = time.monotonic()
                await offered(client, uri, number)
                assert time.monotonic() - start < 15
            assert await client.shutdown() == 0
            assert client.messages() == []
        found = rows(home, "SELECT s.id, o.kind FROM suggestions s JOIN outcomes o USING (n)")
        assert len(found) == len({id_ for id_, _ in found}), "a suggestion ended twice"
        assert dict(found)[accepted] == "accepted" and live in dict(found)
    assert "Traceback" not in home.log(), home.log()
