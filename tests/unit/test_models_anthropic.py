from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ensemble_lsp.errors import ContentFilteredError
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.types import Prompt
from tests.support.adapters import adapter
from tests.support.providers import Fault, LoopbackProvider

COMPLETE = Prompt(
    "complete", "python", "a.py", prefix="x = ", suffix="\n", max_tokens=50, temperature=0.2
)


@pytest.fixture
async def provider() -> AsyncIterator[LoopbackProvider]:
    async with LoopbackProvider("1 + 2") as server:
        yield server


async def asked(
    provider: LoopbackProvider, prompt: Prompt = COMPLETE, model: str = "claude-3-haiku-20240307"
) -> dict[str, Any]:
    """The body of the last request that a prompt led to."""
    asked_model = adapter(provider, "messages", model=model)
    await gather(asked_model, prompt)
    await asked_model.close()
    return provider.requests[-1].body


async def test_instructions_go_as_the_system_prompt(provider: LoopbackProvider) -> None:
    body = await asked(provider)
    assert "inline completion" in body["system"]
    assert [m["role"] for m in body["messages"]] == ["user"]
    assert "x = <|CURSOR|>" in body["messages"][0]["content"]
    assert (body["max_tokens"], body["temperature"]) == (50, 0.2)


async def test_the_temperature_stays_within_what_the_api_takes(provider: LoopbackProvider) -> None:
    body = await asked(provider, Prompt("complete", "python", "a.py", temperature=1.7))
    assert body["temperature"] == 1.0


async def test_stop_sequences_of_white_space_are_left_out(provider: LoopbackProvider) -> None:
    prompt = Prompt("complete", "python", "a.py", stop=("\n", "\n\n", " ", "\ndef "))
    assert (await asked(provider, prompt))["stop_sequences"] == ["\ndef "]
    assert "stop_sequences" not in await asked(provider)


async def test_both_spellings_of_the_address_work(provider: LoopbackProvider) -> None:
    for url in (provider.origin, provider.base_url):
        model = adapter(url, "messages")
        assert (await gather(model, COMPLETE)).text == "1 + 2"
        await model.close()
    assert {r.path for r in provider.requests} == {"/v1/messages"}


async def test_cached_tokens_count_as_input_too(provider: LoopbackProvider) -> None:
    provider.cached_tokens = 20
    model = adapter(provider, "messages")
    usage = (await gather(model, COMPLETE)).usage
    await model.close()
    assert usage.cached_tokens == 20
    assert usage.input_tokens > 100
    assert usage.output_tokens == 3


@pytest.mark.parametrize(
    "model", ["claude-3-5-sonnet-20241022", "claude-sonnet-4-20250514", "claude-haiku-4-5-20251001"]
)
@pytest.mark.filterwarnings("ignore:The model .* is deprecated")
async def test_older_models_are_told_a_temperature(provider: LoopbackProvider, model: str) -> None:
    body = await asked(provider, model=model)
    assert body["temperature"] == 0.2
    assert "thinking" not in body


@pytest.mark.parametrize("model", ["claude-opus-4-7", "claude-sonnet-5", "claude-opus-5-20260601"])
async def test_newer_models_are_told_not_to_think(provider: LoopbackProvider, model: str) -> None:
    body = await asked(provider, model=model)
    assert body["thinking"] == {"type": "disabled"}
    assert "temperature" not in body


async def test_a_model_that_must_think_gets_room_for_it(provider: LoopbackProvider) -> None:
    provider.refuse = ["thinking"]
    body = await asked(provider, model="claude-sonnet-5")
    assert body["max_tokens"] > 1000
    assert body["output_config"] == {"effort": "low"}
    assert "thinking" not in body


async def test_a_refused_temperature_is_left_out_and_remembered(
    provider: LoopbackProvider,
) -> None:
    provider.refuse = ["temperature"]
    model = adapter(provider, "messages")
    for _ in range(2):
        assert (await gather(model, COMPLETE)).text == "1 + 2"
    await model.close()
    assert ["temperature" in r.body for r in provider.requests] == [True, False, False]


async def test_a_refusal_after_some_text_is_a_refusal(provider: LoopbackProvider) -> None:
    provider.fault = Fault.refusal()
    model = adapter(provider, "messages")
    said = ""
    with pytest.raises(ContentFilteredError):
        async for chunk in model.stream(COMPLETE):
            said += chunk.text
    await model.close()
    assert said == "I cannot"


async def test_a_full_window_ends_the_answer_as_a_length_does(provider: LoopbackProvider) -> None:
    ends = (
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":'
        b'"model_context_window_exceeded"},"usage":{"output_tokens":2}}\n\n'
    )
    provider.fault = Fault.event(ends, after=5)
    model = adapter(provider, "messages")
    answer = await gather(model, COMPLETE)
    await model.close()
    assert (answer.text, answer.finish) == ("1 +", "length")


async def test_thoughts_are_not_text(provider: LoopbackProvider) -> None:
    thought = (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        b'"delta":{"type":"thinking_delta","thinking":"hmm"}}\n\n'
        b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
        b'"usage":{"output_tokens":2}}\n\n'
    )
    provider.fault = Fault.event(thought, after=5)
    model = adapter(provider, "messages")
    assert (await gather(model, COMPLETE)).text == "1 +"
    await model.close()


async def test_no_part_of_a_message_is_white_space_alone(provider: LoopbackProvider) -> None:
    for prefix in (" \n" * 5000, "x = 1\n" * 4000, "x = 1\n" * 2000 + " \n" * 3000):
        prompt = Prompt("complete", "python", "a.py", prefix=prefix, max_tokens=50)
        content = (await asked(provider, prompt, "claude-sonnet-4-5"))["messages"][0]["content"]
        assert isinstance(content, list)
        parts: list[dict[str, Any]] = content
        assert all(part["text"].strip() for part in parts)
        assert prefix in "".join(part["text"] for part in parts)
