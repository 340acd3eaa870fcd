"""A running request: awaited, stopped early, closed at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from ensemble_lsp.completion.inflight import InflightRequest
from ensemble_lsp.errors import TimedOutError
from ensemble_lsp.types import Chunk, Prompt
from tests.support.fake_models import FakeModel

PROMPT = Prompt("complete", "python", "a.py")


async def test_it_gathers_the_text_and_the_usage() -> None:
    request = InflightRequest(FakeModel("m", "hello", pieces=3), PROMPT)
    await request.wait_done()
    completion = request.completion()
    assert (completion.text, completion.model, completion.usage.output_tokens) == ("hello", "m", 5)
    assert completion.cost == (10 * 1 + 5 * 2) / 1e6
    assert request.has_answer


async def test_it_stops_reading_and_closes_the_stream_when_there_is_enough() -> None:
    model = FakeModel("m", "one\ntwo\nthree", pieces=13)
    request = InflightRequest(model, PROMPT, lambda text: "\n" in text)
    await request.wait_done()
    assert request.text == "one\n"
    assert model.closed == 1


async def test_cancelling_a_waiter_does_not_close_the_stream() -> None:
    gate = asyncio.Event()
    request = InflightRequest(FakeModel("m", "x", gate=gate), PROMPT)
    waiter = asyncio.ensure_future(request.wait_done())
    await asyncio.sleep(0)
    waiter.cancel()
    gate.set()
    await request.wait_done()
    assert request.text == "x"


async def test_closing_it_closes_the_stream_at_once() -> None:
    model = FakeModel("m", "x", gate=asyncio.Event())
    request = InflightRequest(model, PROMPT)
    await model.asked.wait()
    request.close()
    await request.wait_closed()
    assert model.closed == 1
    assert not request.has_answer


async def test_a_stream_that_is_closed_before_it_begins_holds_no_waiter() -> None:
    request = InflightRequest(FakeModel("m", "x"), PROMPT)
    request.close()
    await asyncio.wait_for(request.wait_done(), 5)
    assert request.is_closed
    assert not request.has_answer


async def test_an_error_of_the_provider_is_kept_not_raised() -> None:
    request = InflightRequest(FakeModel("m", TimedOutError("m", "m: too slow")), PROMPT)
    await request.wait_done()
    assert isinstance(request.error, TimedOutError)
    assert not request.has_answer


async def complete_then_failing() -> AsyncIterator[Chunk]:
    """A complete answer, then a connection that breaks."""
    yield Chunk("hello", "m")
    yield Chunk("", "m", None, "stop")
    raise TimedOutError("m", "m: too slow")


async def test_an_error_after_a_complete_answer_does_not_spoil_it() -> None:
    model = FakeModel("m")
    model.stream = lambda _: complete_then_failing()
    request = InflightRequest(model, PROMPT)
    await request.wait_done()
    assert (request.text, request.has_answer, request.is_closed) == ("hello", True, False)
    request.close()  # lets the stream end: its connection can be used again
    await request.wait_closed()
    assert (request.is_closed, request.error) == (True, None)
