"""Every recorded and scripted wire of ``tests/data/wires`` through the real server, one test each."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.support.wire_cases import WireCase, load_cases
from tests.support.wire_runner import WireResult, wire_runner

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

CASES = load_cases(Path(__file__).parent.parent / "data" / "wires")
SERVERS = 2
"""Servers that run side by side; most of a case is waiting."""


class Pool:
    """A few servers in a thread of their own, which outlives the event loops of single tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._results: dict[str, Future[WireResult]] = {}
        self._loop = asyncio.new_event_loop()
        self._queue: asyncio.Queue[WireCase | None] = asyncio.Queue()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()])
        self._thread.start()

    def submit(self, case: WireCase) -> Future[WireResult]:
        """Queue a case; the same future for the same case."""
        if case.id not in self._results:
            self._results[case.id] = Future()
            self._loop.call_soon_threadsafe(self._queue.put_nowait, case)
        return self._results[case.id]

    def close(self) -> None:
        """End the servers when they have played what is queued."""
        for _ in range(SERVERS):
            self._loop.call_soon_threadsafe(self._queue.put_nowait, None)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        await asyncio.gather(*(self._play(self._folder / str(n)) for n in range(SERVERS)))

    async def _play(self, folder: Path) -> None:
        folder.mkdir()
        async with wire_runner(folder) as runner:
            while (case := await self._queue.get()) is not None:
                self._results[case.id].set_result(await runner.run(case))


@pytest.fixture(scope="module")
def pool(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pool]:
    made = Pool(tmp_path_factory.mktemp("wires"))
    if "PYTEST_XDIST_WORKER" not in os.environ:  # a worker plays only its own share
        for item in request.session.items:
            call = getattr(item, "callspec", None)
            if item.path == Path(__file__) and call is not None:
                made.submit(call.params["case"])
    yield made
    made.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_wire_comes_out_right(pool: Pool, case: WireCase) -> None:
    result = pool.submit(case).result(timeout=170)
    assert result.right, str(result)
