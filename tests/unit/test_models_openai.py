from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ensemble_lsp.errors import BadRequestError, InvalidResponseError
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.providers.openai.infill_api import infill_wire
from ensemble_lsp.types import Prompt, Snippet
from tests.support.adapters import adapter
from tests.support.providers import Fault, LoopbackProvider

COMPLETE = Prompt(
    "complete",
    "python",
    "a.py",
    prefix="def f(a, b):\n    ",
    suffix="\nf(1, 2)\n",
    max_tokens=50,
    temperature=0.2,
)
EXPLAIN = Prompt("explain", "python", "a.py", selection="x = 1")


@pytest.fixture
async def provider() -> AsyncIterator[LoopbackProvider]:
    async with LoopbackProvider("return a + b") as server:
        yield server


async def asked(
    provider: LoopbackProvider, api: str, prompt: Prompt = COMPLETE, **fields: Any
) -> dict[str, Any]:
    """The body of the last request that a prompt led to."""
    model = adapter(provider, api, **fields)
    await gather(model, prompt)
    await model.close()
    return provider.requests[-1].body


async def test_chat_sends_two_messages_and_asks_for_usage(provider: LoopbackProvider) -> None:
    body = await asked(provider, "chat")
    assert [m["role"] for m in body["messages"]] == ["system", "user"]
    assert (body["max_tokens"], body["temperature"], body["stream"]) == (50, 0.2, True)
    assert body["stream_options"] == {"include_usage": True}
    assert "stop" not in body


async def test_responses_are_not_kept_by_the_service(provider: LoopbackProvider) -> None:
    body = await asked(provider, "responses")
    assert body["store"] is False
    assert body["max_output_tokens"] == 50
    assert "CURSOR" in body["instructions"]
    assert "f(1, 2)" in body["input"]


async def test_responses_are_given_the_least_length_the_service_takes(
    provider: LoopbackProvider,
) -> None:
    short = Prompt("complete", "python", "a.py", max_tokens=4)
    assert (await asked(provider, "responses", short))["max_output_tokens"] == 16


async def test_completions_go_on_from_the_prefix_where_nothing_is_known_of_the_model(
    provider: LoopbackProvider,
) -> None:
    body = await asked(provider, "completions")
    assert body["prompt"] == COMPLETE.prefix
    assert "suffix" not in body


async def test_completions_fill_in_the_middle_by_the_models_template(
    provider: LoopbackProvider,
) -> None:
    body = await asked(provider, "completions", model="qwen2.5-coder:7b")
    assert body["prompt"] == (
        "<|fim_prefix|>def f(a, b):\n    <|fim_suffix|>\nf(1, 2)\n<|fim_middle|>"
    )
    assert "<|endoftext|>" in body["stop"]


async def test_completions_pass_the_suffix_as_a_parameter(provider: LoopbackProvider) -> None:
    body = await asked(provider, "completions", model="gpt-3.5-turbo-instruct")
    assert (body["prompt"], body["suffix"]) == (COMPLETE.prefix, COMPLETE.suffix)


async def test_related_files_come_along_in_the_prompt(provider: LoopbackProvider) -> None:
    related = Prompt("complete", "python", "a.py", "x", related=(Snippet("b.py", "best = 1"),))
    body = await asked(provider, "completions", related)
    assert body["prompt"] == "# Path: b.py\nbest = 1\n# Path: a.py\nx"


async def test_completions_explain_in_plain_text(provider: LoopbackProvider) -> None:
    body = await asked(provider, "completions", EXPLAIN, model="qwen2.5-coder:7b")
    assert "Markdown" in body["prompt"]
    assert "<selected>\nx = 1" in body["prompt"]
    assert "fim" not in body["prompt"]


async def test_a_suffix_that_is_refused_gives_way_to_the_template(
    provider: LoopbackProvider,
) -> None:
    provider.fault = lambda seen: (
        Fault.status(400, {"error": {"message": "x does not support insert"}})
        if "suffix" in seen.body
        else None
    )
    body = await asked(provider, "completions", model="codellama:7b", fim="suffix")
    assert body["prompt"].startswith("<PRE> def f")
    assert "suffix" not in body


async def test_chat_models_are_not_stopped_at_a_line_end(provider: LoopbackProvider) -> None:
    provider.reply = "\nreturn 1\n#end\nmore"
    prompt = Prompt("complete", "python", "a.py", stop=("\n", "\n\n", "#end"))
    model = adapter(provider, "chat")
    answer = await gather(model, prompt)
    await model.close()
    assert provider.requests[0].body["stop"] == ["#end"]
    assert answer.text == "\nreturn 1\n"


async def test_services_get_no_more_stop_strings_than_they_take(
    provider: LoopbackProvider,
) -> None:
    prompt = Prompt("complete", "python", "a.py", stop=tuple("abcdef"))
    assert (await asked(provider, "chat", prompt))["stop"] == list("abcd")


@pytest.mark.parametrize("api", ["chat", "completions", "responses"])
async def test_what_a_server_refuses_is_left_out_and_remembered(
    provider: LoopbackProvider, api: str
) -> None:
    optional = {
        "chat": ["stream_options", "temperature", "stop"],
        "completions": ["stream_options", "temperature", "stop", "logprobs"],
        "responses": ["store", "temperature"],
    }[api]
    provider.refuse = optional
    model = adapter(provider, api)
    prompt = Prompt("complete", "python", "a.py", stop=("#",))
    assert (await gather(model, prompt)).text == "return a + b"
    assert len(provider.requests) == 1 + len(optional)
    assert (await gather(model, prompt)).text == "return a + b"
    assert len(provider.requests) == 2 + len(optional)
    await model.close()
    assert not set(optional) & set(provider.requests[-1].body)


async def test_usage_is_estimated_where_a_server_counts_nothing(
    provider: LoopbackProvider,
) -> None:
    provider.refuse = ["stream_options"]
    model = adapter(provider, "chat")
    usage = (await gather(model, COMPLETE)).usage
    await model.close()
    assert usage.estimated
    assert usage.input_tokens > 100
    assert usage.output_tokens == 4


@pytest.mark.parametrize(
    ("old", "new"),
    [("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")],
)
async def test_a_refused_name_of_the_length_limit_is_replaced_by_the_other(
    provider: LoopbackProvider, old: str, new: str
) -> None:
    provider.refuse = [old]
    body = await asked(provider, "chat", model="o3-mini" if old != "max_tokens" else "m")
    assert old not in body
    assert body[new] >= 50


async def test_only_what_is_named_is_left_out(provider: LoopbackProvider) -> None:
    provider.fault = Fault.status(400, {"error": {"message": "I do not like it"}})
    model = adapter(provider, "chat")
    with pytest.raises(BadRequestError, match="I do not like it"):
        await gather(model, COMPLETE)
    await model.close()
    assert len(provider.requests) == 1


async def test_a_server_that_refuses_whatever_is_sent_is_not_asked_for_ever(
    provider: LoopbackProvider,
) -> None:
    provider.fault = Fault.status(422, {"detail": "temperature max_tokens stream_options stop"})
    model = adapter(provider, "chat")
    with pytest.raises(BadRequestError):
        await gather(model, COMPLETE)
    await model.close()
    assert len(provider.requests) <= 10


async def test_a_template_without_a_system_role_gets_one_message(
    provider: LoopbackProvider,
) -> None:
    def jinja(seen: Any) -> Fault | None:
        if seen.body["messages"][0]["role"] != "system":
            return None
        return Fault.status(500, {"error": {"message": "System role not supported"}})

    provider.fault = jinja
    body = await asked(provider, "chat")
    assert [m["role"] for m in body["messages"]] == ["user"]
    assert "inline completion" in body["messages"][0]["content"]


async def test_models_that_think_get_room_and_no_temperature(provider: LoopbackProvider) -> None:
    body = await asked(provider, "chat", model="gpt-5-mini")
    assert body["max_completion_tokens"] > 1000
    assert body["reasoning_effort"] == "minimal"
    assert not {"temperature", "stop", "max_tokens"} & set(body)
    body = await asked(provider, "responses", model="gpt-5-mini")
    assert body["reasoning"] == {"effort": "minimal"}
    assert (await asked(provider, "chat", EXPLAIN, model="gpt-5"))["reasoning_effort"] == "low"


async def test_a_model_that_only_thought_is_told_apart_from_an_empty_answer(
    provider: LoopbackProvider,
) -> None:
    provider.reply = "   words"
    model = adapter(provider, "chat")
    with pytest.raises(InvalidResponseError, match="used up its tokens"):
        await gather(model, Prompt("complete", "python", "a.py", max_tokens=0))
    await model.close()


async def test_a_length_limit_is_told_as_the_finish(provider: LoopbackProvider) -> None:
    for api in ("chat", "completions"):
        model = adapter(provider, api)
        answer = await gather(model, Prompt("complete", "python", "a.py", max_tokens=2))
        await model.close()
        assert (answer.text, answer.finish) == ("return a", "length")


async def test_confidence_is_the_mean_token_probability_of_a_local_server(
    provider: LoopbackProvider,
) -> None:
    provider.logprob = -0.5
    model = adapter(provider, "completions")
    answer = await gather(model, COMPLETE)
    await model.close()
    assert answer.confidence == pytest.approx(0.6065, abs=1e-3)


async def test_chat_asks_for_no_probabilities(provider: LoopbackProvider) -> None:
    model = adapter(provider, "chat")
    assert (await gather(model, COMPLETE)).confidence is None
    await model.close()
    assert "logprobs" not in provider.requests[0].body


async def test_the_shape_llama_cpp_gives_probabilities_in_is_read_too(
    provider: LoopbackProvider,
) -> None:
    provider.fault = Fault.body_of(
        'data: {"choices":[{"index":0,"text":"x","finish_reason":"stop",'
        '"logprobs":{"content":[{"token":"x","logprob":-0.5}]}}]}\n\ndata: [DONE]\n\n',
        "text/event-stream",
    )
    model = adapter(provider, "completions")
    assert (await gather(model, COMPLETE)).confidence == pytest.approx(0.6065, abs=1e-3)
    await model.close()


async def test_an_explanation_that_failed_in_mid_stream_says_why(
    provider: LoopbackProvider,
) -> None:
    failed = (
        b'event: response.failed\ndata: {"type":"response.failed","sequence_number":9,"response":'
        b'{"id":"1","object":"response","status":"failed","output":[],"error":'
        b'{"code":"server_error","message":"The server had an error"}}}\n\n'
    )
    provider.fault = Fault.event(failed, after=5)
    model = adapter(provider, "responses")
    with pytest.raises(Exception, match="is unavailable"):
        await gather(model, EXPLAIN)
    await model.close()


async def test_infill_passages_keep_their_order_for_the_servers_cache() -> None:
    wire = infill_wire("http://h/infill")
    one, two, three = (Snippet(f"{n}.py", n) for n in ("one", "two", "three"))

    def sent(*related: Snippet) -> list[str]:
        prompt = Prompt("complete", "python", "a.py", "x = ", related=related)
        return [p["text"] for p in wire.body(prompt, frozenset())["input_extra"]]

    assert sent(two, one) == ["one", "two"]
    assert sent(one, two) == ["one", "two"], "a new ranking does not move what the server has read"
    assert sent(three, two) == ["two", "three"]
