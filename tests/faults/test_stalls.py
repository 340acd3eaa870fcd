"""Stalled models and floods of messages: completions still come in time."""

from __future__ import annotations

import time

import pytest

from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]
CODE = "def area(width, height):\n    return "


@pytest.mark.parametrize("kind", [1, 2])
async def test_a_first_model_that_stalls_does_not_cost_the_whole_budget(
    home: Home, provider: LoopbackProvider, uri: str, kind: int
) -> None:
    home.tables = {"complete": {"budgetMs": 8000}, "selector": {"strategy": "fixed"}}
    with running(LoopbackProvider("never", delay_first=60)) as stalled:
        home.model("stalls", stalled.base_url)
        home.model("good", provider.base_url)
        async with home.server() as client:
            client.open(uri, CODE)
            seconds: list[float] = []
            for number in range(3):
                start = time.monotonic()
                items = await client.inline(uri, kind=kind)
                seconds.append(time.monotonic() - start)
                assert [item["insertText"] for item in items] == ["answer"]
                client.replace_all(uri, CODE.replace("area", f"area_{number}"))
            assert stalled.requests
            assert seconds[0] < 6 and max(seconds[1:]) < 3


@pytest.mark.parametrize("same", [True, False])
async def test_a_flood_of_opens_and_closes_does_not_hold_a_completion(
    home: Home, provider: LoopbackProvider, uri: str, same: bool
) -> None:
    home.model("gpt", provider.base_url)
    body = "\n".join(f"def function_{n}(a, b):\n    return a + b * {n}\n" for n in range(100))
    async with home.server() as client:
        client.open(uri, CODE)
        assert await client.inline(uri)
        client.append(uri, "width * ")
        for number in range(3000):
            name = "other.py" if same else f"other_{number}.py"
            other = (home.workspace / name).as_uri()
            client.open(other, body)
            client.close_document(other)
        start = time.monotonic()
        assert await client.inline(uri)
        assert time.monotonic() - start < 12
