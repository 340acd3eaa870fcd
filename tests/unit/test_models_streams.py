"""What both adapters do over every wire format: stream, count, stop, close."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import aclosing

import pytest

from ensemble_lsp.models.stream_assembler import StopStrings
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.types import Chunk, Prompt
from tests.support.adapters import SECRET, adapter
from tests.support.both_adapters import COMPLETE, REPLY, api, provider
from tests.support.providers import Fault, LoopbackProvider, running

__all__ = ["api", "provider"]


async def test_text_arrives_in_pieces_and_usage_at_the_end(
    api: str, provider: LoopbackProvider
) -> None:
    model = adapter(provider, api)
    chunks = [chunk async for chunk in model.stream(COMPLETE)]
    await model.close()
    assert "".join(c.text for c in chunks) == REPLY
    assert len([c for c in chunks if c.text]) > 3
    assert {c.model for c in chunks} == {"mine"}
    whole = next(n for n, c in enumerate(chunks) if c.finish)
    assert whole == len(chunks) - 2, "told as soon as it is known, with nothing but the usage after"
    assert not any(c.text for c in chunks[whole:])
    assert all(c.usage is None for c in chunks[:whole])
    assert chunks[-1].finish == "stop"


async def test_usage_is_what_the_provider_counts(api: str, provider: LoopbackProvider) -> None:
    provider.cached_tokens = 0 if api == "completions" else 7
    model = adapter(provider, api)
    usage = (await gather(model, COMPLETE)).usage
    await model.close()
    assert not usage.estimated
    assert usage.input_tokens > 7
    assert usage.output_tokens == 8
    assert usage.cached_tokens == provider.cached_tokens


async def test_the_first_piece_is_there_before_the_rest_is_written(
    api: str, provider: LoopbackProvider
) -> None:
    provider.fault = Fault.stall(after={"responses": 5, "messages": 4}.get(api, 2))
    model = adapter(provider, api)
    async with aclosing(model.stream(COMPLETE)) as chunks:
        first = await asyncio.wait_for(anext(chunks), 10)
    await model.close()
    assert first.text == "return"


async def test_closing_the_iterator_closes_the_connection(
    api: str, provider: LoopbackProvider
) -> None:
    provider.fault = Fault.endless()
    model = adapter(provider, api)
    async with aclosing(model.stream(COMPLETE)) as chunks:
        await anext(chunks)
        assert not provider.requests[0].closed
    await provider.until(lambda p: p.requests[0].closed, timeout=2)
    await model.close()


async def test_cancelling_closes_the_connection_and_passes_through(
    api: str, provider: LoopbackProvider
) -> None:
    provider.fault = Fault.never_answer()
    model = adapter(provider, api)
    task = asyncio.create_task(gather(model, COMPLETE))
    await provider.until(lambda p: p.requests)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await provider.until(lambda p: p.requests[0].closed, timeout=2)
    await model.close()


async def test_one_model_answers_several_prompts_at_once(
    api: str, provider: LoopbackProvider
) -> None:
    model = adapter(provider, api)
    answers = await asyncio.gather(*(gather(model, COMPLETE) for _ in range(5)))
    await model.close()
    assert {a.text for a in answers} == {REPLY}


async def test_the_key_goes_where_the_protocol_has_it_and_nothing_else_leaks(
    api: str, provider: LoopbackProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for brand in ("OPENAI", "ANTHROPIC"):
        monkeypatch.setenv(f"{brand}_BASE_URL", "http://127.0.0.1:9/nowhere")
        monkeypatch.setenv(f"{brand}_API_KEY", "leaked-key")
        monkeypatch.setenv(f"{brand}_CUSTOM_HEADERS", "X-Secret: leaked-header")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "leaked-token")
    monkeypatch.setenv("OPENAI_ORG_ID", "leaked-organisation")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "leaked-project")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "leaked-admin")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    for key in (SECRET, None):
        model = adapter(provider, api, key=key, api_key_env=None)
        assert (await gather(model, COMPLETE)).text == REPLY
        await model.close()
    with_key, without = (request.headers for request in provider.requests)
    name, value = (
        ("x-api-key", SECRET) if api == "messages" else ("authorization", f"Bearer {SECRET}")
    )
    assert with_key[name] == value
    assert "authorization" not in without
    assert "x-api-key" not in without
    for headers in (with_key, without):
        assert "leaked" not in str(headers)
        assert not [h for h in headers if h.startswith("x-stainless")]


async def test_endless_text_is_cut_and_the_connection_closed(
    api: str, provider: LoopbackProvider
) -> None:
    provider.fault = Fault.endless()
    model = adapter(provider, api)
    answer = await gather(model, Prompt("complete", "python", "a.py", max_tokens=10))
    assert (answer.finish, len(answer.text)) == ("length", 320)
    assert answer.usage.estimated
    await provider.until(lambda p: p.requests[0].closed, timeout=2)
    await model.close()


async def test_one_huge_piece_is_cut(api: str, provider: LoopbackProvider) -> None:
    provider.fault = Fault.huge_token()
    model = adapter(provider, api)
    answer = await gather(model, Prompt("complete", "python", "a.py", max_tokens=10))
    await model.close()
    assert (answer.finish, len(answer.text)) == ("length", 320)


async def test_a_stop_string_ends_the_answer_even_where_the_service_goes_on(
    api: str, provider: LoopbackProvider
) -> None:
    provider.fault = Fault.endless()
    model = adapter(provider, api)
    prompt = Prompt("complete", "python", "a.py", stop=("d word wo",))
    answer = await gather(model, prompt)
    assert (answer.text, answer.finish) == (" wor", "stop")
    await provider.until(lambda p: p.requests[0].closed, timeout=2)
    await model.close()


async def test_the_sdk_is_imported_off_the_event_loop(
    api: str, provider: LoopbackProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = adapter(provider, api)
    threads: list[threading.Thread] = []
    load: Callable[[], object] = model._load
    monkeypatch.setattr(
        model, "_load", lambda: (threads.append(threading.current_thread()), load())[1]
    )
    await model.prepare()
    await model.prepare()
    await model.close()
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def test_a_provider_in_a_thread_serves_synchronous_tests() -> None:
    async def ask(url: str) -> Chunk:
        model = adapter(url)
        async with aclosing(model.stream(COMPLETE)) as chunks:
            first = await anext(chunks)
        await model.close()
        return first

    with running(LoopbackProvider("a b c", fault=Fault.stall(after=2))) as server:
        assert asyncio.run(ask(server.base_url)).text == "a"
        server.wait_for(lambda p: p.requests[0].closed, timeout=5)
        assert server.requests[0].sent == 2
        with pytest.raises(TimeoutError):
            server.wait_for(lambda p: len(p.requests) > 1, timeout=0.05)


def test_the_halves_of_an_emoji_are_joined_across_pieces() -> None:
    stop = StopStrings(("END",))
    pieces = ["a\ud83d", "\ude00 b \ud83d", "\ude80", "\ude80 c"]
    assert "".join([*map(stop.feed, pieces), stop.rest()]) == "a😀 b 🚀\ufffd c"
