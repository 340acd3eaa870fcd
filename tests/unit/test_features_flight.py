"""A request under way: joined, ended early, closed at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from ensemble_lsp.completion.inflight import InflightRequest
from ensemble_lsp.errors import TimedOutError
from ensemble_lsp.types import Chunk, Prompt
from tests.support.fake_models import FakeModel

PROMPT = Prompt("complete", "python", "a.py")


async def test_it_gathers_the_text_and_the_usage() -> None:
    flight = InflightRequest(FakeModel("m", "hello", pieces=3), PROMPT)
    await flight.wait_done()
    completion = flight.completion()
    assert (completion.text, completion.model, completion.usage.output_tokens) == ("hello", "m", 5)
    assert completion.cost == (10 * 1 + 5 * 2) / 1e6
    assert flight.has_answer


async def test_it_stops_reading_and_closes_the_stream_when_there_is_enough() -> None:
    model = FakeModel("m", "one\ntwo\nthree", pieces=13)
    flight = InflightRequest(model, PROMPT, lambda text: "\n" in text)
    await flight.wait_done()
    assert flight.text == "one\n"
    assert model.closed == 1


async def test_who_waits_may_be_cancelled_and_the_flight_goes_on() -> None:
    gate = asyncio.Event()
    flight = InflightRequest(FakeModel("m", "x", gate=gate), PROMPT)
    waiter = asyncio.ensure_future(flight.wait_done())
    await asyncio.sleep(0)
    waiter.cancel()
    gate.set()
    await flight.wait_done()
    assert flight.text == "x"


async def test_closing_it_closes_the_stream_at_once() -> None:
    model = FakeModel("m", "x", gate=asyncio.Event())
    flight = InflightRequest(model, PROMPT)
    await model.asked.wait()
    await flight.closed()
    assert model.closed == 1
    assert not flight.has_answer


async def test_an_error_of_the_provider_is_kept_not_raised() -> None:
    flight = InflightRequest(FakeModel("m", TimedOutError("m", "m: too slow")), PROMPT)
    await flight.wait_done()
    assert isinstance(flight.error, TimedOutError)
    assert not flight.has_answer


async def test_the_first_piece_can_be_waited_for() -> None:
    tail = asyncio.Event()
    flight = InflightRequest(FakeModel("m", "ab", pieces=2, tail=tail), PROMPT)
    await flight.first()
    assert flight.text.startswith("a")
    assert not flight.done
    tail.set()
    await flight.wait_done()
    assert flight.text == "ab"


async def whole_then_failing() -> AsyncIterator[Chunk]:
    """An answer that is whole, and a connection that breaks after it."""
    yield Chunk("hello", "m")
    yield Chunk("", "m", None, "stop")
    raise TimedOutError("m", "m: too slow")


async def test_what_goes_wrong_after_a_whole_answer_does_not_spoil_it() -> None:
    model = FakeModel("m")
    model.stream = lambda _: whole_then_failing()  # type: ignore[method-assign]
    flight = InflightRequest(model, PROMPT)
    await flight.wait_done()
    assert (flight.text, flight.has_answer, flight.is_closed) == ("hello", True, False)
    flight.close()  # lets the stream end: its connection serves again
    await flight.wait_closed()
    assert (flight.is_closed, flight.error) == (True, None)
