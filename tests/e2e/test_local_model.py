"""A real model (SmolLM2-135M, four bits) in its child process: adapter, lifecycle, a whole session."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from ensemble_lsp.models.profiles import make_profile
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.providers.llamacpp.http_api import EngineClient, make_client
from ensemble_lsp.providers.llamacpp.llamacpp_model import LlamaCppModel
from ensemble_lsp.settings import ModelSettings
from ensemble_lsp.types import Prompt
from tests.server.conftest import Home
from tests.support.lsp_client import LspClient, assert_cancelled
from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SHAPES = '''import math


def circle_area(radius):
    """Return the area of a circle."""
    if radius < 0:
        raise ValueError("radius must not be negative")
    return math.'''
LONG = "Explain at great length, in many paragraphs, what this code does."


@pytest.fixture
async def model(weights: Path, tmp_path: Path) -> AsyncIterator[LlamaCppModel]:
    settings = ModelSettings(name="smollm2", provider="llamacpp", model=str(weights))
    model = LlamaCppModel(settings, make_profile(settings), data_dir=tmp_path)
    yield model
    await model.close()


def line(prefix: str, suffix: str = "\n", tokens: int = 24) -> Prompt:
    return Prompt(
        "complete", "python", "a.py", prefix=prefix, suffix=suffix, multiline=False,
        max_tokens=tokens,
    )  # fmt: skip


def explain() -> Prompt:
    selection = SHAPES + "pi * radius ** 2\n"
    return Prompt(
        "explain", "python", "a.py", selection=selection, instruction=LONG, max_tokens=2000
    )


# -- the adapter ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "begins"),
    [
        (SHAPES + "p", "i"),
        ("import os\nimport sys\n\nos.path.joi", "n("),
        ("def fib(n):\n    if n <= 1:\n        retu", "rn"),
        ("class Stack:\n    def __ini", "t__("),
        ("for i in ran", "ge("),
    ],
)
async def test_a_token_cut_at_the_cursor_is_healed(
    model: LlamaCppModel, prefix: str, begins: str
) -> None:
    answer = await gather(model, line(prefix))
    assert answer.text.startswith(begins)
    assert "\n" not in answer.text
    assert 0.3 < (answer.confidence or 0) <= 1
    assert answer.usage.output_tokens > 0


async def test_a_warm_prompt_is_not_read_again(model: LlamaCppModel) -> None:
    body = "".join(f"def f{n}(x):\n    return x + {n}\n\n\n" for n in range(30))
    first = await gather(model, line(body + "def f31(x):\n    ret"))
    second = await gather(model, line(body + "def f31(x):\n    return x"))
    assert first.usage.cached_tokens == 0
    assert second.usage.cached_tokens > 0.9 * second.usage.input_tokens


async def test_cancelling_stops_the_childs_work(model: LlamaCppModel) -> None:
    async with aclosing(model.stream(explain())) as chunks:
        async for chunk in chunks:
            if chunk.text:
                break
        assert await busy_slots(model)
    while await busy_slots(model):  # the test's own time-out is the limit
        await asyncio.sleep(0.02)
    assert model.engine.pid is not None
    child = psutil.Process(model.engine.pid)
    before = sum(child.cpu_times()[:2])
    await asyncio.sleep(0.5)  # nothing to wait for: it is about what does not happen
    assert sum(child.cpu_times()[:2]) - before < 0.15


async def busy_slots(model: LlamaCppModel) -> int:
    client = await asyncio.to_thread(make_client)
    try:
        async with model.engine.use(Path(), 0) as endpoint:
            headers = {"Authorization": f"Bearer {endpoint.key}"}
            slots = (await client.get(f"{endpoint.url}/slots", headers=headers)).json()
            return sum(slot["is_processing"] for slot in slots)
    finally:
        await client.aclose()


async def test_the_engine_answers_nobody_without_the_key(model: LlamaCppModel) -> None:
    await gather(model, line("import o"))
    client = await asyncio.to_thread(make_client)
    async with model.engine.use(Path(), 0) as endpoint:
        assert endpoint.url.startswith("http://127.0.0.1:")
        answer = await client.post(f"{endpoint.url}/completion", json={"prompt": "a"})
        assert answer.status_code == 401
        assert await EngineClient(client, endpoint, "smollm2").ask("/tokenize", {"content": "a"})
    await client.aclose()


async def invoked(client: LspClient, uri: str) -> list[dict[str, Any]]:
    """Inline completions, however busy the machine is on which the model is loaded."""
    _, future = client.start_inline(uri)
    return (await asyncio.wait_for(future, 120))["items"]


# -- a whole session over stdio ------------------------------------------------------------------


def child_of(client: LspClient) -> psutil.Process | None:
    """The process that holds the model: the only child of the server that stays."""
    for child in psutil.Process(client.process.pid).children():
        with suppress(psutil.NoSuchProcess):  # a zombie too
            if "llamacpp" in " ".join(child.cmdline()):
                return child
    return None


async def test_a_session_completes_explains_and_generates(local_home: Home) -> None:
    uri = (local_home.workspace / "shapes.py").as_uri()
    async with local_home.server() as client:
        client.open(uri, SHAPES)
        items = await invoked(client, uri)
        assert items[0]["insertText"].startswith("pi"), items
        client.accept(uri, items[0])
        await client.command("ensemble.accept", items[0]["command"]["arguments"][0])

        place = client.at(uri, client.text(uri).index("circle_area") + 2)
        hover = await client.request("textDocument/hover", place, timeout=120)
        assert "circle" in hover["contents"]["value"].lower()
        assert "smollm2" in hover["contents"]["value"]

        client.append(uri, "\n\n\n# Return the area of a square with the given side\n")
        at = client.position(client.text(uri), len(client.text(uri)) - 2)
        wish = {"uri": uri, "range": {"start": at, "end": at}}
        result = await client.command("ensemble.generate", wish, timeout=120)
        assert "def " in client.text(uri).split("given side\n")[1]
        assert result["candidates"][0]["models"] == ["smollm2"]

        stats = {m["name"]: m["stats"] for m in await client.command("ensemble.models")}["smollm2"]
        assert stats["complete"]["accepted"] == 1
        assert set(stats) == {"complete", "explain", "generate"}
        assert await client.shutdown() == 0
        assert client.invalid == []


async def test_a_cancelled_generation_ends_in_the_child_too(local_home: Home) -> None:
    uri = (local_home.workspace / "shapes.py").as_uri()
    async with local_home.server() as client:
        client.open(uri, "\n")
        await invoked(client, uri)
        place = {"line": 0, "character": 0}
        argument = {
            "uri": uri,
            "range": {"start": place, "end": place},
            "instruction": "a class with fifty methods, each with a long docstring",
            "size": 1,
        }
        params = {"command": "ensemble.generate", "arguments": [argument]}
        id_, future = client.start("workspace/executeCommand", params)
        child = await until(lambda: child_of(client))
        start = sum(child.cpu_times()[:2])
        await until(lambda: sum(child.cpu_times()[:2]) > start + 0.3)
        client.cancel(id_)
        await assert_cancelled(future)

        async def rests() -> bool:
            before = sum(child.cpu_times()[:2])
            await asyncio.sleep(0.3)
            return sum(child.cpu_times()[:2]) - before < 0.1

        while not await rests():
            pass


@asynccontextmanager
async def server_and_child(home: Home) -> AsyncIterator[tuple[LspClient, psutil.Process]]:
    """A server that has completed once, and the process that holds its model."""
    uri = (home.workspace / "shapes.py").as_uri()
    async with home.server() as client:
        client.open(uri, SHAPES)
        assert await invoked(client, uri)
        child = child_of(client)
        assert child is not None
        yield client, child


async def test_the_child_dies_with_a_server_that_is_killed(local_home: Home) -> None:
    async with server_and_child(local_home) as (client, child):
        client.process.send_signal(signal.SIGKILL)
        await client.process.wait()
        await until(lambda: not alive(child), 10)


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_the_child_leaves_with_the_server(local_home: Home) -> None:
    async with server_and_child(local_home) as (client, child):
        assert await client.shutdown() == 0
        await until(lambda: not alive(child), 10)


async def test_a_killed_child_is_started_anew_at_the_next_request(local_home: Home) -> None:
    async with server_and_child(local_home) as (client, first):
        first.kill()
        await until(lambda: not alive(first), 10)
        other = (local_home.workspace / "other.py").as_uri()  # nothing is remembered of it
        client.open(other, SHAPES.replace("circle", "disc"))
        items = await invoked(client, other)
        second = child_of(client)
        assert items, [p for m, p in client.notifications if m == "ensemble/status"]
        assert items[0]["insertText"].startswith("pi"), items
        assert second is not None
        assert second.pid != first.pid


async def test_a_completion_goes_before_the_explanations_that_wait(local_home: Home) -> None:
    uri = (local_home.workspace / "shapes.py").as_uri()
    body = "".join(
        f"def area_{n}(side):\n    if side < {n}:\n        return {n}\n    return side ** {n}\n\n\n"
        for n in range(4)
    )
    async with local_home.server() as client:
        client.open(uri, body + "def area_of_circle(radius):\n    return 3.14 * ra")
        text = client.text(uri)
        assert await invoked(client, uri)  # the model is loaded
        hovers = []
        for n in range(4):
            span = client.range(text, text.index(f"def area_{n}"), text.index(f"** {n}") + 4)
            params = {
                "command": "ensemble.explain",
                "arguments": [{"uri": uri, "range": span, "size": 1}],
            }
            hovers.append(client.start("workspace/executeCommand", params))
        child = child_of(client)
        assert child is not None
        start = sum(child.cpu_times()[:2])
        await until(lambda: sum(child.cpu_times()[:2]) > start + 0.1)  # the first is under way
        client.append(uri, "d")
        items = await invoked(client, uri)
        finished = sum(future.done() for _, future in hovers)
        assert items[0]["insertText"].startswith("ius"), items
        assert finished <= 1, "only what was under way already may come first"
        for _, future in hovers:
            assert (await asyncio.wait_for(future, 120))["markdown"]
