"""The meaning of errors as real services word them, and the delays that they ask for."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import httpx2
import pytest

from ensemble_lsp.errors import (
    AuthenticationError,
    BadRequestError,
    ContentFilteredError,
    ContextTooLongError,
    InvalidResponseError,
    ModelNotFoundError,
    ProviderError,
    QuotaExceededError,
    RateLimitedError,
    ServiceUnavailableError,
)
from ensemble_lsp.models.error_mapping import Source, from_status
from ensemble_lsp.models.rate_limits import retry_after
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.types import Prompt
from tests.support.adapters import adapter

SOURCE = Source("mine", "m", "https://svc.example/v1", "the key in MY_KEY", "secret")
EXPLAIN = Prompt("explain", "python", "a.py", selection="x = 1", max_tokens=800)


def meaning(status: int, message: Any, code: str = "") -> ProviderError:
    body = (
        {"error": {"message": message, "code": code or None}}
        if isinstance(message, str)
        else message
    )
    return from_status(status, body, {}, SOURCE)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "The input token count (1200000) exceeds the maximum number of tokens allowed (9)."),
        (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097."),
        (422, "Input validation error: `inputs` must have less than 1024 tokens. Given: 1100"),
        (400, "The decoder prompt (length 50) is longer than the maximum model length of 40."),
        (400, "This model's maximum prompt length is 131072 but the request contains 140000."),
        (400, "prompt token count of 130000 exceeds the limit of 128000"),
        (400, "Input tokens exceed the configured limit of 272000 tokens."),
        (400, "InternalError.Algo.InvalidParameter: Range of input length should be [1, 30720]"),
        (400, "Invalid request: Your request exceeded model token limit: 131072"),
        (400, "Prompt exceeds max length"),
        (400, "Prompt 超长"),
        (400, "Input length 5000 exceeds maximum allowed token size 4096"),
        (500, "input is too large to process. increase the physical batch size"),
        (429, "Request too large for model `x` on tokens per minute (TPM): Limit 6, Requested 8"),
        (429, "Extra usage is required for long context requests."),
    ],
)
def test_a_prompt_that_is_too_long(status: int, message: str) -> None:
    assert type(meaning(status, message)) is ContextTooLongError


@pytest.mark.parametrize(
    ("status", "message", "code", "expected"),
    [
        (400, "The model `x` has been decommissioned.", "model_decommissioned", ModelNotFoundError),
        (400, "foo/bar is not a valid model ID", "", ModelNotFoundError),
        (400, "No models loaded. Please load a model.", "", ModelNotFoundError),
        (400, "The provided model identifier is invalid.", "", ModelNotFoundError),
        (400, "模型不存在，请检查模型代码。", "1211", ModelNotFoundError),
        (403, "You don't have access to the model with that ID.", "", ModelNotFoundError),
        (403, "No access to model: o3", "no_access", ModelNotFoundError),
        (405, "Method Not Allowed", "", ModelNotFoundError),
        (410, "https://a.example is no longer supported. Use https://b.example.", "",
         ModelNotFoundError),
        (400, "You have reached your specified API usage limits.", "", QuotaExceededError),
        (400, "You're out of extra usage. Add more and keep going.", "", QuotaExceededError),
        (403, "The free tier of the model has been exhausted.", "AllocationQuota.FreeTierOnly",
         QuotaExceededError),
        (403, "Your account has an overdue balance.", "AccountOverdueError", QuotaExceededError),
        (403, "Sorry, your account balance is insufficient", "30001", QuotaExceededError),
        (500, "insufficient balance (1008)", "", QuotaExceededError),
        (500, "upstream billing service timeout", "", ServiceUnavailableError),
        (400, "Content Exists Risk", "", ContentFilteredError),
        (403, "Content violates usage guidelines. Failed check: BIO", "", ContentFilteredError),
        (400, "系统检测到输入或生成内容可能包含不安全或敏感内容", "1301", ContentFilteredError),
        (400, "ThrottlingException: Too many tokens, please wait.", "", RateLimitedError),
        (403, "User Rate Limit Exceeded", "", RateLimitedError),
        (429, "Overloaded", "", ServiceUnavailableError),
        (498, "Flex tier capacity exceeded", "capacity_exceeded", ServiceUnavailableError),
        (400, "max_tokens is not allowed here", "", BadRequestError),
        (400, "Unsupported parameter: 'input' is not supported", "", BadRequestError),
    ],
)  # fmt: skip
def test_the_words_tell_what_an_ambiguous_status_means(
    status: int, message: str, code: str, expected: type[ProviderError]
) -> None:
    assert type(meaning(status, message, code)) is expected


@pytest.mark.parametrize(
    ("status", "message", "words"),
    [
        (403, "Country, region, or territory not supported", "region"),
        (403, "Access denied due to Virtual Network/Firewall rules.", "Firewall rules"),
        (403, [{"error": {"message": "Generative API is disabled.", "code": 403}}], "is disabled"),
        (401, "You have insufficient permissions. Missing scopes: model.request", "model.request"),
    ],
)
def test_a_refusal_that_the_key_is_not_the_cause_of_is_quoted(
    status: int, message: Any, words: str
) -> None:
    error = meaning(status, message)
    assert type(error) is AuthenticationError
    assert words in str(error)


def test_a_firewalls_page_blames_no_key() -> None:
    error = meaning(403, "<!DOCTYPE html><title>Just a moment...</title>")
    assert "does not permit the request." in str(error)
    assert "not accepted" not in str(error)
    assert "Incorrect" not in str(meaning(401, "Incorrect API key provided: abcd****"))


@pytest.mark.parametrize(
    ("headers", "words", "wait"),
    [
        ({}, json.dumps({"headers": {"X-RateLimit-Reset": "<5000>000"}}), 5000),
        ({}, "usage_limit_reached resets_at: <900>", 900),
        ({"ratelimit": '"default";r=0;t=42', "ratelimit-policy": '"default";q=100;w=60'}, "", 42),
        ({"ratelimit": "limit=100, remaining=0, reset=37"}, "", 37),
        ({"retry-after": "<60>"}, "", 60),
        ({"retry-after": "inf"}, "", None),
        ({"retry-after": "99999999999999"}, "", None),
        ({}, "Try again in about 5 minutes", 300),
        ({}, "Limit 6000, used 5990, available 10", None),
        ({}, "You've hit your limit. resets 2:30pm (UTC)", None),
        ({}, "wait 2026-11-30T00:00:00Z", None),
        ({}, "retry 3 times", None),
    ],
)
def test_a_delay_and_what_only_looks_like_one(
    headers: dict[str, str], words: str, wait: float | None
) -> None:
    """``<60>`` is the Unix time in 60 s."""
    now = time.time()

    def timed(text: str) -> str:
        return re.sub(r"<(\d+)>", lambda each: f"{now + int(each[1]):.0f}", text)

    found = retry_after(httpx2.Headers({k: timed(v) for k, v in headers.items()}), timed(words))
    assert found == (wait if wait is None else pytest.approx(wait, abs=30))


def test_a_delay_after_long_details_is_found() -> None:
    quota = {"@type": "QuotaFailure", "violations": [{"quotaMetric": "m" * 90}] * 30}
    details = [quota, {"@type": "RetryInfo", "retryDelay": "34s"}]
    body = [{"error": {"code": 429, "message": "You exceeded your quota", "details": details}}]
    error = meaning(429, body)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == 34


async def answer_to(body: Any, prompt: Prompt = EXPLAIN, api: str = "chat") -> str:
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/event-stream" if text.startswith(("data", "event")) else "application/json"

    def respond(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, text=text, headers={"content-type": kind})

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(respond))
    model = adapter("https://svc.example/v1", api, http_client=client)
    try:
        return (await gather(model, prompt)).text
    finally:
        await model.close()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"choices": None, "base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
         QuotaExceededError),
        ({"base_resp": {"status_code": 1002, "status_msg": "rate limit exceeded(RPM)"}},
         RateLimitedError),
        ('data: {"object":"error","message":"The model is overloaded","code":500}\n\n',
         ServiceUnavailableError),
        ({"error_code": 336003, "error_msg": "context window exceeded"}, ContextTooLongError),
        ({"success": False, "message": "Invalid token"}, AuthenticationError),
        ({"detail": "Not authenticated"}, AuthenticationError),
        ({"errors": [{"message": "insufficient capacity"}], "result": None},
         ServiceUnavailableError),
        ({"error": "Unexpected endpoint or method. (POST /chat/completions)"}, ModelNotFoundError),
        ({"message": "something else"}, InvalidResponseError),
    ],
)  # fmt: skip
async def test_an_error_under_status_200_in_any_form(
    body: Any, expected: type[ProviderError]
) -> None:
    with pytest.raises(ProviderError) as raised:
        await answer_to(body)
    assert type(raised.value) is expected
    assert "is empty" not in str(raised.value)


@pytest.mark.parametrize("api", ["responses", "messages"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"success": False, "message": "Invalid token"}, AuthenticationError),
        ({"object": "error", "message": "model overloaded"}, ServiceUnavailableError),
        ({"type": "error", "message": "model overloaded"}, ServiceUnavailableError),
        ({"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
         QuotaExceededError),
    ],
)  # fmt: skip
async def test_other_apis_read_these_forms_too(
    api: str, body: Any, expected: type[ProviderError]
) -> None:
    with pytest.raises(expected):
        await answer_to(body, api=api)


@pytest.mark.parametrize("start", ["", 'data: {"choices":[{"delta":{"content":"half"}}]}\n\n'])
async def test_an_error_event_of_a_proxy_is_plain_text(start: str) -> None:
    with pytest.raises(ProviderError, match="upstream request timeout"):
        await answer_to(f"{start}event: error\ndata: upstream request timeout\n\n")


async def test_an_error_in_a_choice_without_a_finish() -> None:
    choice = {"delta": {"content": ""}, "error": {"message": "Provider down", "code": 502}}
    with pytest.raises(ProviderError, match="Provider down"):
        await answer_to(f"data: {json.dumps({'choices': [choice]})}\n\ndata: [DONE]\n\n")


def responses_events(*events: dict[str, Any]) -> str:
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)


async def test_a_response_without_deltas_has_its_text_where_it_ends() -> None:
    part = {"type": "output_text", "text": "fine"}
    item = {"type": "response.output_item.done", "item": {"type": "message", "content": [part]}}
    text = {"type": "response.output_text.done", "text": "fine"}
    end = {"type": "response.completed", "response": {"status": "completed", "output": []}}
    for events in ((text, end), (item, end), (text, item, end)):
        assert await answer_to(responses_events(*events), api="responses") == "fine"


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_refusal_in_a_whole_response(streamed: bool) -> None:
    part = {"type": "refusal", "refusal": "I cannot help with that."}
    output = [{"type": "message", "content": [part]}]
    whole = {"object": "response", "status": "completed", "output": output}
    body = responses_events({"type": "response.completed", "response": whole})
    with pytest.raises(ContentFilteredError):
        await answer_to(body if streamed else whole, api="responses")


async def test_a_report_of_progress_is_no_error() -> None:
    events = [{"message": "queued"}, {"choices": [{"delta": {"content": "fine"}}]}]
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    assert await answer_to(text + "data: [DONE]\n\n") == "fine"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("content_filter: PROHIBITED_CONTENT", ContentFilteredError),
        ("guardrail_intervened", ContentFilteredError),
        ("content_filtered", ContentFilteredError),
        ("IMAGE_SAFETY", ContentFilteredError),
        ("refusal", ContentFilteredError),
        ("model_context_window_exceeded", ContextTooLongError),
    ],
)
async def test_a_finish_without_text_names_its_reason(
    reason: str, expected: type[ProviderError]
) -> None:
    choice = {"delta": {"content": ""}, "finish_reason": reason}
    with pytest.raises(expected):
        await answer_to(f"data: {json.dumps({'choices': [choice]})}\n\ndata: [DONE]\n\n")


async def test_a_full_window_without_text_teaches_nothing_about_thinking() -> None:
    ends = {"type": "message_delta", "delta": {"stop_reason": "model_context_window_exceeded"}}
    with pytest.raises(ContextTooLongError):
        await answer_to(f"event: message_delta\ndata: {json.dumps(ends)}\n\n", api="messages")


async def test_a_message_beside_an_empty_delta_is_not_read_again() -> None:
    whole = {"role": "assistant", "content": "fine"}
    choices = [
        {"delta": {"content": "fine"}, "message": whole},
        {"delta": {}, "message": whole, "finish_reason": "stop"},
    ]
    text = "".join(f"data: {json.dumps({'choices': [c]})}\n\n" for c in choices)
    assert await answer_to(text) == "fine"
