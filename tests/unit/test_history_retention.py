"""The history removes old rows with their sums, and everything on request."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ensemble_lsp.history import CallRecord, History
from tests.support.history_rows import DAY, NOW, outcome, path, suggestion

__all__ = ["path"]  # a fixture


async def test_rows_past_the_retention_go_and_their_sums_too(path: Path) -> None:
    first = History.open(path)
    first.add_suggestion(suggestion("old", time=NOW - 40 * DAY))
    first.add_outcome(outcome("old", "accepted", 1.0))
    first.add_call(CallRecord(NOW - 40 * DAY, "complete", "a", total_ms=5.0))
    first.add_suggestion(suggestion("new"))
    for days in (1, 2):
        first.add_suggestion(suggestion(f"new-{days}", time=NOW - days * DAY))
    await first.ready()
    await first.close()
    second = History.open(path, retention_days=30, clock=lambda: NOW)
    await second.ready()
    while await second.get("old") is not None:
        await asyncio.sleep(0.01)
    [row] = await second.stats()
    assert (row.suggestions, row.calls) == (3, 0)
    assert await second.get("new") is not None
    await second.close()


async def test_a_clock_far_in_the_future_does_not_empty_the_history(path: Path) -> None:
    first = History.open(path)
    for days in range(5):
        first.add_suggestion(suggestion(f"s{days}", time=NOW - days * DAY))
    await first.close()
    ahead = NOW + 9999 * DAY
    for time in (NOW, ahead, ahead + DAY):
        # Events of that clock are written, and the history is opened again with them in it.
        second = History.open(path, retention_days=30, clock=lambda: ahead)
        await second.ready()
        await asyncio.wrap_future(second.add_suggestion(suggestion(f"t{time}", time=time)))
        await asyncio.sleep(0.1)  # it is done when nobody asks
        assert len([1 async for _ in second.suggestions()]) >= 6
        await second.close()


async def test_clear_removes_rows_and_sums(path: Path) -> None:
    history = History.open(path)
    for number in range(1200):
        history.add_suggestion(suggestion(f"s{number}", time=NOW - (number % 3) * DAY))
    assert await history.clear(before=NOW - DAY - 1000) > 0
    assert (await history.stats())[0].suggestions == 800
    await history.clear()
    assert await history.stats() == []
    await history.close()


async def test_what_is_removed_gives_the_disk_its_space_back(path: Path) -> None:
    for keep in ("cleared", "retained"):
        file = path.with_name(f"{keep}.db")
        history = History.open(file, retention_days=99999, clock=lambda: NOW)
        for number in range(3000):
            history.add_suggestion(suggestion(f"s{number}", features={"name": "x" * 200}))
        await history.ready()
        if keep == "cleared":
            await history.clear()
        else:
            for days in (3, 4, 5):
                history.add_suggestion(suggestion(f"new-{days}", time=NOW + days * DAY))
        await history.close()
        if keep == "retained":
            full = file.stat().st_size
            history = History.open(file, retention_days=1, clock=lambda: NOW + 5.5 * DAY)
            while len([1 async for _ in history.suggestions()]) > 3:
                await asyncio.sleep(0.5)  # it is done when nobody asks
            await history.close()
            assert file.stat().st_size < full / 2
        else:
            assert file.stat().st_size < 200_000
