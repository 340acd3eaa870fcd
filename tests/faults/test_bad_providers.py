"""Every fault a provider can have, for each protocol: the next model answers, or one sentence does."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import Any

import psutil
import pytest

from tests.faults.wire import OK, dripping, saying
from tests.server.conftest import Home
from tests.support.lsp_client import LspClient, LspError
from tests.support.providers import Fault, LoopbackProvider, Recorded, running
from tests.support.sources import CODE
from tests.support.tls import certificate

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

TIMEOUT = 1.5
"""Seconds: each model's own limit for an answer."""
ASKED = {"instruction": "return the product", "apply": False}
LATER = {"retry-after": "1"}

FAULTS: dict[str, Fault] = {
    **{f"status {code}": Fault.status(code) for code in (400, 401, 403, 404, 408, 413, 418, 422)},
    **{f"status {code}": Fault.status(code) for code in (500, 502, 503, 504, 529)},
    "429 with seconds": Fault.status(429, headers=LATER),
    "429 with a date": Fault.status(429, headers={"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}),
    "429 with nonsense": Fault.status(429, headers={"retry-after": "soon"}),
    "429 without": Fault.status(429),
    "503 with seconds": Fault.status(503, headers=LATER),
    "status 500, text": Fault.status(500, body="Traceback (most recent call last)\n" * 1000),
    "status 502, web page": Fault.html(502),
    "status 400, list": Fault.status(400, body=[1, 2]),
    "200 with an error": Fault.body_of({"error": {"message": "no", "type": "x"}}),
    "200 with an error's text": Fault.body_of({"error": "overloaded"}),
    "200 with null": Fault.body_of("null"),
    "200 with nothing": Fault.body_of(""),
    "200 with a list": Fault.body_of([]),
    "web page": Fault.html(),
    "wrong content type": Fault.wrong_content_type("text/html"),
    "redirect": Fault.redirect("http://127.0.0.1:9/v1"),
    "cut": Fault.cut(),
    "cut at once": Fault.cut(0),
    "ends early": Fault.ends_early(),
    "garbage": Fault.garbage(),
    "garbage at once": Fault.garbage(0),
    "null event": Fault.event(b"data: null\n\n", 1),
    "list event": Fault.event(b"data: [1]\n\n", 1),
    "string event": Fault.event(b'data: "x"\n\n', 1),
    "wrong types": Fault.event(b'data: {"choices": {"a": 1}, "type": 5, "delta": []}\n\n', 1),
    "endless field": Fault.event(b"data: " + b"x" * 3_000_000),
    "invalid utf-8": Fault.invalid_utf8(),
    "empty choices": Fault.empty_choices(),
    "one huge token": Fault.huge_token(),
    "refusal": Fault.refusal(),
    "content filter": Fault.content_filter(),
    "disconnect": Fault.disconnect(),
    "stall": Fault.stall(),
    "never answers": Fault.never_answer(),
    "endless": Fault.endless(),
}
MAY_ANSWER = {
    "cut", "ends early", "stall", "endless", "endless field", "one huge token", "wrong content type",
}  # fmt: skip
"""What came before the fault may be an answer of its own."""
PROTOCOLS = ("chat", "completions", "responses", "messages")


def by_model(seen: Recorded) -> Fault | None:
    """The model's id is the fault's name."""
    return FAULTS.get(str(seen.body["model"]))


def add(
    home: Home, name: str, protocol: str, url: str, model: str = "m", timeout: float = TIMEOUT
) -> None:
    settings: dict[str, Any] = {"name": name, "model": model, "timeout": timeout}
    if protocol == "messages":
        settings |= {"provider": "anthropic", "baseUrl": url.removesuffix("/v1")}
    else:
        settings |= {"provider": "openai", "api": protocol, "baseUrl": url}
    home.models.append({**settings, "apiKeyEnv": "TEST_KEY"})
    home.env["TEST_KEY"] = "sk-test-0123456789abcdefghij"


async def outcome(client: LspClient, uri: str, model: str, seconds: float = 20) -> str:
    """What a generation by one model ends in: its text, or ``!`` and the sentence."""
    range_ = client.range(client.text(uri), len(CODE), len(CODE))
    arguments = {"uri": uri, "range": range_, "model": model, **ASKED}
    try:
        return str((await client.command("ensemble.generate", arguments, seconds))["text"])
    except LspError as error:
        assert set(error.data or {}) <= {"problem"} and error.code == -32803
        return f"!{error.message}"


def is_one_sentence(said: str, model: str) -> None:
    assert said.startswith("!"), (model, said[:200])
    assert model in said and "\n" not in said and len(said) < 400, said
    assert "sk-test" not in said and "Traceback" not in said and "Error(" not in said, said


def sockets(process: psutil.Process) -> int:
    return sum(c.status == psutil.CONN_ESTABLISHED for c in process.net_connections("tcp"))


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_each_fault_ends_in_the_next_models_answer_or_one_sentence_and_leaks_nothing(
    home: Home, uri: str, protocol: str
) -> None:
    # The completions API has no refusals: what would be one is a text like any other.
    may_answer = MAY_ANSWER | ({"refusal"} if protocol == "completions" else set())
    home.tables["selector"] = {"strategy": "fixed"}
    home.tables["complete"] = {"budgetMs": 8000, "candidates": 1}
    home.tables["ensemble"] = {"budgetMs": 15000}
    with running(LoopbackProvider("bad in several pieces", fault=by_model)) as bad:
        with running(LoopbackProvider("width * height")) as good:
            add(home, "good", protocol, good.base_url)
            for fault in FAULTS:
                add(home, f"is {fault}", protocol, bad.base_url, fault)
            async with home.server() as client:
                client.open(uri, CODE)
                assert await outcome(client, uri, "good") == "width * height"
                process = psutil.Process(client.process.pid)
                before = process.num_fds(), process.memory_info().rss
                for fault in FAULTS:
                    said = await outcome(client, uri, f"is {fault}")
                    if fault not in may_answer or said.startswith("!"):
                        is_one_sentence(said, f"is {fault}")
                await falls_over(client, uri, may_answer)
                # Idle connections are kept for the next request, but not one for each fault.
                deadline = time.monotonic() + 10
                while sockets(process) > len(FAULTS):
                    assert time.monotonic() < deadline, sockets(process)
                    await asyncio.sleep(0.1)
                assert process.memory_info().rss - before[1] < 120 * 2**20
                assert "Traceback" not in home.log(), home.log()[:3000]
                assert "sk-test" not in home.log()


async def falls_over(client: LspClient, uri: str, may_answer: set[str]) -> None:
    """With a faulty model in front, the one after it answers."""
    for number, fault in enumerate(f for f in FAULTS if f not in may_answer):
        await client.command("ensemble.pin", {"task": "complete", "name": f"is {fault}"})
        client.insert(uri, 0, f"# {number}\n")
        items = await client.inline(uri)
        assert [i["insertText"] for i in items] == ["width * height"], fault


RAW = {
    "not http": [b"SSH-2.0-OpenSSH_9.6\r\n\r\n"],
    "empty": [],
    "headers only": [OK + b"content-length: 500\r\n\r\n", 0.1],
    "lying length": [OK + b"content-length: 5\r\n\r\ndata: {}\n\n" + b"x" * 5000],
    "bad chunk": [OK + b"transfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n"],
    "endless headers": [b"HTTP/1.1 200 OK\r\n" + b"x-filling: y\r\n" * 200_000],
    "endless header line": [b"HTTP/1.1 200 OK\r\nx: " + b"y" * 2_000_000 + b"\r\n\r\n"],
    "null bytes": [b"HTTP/1.1 200 OK\r\n\x00\x00: \x00\r\n\r\n"],
    "unasked compression": [OK + b"content-encoding: gzip\r\n\r\n" + b"\x1f\x8b\x08garbage"],
    "continue without end": [b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, 3.0],
    "slow status line": dripping(OK + b"\r\n", 10.0),
    "slow first byte": [8.0, OK + b"\r\ndata: {}\n\n"],
    "slow headers, slow body": dripping(OK + b"\r\ndata: {}\n\n", 20.0),
    "comments without end": [OK + b"\r\n", *[b": ping\n\n", 0.05] * 400],
}  # fmt: skip


@pytest.mark.parametrize("protocol", ["chat", "messages"])
async def test_what_is_hardly_http_ends_in_one_sentence_in_time(
    home: Home, uri: str, protocol: str
) -> None:
    home.tables["ensemble"] = {"budgetMs": 15000}
    with contextlib.ExitStack() as stack:
        good = stack.enter_context(running(LoopbackProvider("1")))
        add(home, "good", protocol, good.base_url)
        for name, steps in RAW.items():
            add(home, f"is {name}", protocol, stack.enter_context(saying(steps)))
        async with home.server() as client:
            client.open(uri, CODE)
            assert await outcome(client, uri, "good", 60) == "1"
            for name in RAW:
                start = time.monotonic()
                is_one_sentence(await outcome(client, uri, f"is {name}"), f"is {name}")
                assert time.monotonic() - start < TIMEOUT + 4, name
            assert await outcome(client, uri, "good") == "1"
            assert "Traceback" not in home.log(), home.log()[:3000]


@pytest.mark.parametrize("protocol", ["chat", "messages"])
async def test_addresses_that_lead_nowhere_are_named(home: Home, uri: str, protocol: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = free.getsockname()[1]
    with contextlib.ExitStack() as stack:
        plain = stack.enter_context(saying([OK + b"\r\n"]))
        nobody = stack.enter_context(saying([OK + b"\r\n"], tls=certificate(home.path)))
        places = {
            "refused": f"http://127.0.0.1:{closed}/v1",
            "no such name": "http://nowhere.invalid/v1",
            "no possible name": f"http://{'x' * 70}.invalid/v1",
            "no tls there": plain.replace("http:", "https:"),
            "certificate": nobody,
        }
        for name, url in places.items():
            add(home, f"is {name}", protocol, url)
        async with home.server() as client:
            client.open(uri, CODE)
            for name in places:
                is_one_sentence(await outcome(client, uri, f"is {name}", 30), f"is {name}")
            assert "Traceback" not in home.log(), home.log()[:3000]


@pytest.mark.parametrize("protocol", ["chat", "messages"])
async def test_the_breaker_opens_and_closes_again(home: Home, uri: str, protocol: str) -> None:
    with running(LoopbackProvider("width * height", fault=Fault.status(429, headers=LATER))) as one:
        add(home, "gpt", protocol, one.base_url, timeout=20)
        async with home.server() as client:
            client.open(uri, CODE)
            is_one_sentence(await outcome(client, uri, "gpt", 60), "gpt")
            asked = len(one.requests)
            said = await outcome(client, uri, "gpt")
            assert "paused" in said and len(one.requests) == asked
            models = await client.command("ensemble.models")
            assert not models[0]["available"] and "paused" in models[0]["reason"]
            one.fault = None
            answers: list[str] = []
            deadline = time.monotonic() + 10
            while not answers or answers[-1].startswith("!"):
                assert time.monotonic() < deadline
                answers.append(await outcome(client, uri, "gpt"))
                await asyncio.sleep(0.1)
            assert answers[-1] == "width * height"
            # Closed: the next request goes through as ever.
            assert await outcome(client, uri, "gpt") == "width * height"
            assert (await client.command("ensemble.models"))[0]["available"]


async def test_three_failures_in_a_row_open_it_and_one_answer_between_does_not(
    home: Home, uri: str
) -> None:
    failing = iter([True, True, False, True, True, True, True, True])
    fault = Fault.status(500)
    provider = LoopbackProvider("1", fault=lambda _: fault if next(failing) else None)
    with running(provider) as one:
        add(home, "gpt", "chat", one.base_url, timeout=20)
        async with home.server() as client:
            client.open(uri, CODE)
            said = [await outcome(client, uri, "gpt", 60) for _ in range(8)]
            assert said[2] == "1"
            assert [("paused" in each) for each in said[3:]] == [False] * 3 + [True] * 2
            assert len(one.requests) == 6
