"""The daily budget: never passed, by however many servers, and used where there is use for it."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    from asyncio import timeout
else:
    from async_timeout import timeout

from ensemble_lsp.errors import QuotaExceededError
from ensemble_lsp.history import CallRecord, History
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.models.wrappers import Metered, ModelCall
from ensemble_lsp.selection.daily_budget import DailyBudget, day_start, max_call_cost
from ensemble_lsp.types import Chunk, Prompt, Usage

PROMPT = Prompt("complete", "python", "a.py", prefix="x = 1\n" * 300, max_tokens=64)


class Priced:
    """A model that costs what it says, and some time."""

    def __init__(self, name: str, tokens: int, price: float = 10.0) -> None:
        self.profile = Profile(name, "openai", "gpt-4o", input_price=price, output_price=price)
        self.tokens = tokens
        self.asked = 0

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        self.asked += 1
        await asyncio.sleep(0)
        yield Chunk("x", self.profile.name)
        yield Chunk("", self.profile.name, Usage(self.tokens, 20), "stop")

    async def close(self) -> None:
        """Nothing to close."""


class Server:
    """One server: its own connection to the history, its own models."""

    def __init__(self, path: Path, dollars: float | None, *models: Priced) -> None:
        self.history = History.open(path)
        self.budget = DailyBudget(self.history, dollars)
        metered = [Metered(model, self.call) for model in models]
        self.models, self.note = self.budget.affordable(metered, "complete")

    def call(self, call: ModelCall) -> None:
        self.history.add_call(
            CallRecord(call.time, call.task, call.model, cost=call.cost, status=call.status)
        )

    async def use(self, times: int, rng: random.Random) -> int:
        refused = 0
        for _ in range(times):
            try:
                await gather(rng.choice(self.models), PROMPT)
            except QuotaExceededError:
                refused += 1
        return refused


async def spent(history: History) -> float:
    await history.ready()
    return await history.spent_since(day_start(time.time()))


async def test_two_servers_together_use_the_budget_and_never_pass_it(tmp_path: Path) -> None:
    path, dollars = tmp_path / "history.sqlite3", 0.5
    models = [Priced("dear", 900), Priced("cheap", 500)]
    servers = [Server(path, dollars, *models) for _ in range(2)]
    work = [s.use(60, random.Random(n)) for n, s in enumerate(servers * 3)]
    refused = await asyncio.gather(*work)
    total = await spent(servers[0].history)
    assert sum(refused) > 0
    assert 0.85 * dollars <= total <= dollars
    assert servers[0].budget.left == pytest.approx(dollars - total, abs=0.03)
    for server in servers:
        await server.history.close()


async def test_a_day_begins_anew_and_other_days_do_not_count(tmp_path: Path) -> None:
    server = Server(tmp_path / "h.sqlite3", 0.05, Priced("a", 900))
    yesterday = day_start(time.time()) - 1
    server.history.add_call(CallRecord(yesterday, "complete", "a", cost=100.0))
    await server.budget.refresh()
    assert server.budget.left == 0.05
    assert await server.use(1, random.Random(0)) == 0
    server.history.add_call(CallRecord(time.time(), "complete", "a", cost=0.05))
    assert await server.use(3, random.Random(0)) == 3
    await server.history.close()


async def test_a_refusal_says_what_is_left_and_what_to_do(tmp_path: Path) -> None:
    model = Priced("a", 900)
    server = Server(tmp_path / "h.sqlite3", 0.0, model)
    with pytest.raises(
        QuotaExceededError,
        match=r"^Raise selector.dailyBudget .* 0\.0000 USD are left of today's budget of 0 USD\.$",
    ):
        await gather(server.models[0], PROMPT)
    assert model.asked == 0
    await server.history.close()


async def test_without_a_budget_and_without_a_price_nothing_is_wrapped(tmp_path: Path) -> None:
    free, paid = Priced("local", 900, price=0.0), Priced("paid", 900)
    none = Server(tmp_path / "h.sqlite3", None, free, paid)
    assert not [m for m in none.models if not isinstance(m, Metered)]
    some = Server(tmp_path / "h.sqlite3", 1.0, free, paid)
    assert [isinstance(m, Metered) for m in some.models] == [True, False]
    await none.history.close()
    await some.history.close()


async def test_what_is_too_dear_is_left_out_while_something_else_is_there(tmp_path: Path) -> None:
    server = Server(tmp_path / "h.sqlite3", 0.02, Priced("dear", 900), Priced("cheap", 900, 0.1))
    server.history.add_call(CallRecord(time.time(), "complete", "dear", cost=0.015))
    await server.budget.refresh()
    kept, note = server.budget.affordable(server.models, "complete")
    assert [m.profile.name for m in kept] == ["cheap"]
    assert note == "0.0050 USD are left of today's budget of 0.02 USD: not enough for dear."
    only, note = server.budget.affordable(server.models[:1], "complete")
    assert [m.profile.name for m in only] == ["dear"], "it says so itself when it is asked"
    assert not note
    await server.history.close()


async def test_what_was_reserved_and_not_spent_is_there_again(tmp_path: Path) -> None:
    server = Server(tmp_path / "h.sqlite3", 0.06, Priced("dear", 900), Priced("free", 900, 0.0))
    assert max_call_cost(server.models[0].profile, PROMPT) > 0.02
    await gather(server.models[0], PROMPT)
    spent_so_far = await spent(server.history)
    async with timeout(5):
        while server.budget.left != pytest.approx(0.06 - spent_so_far):
            await asyncio.sleep(0)
    await server.history.close()


async def test_a_provider_that_counts_more_than_can_be_is_believed_from_then_on(
    tmp_path: Path,
) -> None:
    greedy = Priced("greedy", 20_000)
    server = Server(tmp_path / "h.sqlite3", 1.0, greedy)
    await server.use(40, random.Random(0))
    assert await spent(server.history) <= 1.0
    assert greedy.asked >= 3
    await server.history.close()


async def test_what_a_dead_server_had_reserved_stays_spent(tmp_path: Path) -> None:
    path = tmp_path / "h.sqlite3"
    dead = Server(path, 0.1, Priced("a", 900))
    await dead.budget.reserve(dead.models[0].profile, PROMPT)
    await dead.history.close()
    most = max_call_cost(dead.models[0].profile, PROMPT)
    alive = Server(path, 0.1, Priced("a", 900))
    await alive.budget.refresh()
    assert alive.budget.left == pytest.approx(0.1 - most)
    await alive.history.close()


async def test_a_cancelled_call_gives_its_reservation_back(tmp_path: Path) -> None:
    server = Server(tmp_path / "h.sqlite3", 1.0, Priced("a", 900))
    stream = server.models[0].stream(PROMPT)
    await anext(stream)
    await stream.aclose()
    await server.history.ready()
    since = day_start(time.time())
    used, paid = await server.history.used_since(since), await server.history.spent_since(since)
    assert used == pytest.approx(paid)
    assert used > 0
    await server.history.close()


async def test_where_spending_cannot_be_written_down_nothing_is_spent(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.write_text("a file where the history's folder should be")
    model = Priced("a", 900)
    server = Server(folder / "h.sqlite3", 1.0, model)
    await server.history.ready()
    with pytest.raises(QuotaExceededError, match="check the history"):
        await gather(server.models[0], PROMPT)
    assert model.asked == 0
    await server.history.close()


def test_the_most_a_call_can_cost_is_more_than_it_does() -> None:
    profile = Priced("a", 0).profile
    assert max_call_cost(profile, PROMPT) >= profile.cost(Usage(len(PROMPT.prefix), 64))
    chinese = Prompt("complete", "python", "a.py", prefix="变量" * 100, max_tokens=0)
    assert max_call_cost(profile, chinese) >= profile.cost(Usage(600, 0))
