"""Policies: limits, breaker, queue, metering; each closes the stream inside at once."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from ensemble_lsp.errors import (
    AuthenticationError,
    ServiceUnavailableError,
    TimedOutError,
)
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.models.token_estimates import estimate_usage
from ensemble_lsp.models.wrappers import (
    CircuitBreaker,
    ConcurrencyLimit,
    Draining,
    Metered,
    ModelCall,
    Scheduler,
    Timeout,
    Unavailable,
)
from ensemble_lsp.types import Chunk, Usage
from tests.support.scripted import PROMPT, Clock, ScriptedModel, down, fail, prompt
from tests.support.waiting import until

WRAPPERS = {
    "Timeout": lambda model: Timeout(model, 60),
    "CircuitBreaker": CircuitBreaker,
    "ConcurrencyLimit": lambda model: ConcurrencyLimit(model, Scheduler()),
    "Metered": lambda model: Metered(model, lambda call: None),
    "Draining": Draining,
}


@pytest.fixture(params=WRAPPERS.values(), ids=WRAPPERS)
def wrap(request):
    return request.param


async def test_every_wrapper_hands_on_answer_and_profile(wrap):
    inner = ScriptedModel(answers=[["a", "b", Chunk(usage=Usage(3, 2), finish="stop")]])
    wrapped = wrap(inner)
    assert wrapped.profile is inner.profile
    answer = await gather(wrapped, PROMPT)
    assert (answer.text, answer.usage, answer.finish) == ("ab", Usage(3, 2), "stop")


async def test_closing_a_wrapper_closes_the_stream_inside_at_once(wrap):
    inner = ScriptedModel(answers=[["a", asyncio.Event()]])
    async with aclosing(wrap(inner).stream(PROMPT)) as chunks:
        await anext(chunks)
        assert inner.ended == 0
    assert inner.ended == 1


async def test_cancelling_a_wrapper_closes_the_stream_inside_at_once(wrap):
    inner = ScriptedModel(answers=[[asyncio.Event()]])
    task = asyncio.ensure_future(gather(wrap(inner), PROMPT))
    await until(lambda: inner.running)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert inner.ended == 1


async def test_every_wrapper_lets_an_error_through(wrap):
    with pytest.raises(ServiceUnavailableError, match=r"fake is overloaded\."):
        await gather(wrap(ScriptedModel(answers=[[down()]])), PROMPT)


async def test_closing_the_model_closes_the_inner_one(wrap):
    inner = ScriptedModel()
    wrapped = wrap(inner)
    await wrapped.close()
    assert inner.closed == 1


# -- Timeout


async def test_an_answer_that_stalls_is_timed_out_and_its_stream_closed():
    inner = ScriptedModel(answers=[["a", asyncio.Event()]])
    with pytest.raises(
        TimedOutError, match=r"raise its timeout. fake: no answer in 0.01 s"
    ) as caught:
        await gather(Timeout(inner, 0.01), PROMPT)
    assert (inner.ended, caught.value.model) == (1, "fake")


async def test_the_first_piece_may_have_a_shorter_limit():
    with pytest.raises(TimedOutError, match=r"in 0.01 s"):
        await gather(Timeout(ScriptedModel(answers=[[asyncio.Event()]]), 60, first=0.01), PROMPT)


async def test_the_readers_own_time_does_not_count():
    limited = Timeout(ScriptedModel(answers=[["a", "b", "c"]]), 0.05)
    texts = []
    async with aclosing(limited.stream(PROMPT)) as chunks:
        async for chunk in chunks:
            texts.append(chunk.text)
            await asyncio.sleep(0.03)  # the reader is slow: three times this is over the limit
    assert texts == ["a", "b", "c"]


async def test_a_reader_that_is_cancelled_is_cancelled_not_timed_out():
    task = asyncio.ensure_future(
        gather(Timeout(ScriptedModel(answers=[[asyncio.Event()]]), 60), PROMPT)
    )
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# -- Scheduler, ConcurrencyLimit


def on_one_machine(
    limit: int, *names: str
) -> tuple[Scheduler, list[ScriptedModel], list[ConcurrencyLimit]]:
    scheduler = Scheduler()
    inner = [
        ScriptedModel(n, [[asyncio.Event(), n]], backend="local", concurrency=limit) for n in names
    ]
    return scheduler, inner, [ConcurrencyLimit(model, scheduler) for model in inner]


async def test_no_more_than_the_limit_run_at_once():
    gate = asyncio.Event()
    inner = ScriptedModel(answers=[[gate, "x"]], concurrency=2)
    limited = ConcurrencyLimit(inner, Scheduler())
    tasks = [asyncio.ensure_future(gather(limited, PROMPT)) for _ in range(5)]
    await until(lambda: inner.running == 2)
    gate.set()
    await asyncio.gather(*tasks)
    assert (inner.most_running, len(inner.calls)) == (2, 5)


async def test_a_completion_goes_before_what_waits_for_the_same_backend():
    scheduler, (first, second), (one, two) = on_one_machine(1, "one", "two")
    order: list[str] = []

    async def ask(model, task):
        await gather(model, prompt(task))
        order.append(task)

    tasks = [asyncio.ensure_future(ask(one, "explain"))]
    await until(lambda: first.running)
    for model, task in ((two, "generate"), (one, "explain"), (two, "complete")):
        tasks.append(asyncio.ensure_future(ask(model, task)))
    await until(lambda: scheduler.waiting("local") == 3)
    for model in (first, second):
        model.answers[0][0].set()
    await asyncio.gather(*tasks)
    assert order == ["explain", "complete", "generate", "explain"]


async def test_one_of_several_places_is_kept_for_completions():
    scheduler, (inner,), (limited,) = on_one_machine(2, "one")
    tasks = [asyncio.ensure_future(gather(limited, prompt("explain"))) for _ in range(2)]
    await until(lambda: scheduler.waiting("local") == 1)
    tasks.append(asyncio.ensure_future(gather(limited, prompt("complete"))))
    await until(lambda: inner.running == 2)
    assert inner.calls[-1].task == "complete"
    inner.answers[0][0].set()
    await asyncio.gather(*tasks)


async def test_a_waiter_that_is_cancelled_leaves_the_queue_at_once():
    scheduler, (inner,), (limited,) = on_one_machine(1, "one")
    tasks = [asyncio.ensure_future(gather(limited, PROMPT)) for _ in range(3)]
    await until(lambda: scheduler.waiting("local") == 2)
    tasks[1].cancel()
    await asyncio.wait([tasks[1]])
    assert scheduler.waiting("local") == 1
    inner.answers[0][0].set()
    await tasks[0]
    await tasks[2]
    assert len(inner.calls) == 2


async def test_a_place_given_in_the_moment_of_a_cancel_is_not_lost():
    scheduler = Scheduler()
    async with scheduler.place("b", 1, "complete"):
        waiting = asyncio.ensure_future(scheduler.place("b", 1, "complete").__aenter__())
        await until(lambda: scheduler.waiting("b") == 1)
    waiting.cancel()  # its turn has come, but it has not run yet
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with scheduler.place("b", 1, "complete"):
        pass


async def test_services_do_not_wait_for_one_another():
    scheduler = Scheduler()
    stuck, free = (
        ScriptedModel("a", [[asyncio.Event()]], concurrency=1),
        ScriptedModel("b", concurrency=1),
    )
    task = asyncio.ensure_future(gather(ConcurrencyLimit(stuck, scheduler), PROMPT))
    await until(lambda: stuck.running)
    assert (await gather(ConcurrencyLimit(free, scheduler), PROMPT)).text == "text"
    task.cancel()
    await asyncio.wait([task])


# -- Metered


class Meter:
    def __init__(self, answers, **profile) -> None:
        self.calls: list[ModelCall] = []
        self.clock = Clock(50.0)
        self.inner = ScriptedModel("gpt", answers, input_price=1.0, output_price=4.0, **profile)
        self.model = Metered(self.inner, self.calls.append, clock=self.clock, now=lambda: 1e9)

    @property
    def call(self) -> ModelCall:
        assert len(self.calls) == 1
        return self.calls[0]


async def test_a_call_is_reported_once_with_times_tokens_and_cost():
    meter = Meter([["", "a", "b", Chunk(usage=Usage(1000, 250), finish="stop")]])
    async with aclosing(meter.model.stream(PROMPT)) as chunks:
        async for _ in chunks:
            meter.clock.now += 0.1
    call = meter.call
    assert (call.model, call.provider, call.task, call.status) == (
        "gpt",
        "openai",
        "complete",
        "ok",
    )
    assert call.first_token_ms == pytest.approx(100)
    assert call.total_ms == pytest.approx(300)
    assert (call.usage, call.time) == (Usage(1000, 250), 1e9)
    assert call.cost == pytest.approx(0.002)


async def test_tokens_are_estimated_where_the_provider_counts_none_and_the_answer_carries_them():
    meter = Meter([["x" * 41]])
    answer = await gather(meter.model, PROMPT)
    assert answer.usage == meter.call.usage == estimate_usage(PROMPT, 41)
    assert answer.usage.output_tokens == 12
    assert answer.usage.estimated
    assert answer.cost == meter.call.cost > 0


async def test_chunks_carry_the_models_name_and_keep_the_one_they_have():
    meter = Meter([["a", Chunk("b", model="inner"), Chunk(usage=Usage(1, 1))]])
    names = [chunk.model async for chunk in meter.model.stream(PROMPT)]
    assert names == ["gpt", "inner", "gpt"]


async def test_a_failure_is_reported_by_its_class_and_costs_nothing_before_the_first_token():
    meter = Meter([[down()]])
    await fail(meter.model)
    assert (meter.call.status, meter.call.usage) == ("ServiceUnavailableError", Usage())


async def test_an_unexpected_error_is_reported_too():
    meter = Meter([[ValueError("bug")]])
    with pytest.raises(ValueError, match="bug"):
        await gather(meter.model, PROMPT)
    assert meter.call.status == "ValueError"


async def test_a_cancelled_call_is_reported_as_such():
    meter = Meter([["a", asyncio.Event()]])
    task = asyncio.ensure_future(gather(meter.model, PROMPT))
    await until(lambda: meter.inner.running)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert meter.call.status == "cancelled"
    assert meter.call.usage.estimated


async def test_a_call_whose_answer_was_whole_before_it_was_cancelled_was_none_that_failed():
    meter = Meter([["a", Chunk(finish="stop"), asyncio.Event()]])
    task = asyncio.ensure_future(gather(meter.model, PROMPT))
    await until(lambda: meter.inner.running)
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert meter.call.status == "ok"


async def test_a_reader_that_has_text_and_closes_had_an_answer():
    meter = Meter([[Chunk("a" * 40, usage=Usage(100, 1)), asyncio.Event()]])
    async with aclosing(meter.model.stream(PROMPT)) as chunks:
        await anext(chunks)
    assert meter.call.status == "ok"
    assert meter.call.usage == Usage(100, 12, estimated=True)


async def test_a_reader_that_closes_without_text_gave_up():
    meter = Meter([["", "a"]])
    async with aclosing(meter.model.stream(PROMPT)) as chunks:
        await anext(chunks)
    assert meter.call.status == "cancelled"


async def test_a_request_that_an_open_breaker_refused_is_not_reported():
    calls: list[ModelCall] = []
    inner = ScriptedModel(answers=[[AuthenticationError("fake", "Wrong key.")]])
    model = Metered(CircuitBreaker(inner), calls.append)
    await fail(model, 3)
    assert [call.status for call in calls] == ["AuthenticationError"]


async def test_a_record_that_fails_does_not_spoil_the_answer(caplog):
    def broken(call):
        raise RuntimeError("disk full")

    assert (await gather(Metered(ScriptedModel(), broken), PROMPT)).text == "text"
    assert "a call was not recorded" in caplog.text


# -- Draining, Unavailable


async def test_a_model_that_goes_is_closed_when_its_last_answer_has_ended():
    gate = asyncio.Event()
    inner = ScriptedModel(answers=[["a", gate, "b"]])
    draining = Draining(inner)
    answer = asyncio.ensure_future(gather(draining, PROMPT))
    await until(lambda: inner.running)
    going = asyncio.ensure_future(draining.retire(60))
    await asyncio.sleep(0)
    assert inner.closed == 0
    gate.set()
    assert (await answer).text == "ab"
    await going
    await draining.close()
    assert inner.closed == 1


async def test_an_answer_without_end_does_not_keep_it_for_ever():
    inner = ScriptedModel(answers=[["a", asyncio.Event()]])
    draining = Draining(inner)
    async with aclosing(draining.stream(PROMPT)) as chunks:
        await anext(chunks)
        await draining.retire(0.01)
        assert inner.closed == 1


async def test_a_model_that_was_closed_says_so():
    draining = Draining(ScriptedModel())
    await draining.close()
    assert not (await fail(draining)).was_sent


async def test_a_model_that_cannot_be_asked_says_why_each_time():
    model = Unavailable(ScriptedModel("gpt").profile, AuthenticationError("gpt", "no key: set X"))
    first, second = await fail(model), await fail(model)
    assert isinstance(first, AuthenticationError)
    assert (str(first), first.was_sent) == ("no key: set X", False)
    assert first is not second
