"""The circuit breaker: it opens after failures, tries again after its pause, and pauses only what is concerned."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import aclosing

import pytest

from ensemble_lsp.errors import (
    AuthenticationError,
    BadRequestError,
    ContentFilteredError,
    InvalidResponseError,
    ModelNotFoundError,
    ProviderError,
    QuotaExceededError,
    RateLimitedError,
    ServiceUnavailableError,
    TimedOutError,
)
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.models.wrappers import (
    CircuitBreaker,
)
from tests.support.scripted import PROMPT, Clock, ScriptedModel, down, fail
from tests.support.waiting import until


async def test_three_failures_in_a_row_open_it_and_then_nothing_is_asked():
    clock = Clock()
    inner = ScriptedModel(answers=[[down()]])
    breaker = CircuitBreaker(inner, clock)
    assert (await fail(breaker, 2)).was_sent
    assert breaker.state == "closed"
    await fail(breaker)
    assert (breaker.state, breaker.retry_at) == ("open", clock.now + 15)
    error = await fail(breaker)
    assert (type(error), error.was_sent, len(inner.calls)) == (ServiceUnavailableError, False, 3)
    assert str(error) == "fake is overloaded (paused, tried again in 15 s)." == breaker.reason


async def test_an_answer_between_failures_starts_the_count_again():
    breaker = CircuitBreaker(
        ScriptedModel(answers=[[down()], [down()], ["ok"], [down()], [down()]])
    )
    await fail(breaker, 2)
    await gather(breaker, PROMPT)
    await fail(breaker, 2)
    assert breaker.state == "closed"


async def test_after_its_pause_one_request_may_try_and_each_failed_try_doubles_the_pause():
    clock = Clock()
    breaker = CircuitBreaker(ScriptedModel(answers=[[down()]]), clock)
    await fail(breaker, 3)
    for pause in (30, 60, 120, 240, 300, 300):
        clock.now = breaker.retry_at
        assert breaker.state == "half-open"
        assert (await fail(breaker)).was_sent
        assert breaker.retry_at == clock.now + pause


async def test_a_try_that_is_answered_closes_it_and_the_pause_begins_small_again():
    clock = Clock()
    answers = [[down()]] * 4 + [["ok"]] + [[down()]]
    breaker = CircuitBreaker(ScriptedModel(answers=answers), clock)
    await fail(breaker, 3)
    clock.now += 15
    await fail(breaker)
    clock.now += 30
    await gather(breaker, PROMPT)
    assert (breaker.state, breaker.reason) == ("closed", "")
    await fail(breaker, 3)
    assert breaker.retry_at == clock.now + 15


async def test_only_one_request_tries_at_a_time():
    clock, go = Clock(), asyncio.Event()
    inner = ScriptedModel(answers=[[down()]] * 3 + [[go, "ok"]])
    breaker = CircuitBreaker(inner, clock)
    await fail(breaker, 3)
    clock.now += 15
    trying = asyncio.ensure_future(gather(breaker, PROMPT))
    await until(lambda: inner.running)
    assert not (await fail(breaker)).was_sent
    go.set()
    assert (await trying).text == "ok"
    assert breaker.state == "closed"


async def test_a_try_that_is_cancelled_lets_the_next_one_try():
    clock = Clock()
    inner = ScriptedModel(answers=[[down()]] * 3 + [[asyncio.Event()], ["ok"]])
    breaker = CircuitBreaker(inner, clock)
    await fail(breaker, 3)
    clock.now += 15
    trying = asyncio.ensure_future(gather(breaker, PROMPT))
    await until(lambda: inner.running)
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    assert breaker.state == "half-open"
    assert (await gather(breaker, PROMPT)).text == "ok"


async def test_text_is_an_answer_though_the_reader_closes_before_the_end():
    clock = Clock()
    breaker = CircuitBreaker(
        ScriptedModel(answers=[[down()]] * 3 + [["ok", asyncio.Event()]]), clock
    )
    await fail(breaker, 3)
    clock.now += 15
    async with aclosing(breaker.stream(PROMPT)) as chunks:
        await anext(chunks)
    assert breaker.state == "closed"


async def test_what_only_the_user_can_mend_opens_it_at_once_for_five_minutes():
    clock = Clock()
    breaker = CircuitBreaker(
        ScriptedModel(answers=[[AuthenticationError("fake", "Wrong key.")]]), clock
    )
    await fail(breaker)
    assert (breaker.state, breaker.retry_at) == ("open", clock.now + 300)
    assert isinstance(await fail(breaker), AuthenticationError)


@pytest.mark.parametrize("fault", [RateLimitedError, ServiceUnavailableError])
@pytest.mark.parametrize(("asked", "kept"), [(7, 7), (10**9, 3600)])
async def test_it_stays_open_as_long_as_the_provider_asks_within_reason(fault, asked, kept):
    clock = Clock()
    error = fault("fake", "Not now.", asked)
    breaker = CircuitBreaker(ScriptedModel(answers=[[error]]), clock)
    await fail(breaker)
    assert breaker.retry_at == clock.now + kept


async def test_a_refusal_of_the_request_does_not_speak_against_the_provider():
    bad = BadRequestError("fake", "No.")
    breaker = CircuitBreaker(ScriptedModel(answers=[[down()], [down()], [bad], [down()], [down()]]))
    await fail(breaker, 5)
    assert breaker.state == "closed"


async def test_failures_that_were_under_way_when_it_opened_say_nothing_new():
    clock, go = Clock(), asyncio.Event()
    inner = ScriptedModel(answers=[[go, down()]])
    breaker = CircuitBreaker(inner, clock)
    tasks = [asyncio.ensure_future(gather(breaker, PROMPT)) for _ in range(6)]
    await until(lambda: inner.running == 6)
    go.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert breaker.retry_at == clock.now + 15


@pytest.mark.parametrize(
    ("error", "spreads"),
    [
        (AuthenticationError("fake", "wrong key."), True),
        (QuotaExceededError("fake", "no credit."), True),
        (RateLimitedError("fake", "too many.", 9.0), True),
        (InvalidResponseError("fake", "no text."), False),
        (ServiceUnavailableError("fake", "overloaded."), False),
        (TimedOutError("fake", "too slow."), False),
        (ModelNotFoundError("fake", "no such path."), False),
    ],
)
async def test_only_key_quota_and_connection_pause_the_other_tasks(
    error: ProviderError, spreads: bool
) -> None:
    clock = Clock()
    breaker = CircuitBreaker(ScriptedModel(answers=[[error]]), clock)
    await fail(breaker, 3)
    other = dataclasses.replace(PROMPT, task="explain")
    assert breaker.state_for(PROMPT.task) == "open"
    assert breaker.state_for("explain") == ("open" if spreads else "closed")
    with pytest.raises(ProviderError) as caught:
        await gather(breaker, other)
    assert caught.value.was_sent is not spreads


async def test_too_many_requests_pause_at_once_even_without_a_delay() -> None:
    clock = Clock()
    breaker = CircuitBreaker(
        ScriptedModel(answers=[[RateLimitedError("fake", "too many.")]]), clock
    )
    await fail(breaker)
    assert breaker.retry_at == clock.now + 5


async def test_the_last_failure_is_shown_until_an_answer_comes() -> None:
    clock = Clock()
    declined = ContentFilteredError("fake", "declined.")
    breaker = CircuitBreaker(ScriptedModel(answers=[[declined], ["ok"]]), clock)
    await fail(breaker)
    assert (breaker.state, breaker.reason) == ("closed", "declined.")
    await gather(breaker, PROMPT)
    assert breaker.reason == ""
