"""A cheaper model's doubtful answer makes the server ask a stronger one, and say so."""

from __future__ import annotations

import pytest

from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider, running

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`

CODE = "def area(width, height):\n    "
BROKEN = "return width */ height\n    x = 1"


@pytest.mark.parametrize(
    ("reply", "escalate", "expected"),
    [
        (BROKEN, True, "return width * height"),
        (BROKEN, False, BROKEN),
        ("return height * width", True, "return height * width"),
    ],
)
async def test_a_stronger_model_is_asked_where_the_first_answer_does_not_parse(
    home: Home, uri: str, reply: str, escalate: bool, expected: str
) -> None:
    home.tables["selector"] = {"costWeight": 5.0, "latencyWeight": 0.0, "escalate": escalate}
    with running(LoopbackProvider(reply=reply)) as weak:
        with running(LoopbackProvider(reply="return width * height", delay_first=1.0)) as good:
            prices = {"inputPrice": 2.0, "outputPrice": 8.0}
            home.model("cheap", weak.base_url, model="gpt-4.1-nano")
            home.model("strong", good.base_url, model="gpt-4.1", **prices)
            async with home.server() as client:
                client.open(uri, CODE)
                (item,) = await client.inline(uri, kind=2)
                assert item["insertText"] in (expected, expected.split("\n", maxsplit=1)[0])
                escalated = expected == "return width * height"
                why = await client.command(
                    "ensemble.why", {"id": item["command"]["arguments"][0]["id"]}
                )
                told = "cheap was asked first, but its answer does not parse"
                assert (told in why["why"]) == escalated
                assert next(s["model"] for s in why["scores"]) == "cheap"


async def test_the_daily_budget_holds_over_the_wire(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = "return 1"
    home.tables["selector"] = {"dailyBudget": 0.02}
    home.model("gpt", provider.base_url, inputPrice=5.0, outputPrice=5.0)
    async with home.server() as client:
        text = CODE
        client.open(uri, text)
        shown = 0
        for n in range(40):
            client.append(uri, f"value_{n} = ")
            shown += len(await client.inline(uri, kind=2))
            client.append(uri, "0\n    ")
        rows = await client.command("ensemble.models")
        cost = sum(stats["cost"] for stats in rows[0]["stats"].values())
        assert 0 < shown < 40
        assert 0 < cost <= 0.02


async def test_generating_asks_a_stronger_model_where_the_code_does_not_parse(
    home: Home, uri: str
) -> None:
    home.tables["selector"] = {"costWeight": 5.0, "latencyWeight": 0.0}
    good = "def double(x):\n    return 2 * x"
    with running(LoopbackProvider(reply="def double(x:\n    return 2 * * x")) as weak:
        with running(LoopbackProvider(reply=good)) as strong:
            prices = {"inputPrice": 2.0, "outputPrice": 8.0}
            home.model("cheap", weak.base_url, model="gpt-4.1-nano")
            home.model("strong", strong.base_url, model="gpt-4.1", **prices)
            async with home.server() as client:
                client.open(uri, "# a function that doubles its argument\n")
                place = {"line": 0, "character": 0}
                told = await client.command(
                    "ensemble.generate",
                    {
                        "uri": uri,
                        "range": {"start": place, "end": place},
                        "size": 1,
                        "apply": False,
                    },
                )
                assert told["text"].strip() == good
                why = await client.command("ensemble.why", {"id": told["candidates"][0]["id"]})
                assert "cheap was asked first, but its answer does not parse" in why["why"]
