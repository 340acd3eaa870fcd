"""How both adapters fail over every wire format: in plain words, with what to do, without keys."""

from __future__ import annotations

import re
import socket
from contextlib import aclosing
from email.utils import formatdate
from time import time

import pytest

from ensemble_lsp.errors import (
    AuthenticationError,
    BadRequestError,
    ConnectionFailedError,
    ContentFilteredError,
    ContextTooLongError,
    InvalidResponseError,
    ModelNotFoundError,
    ProviderError,
    QuotaExceededError,
    RateLimitedError,
    ServiceUnavailableError,
    TimedOutError,
)
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.types import Prompt
from tests.support.adapters import SECRET, adapter
from tests.support.both_adapters import COMPLETE, EXPLAIN, REPLY, api, provider
from tests.support.providers import Fault, LoopbackProvider

__all__ = ["api", "provider"]


async def failure(
    provider: LoopbackProvider | str, api: str, prompt: Prompt = COMPLETE, **fields: object
) -> tuple[ProviderError, str]:
    """The error a prompt ends in, and the text that came before it."""
    model = adapter(provider, api, **fields)
    text = ""
    try:
        async with aclosing(model.stream(prompt)) as chunks:
            async for chunk in chunks:
                text += chunk.text
    except ProviderError as error:
        check_wording(error)
        return error, text
    finally:
        await model.close()
    raise AssertionError(f"no error, but {text!r}")


def check_wording(error: ProviderError) -> None:
    said = str(error)
    assert error.model == "mine"
    advice, fault = said.split(" mine: ", 1)
    assert re.fullmatch(r"[A-Z].{5,110}\.", advice), (
        "a toast shows what to do, even if it is cut off"
    )
    assert fault.endswith(".")
    assert "\n" not in said
    assert SECRET not in said
    assert SECRET[8:] not in said
    assert SECRET not in repr(error)
    assert error.__cause__ is None
    assert error.__suppress_context__


QUOTA = {"error": {"message": "You exceeded your current quota.", "code": "insufficient_quota"}}
CREDIT = {
    "type": "error",
    "error": {"message": "Your credit balance is too low to access the API."},
}
LENGTH = {
    "error": {
        "message": "This model's maximum context length is 8192 tokens, reduce max_tokens.",
        "code": "context_length_exceeded",
        "param": "messages",
    }
}
PROMPT_LENGTH = {
    "type": "error",
    "error": {
        "type": "invalid_request_error",
        "message": "prompt is too long: 9 tokens > 8 maximum",
    },
}
LLAMA_LENGTH = {
    "error": {
        "code": 400,
        "message": "the request exceeds the available context size. try increasing it",
        "type": "exceed_context_size_error",
    }
}
FILTERED = {"error": {"code": "content_filter", "message": "The response was filtered."}}
UNKNOWN = {"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}


@pytest.mark.parametrize(
    ("fault", "expected", "advice"),
    [
        (
            Fault.status(400),
            BadRequestError,
            "refuses the request (invalid_request_error status 400)",
        ),
        (Fault.status(400, LENGTH), ContextTooLongError, "Set contextTokens"),
        (Fault.status(400, PROMPT_LENGTH), ContextTooLongError, "Set contextTokens"),
        (Fault.status(400, LLAMA_LENGTH), ContextTooLongError, "Set contextTokens"),
        (Fault.status(400, FILTERED), ContentFilteredError, "Ask differently"),
        (Fault.status(400, CREDIT), QuotaExceededError, "Add credit"),
        (
            Fault.status(401),
            AuthenticationError,
            "Set a valid key and try again. mine: the key in MY_KEY is not accepted",
        ),
        (Fault.status(402), QuotaExceededError, "Add credit"),
        (Fault.status(403), AuthenticationError, "Check the rights of the key"),
        (Fault.status(404), ModelNotFoundError, "Check model, api and baseUrl"),
        (Fault.status(400, UNKNOWN), ModelNotFoundError, "'loopback'"),
        (Fault.status(408), TimedOutError, "raise timeout"),
        (Fault.status(413), ContextTooLongError, "Set contextTokens"),
        (Fault.status(422), BadRequestError, "Check the model's settings"),
        (Fault.status(429), RateLimitedError, "Try again in a while"),
        (Fault.status(429, QUOTA), QuotaExceededError, "Add credit"),
        (Fault.status(500), ServiceUnavailableError, "is unavailable"),
        (
            Fault.status(503, "upstream connect error"),
            ServiceUnavailableError,
            "is unavailable",
        ),
        (Fault.status(529), ServiceUnavailableError, "is unavailable"),
        (Fault.html(502), ServiceUnavailableError, "is unavailable"),
        (Fault.html(404), ModelNotFoundError, "Check model, api and baseUrl"),
    ],
    ids=lambda value: str(value.code) if isinstance(value, Fault) else None,
)
async def test_statuses_become_errors_that_say_what_to_do(
    api: str,
    provider: LoopbackProvider,
    fault: Fault,
    expected: type[ProviderError],
    advice: str,
) -> None:
    provider.fault = fault
    error, _ = await failure(provider, api)
    assert type(error) is expected
    assert advice in str(error)
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after": "12"}, 12),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "a date in 600 s"}, 600),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
async def test_a_rate_limit_says_how_long_to_wait(
    api: str, provider: LoopbackProvider, headers: dict[str, str], wait: float | None
) -> None:
    if headers.get("retry-after") == "a date in 600 s":
        headers = {"retry-after": formatdate(time() + 600, usegmt=True)}
    provider.fault = Fault.status(429, headers=headers)
    error, _ = await failure(provider, api)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after == (
        wait if wait is None else pytest.approx(wait, abs=60 if wait > 60 else 0)
    )


@pytest.mark.parametrize(
    ("fault", "expected", "wait", "words"),
    [
        (Fault.status(503, headers={"retry-after": "2"}), ServiceUnavailableError, 2, "in 2 s"),
        (
            Fault.status(503, {"error": {"message": "Server is busy", "retry_after": 3}}),
            ServiceUnavailableError,
            3,
            "in 3 s",
        ),
        (
            Fault.status(
                429, {"error": {"type": "usage_limit_reached", "resets_in_seconds": 7139}}
            ),
            RateLimitedError,
            7139,
            "in 119 min",
        ),
        (Fault.status(503), ServiceUnavailableError, None, "in a while"),
    ],
)
async def test_a_delay_is_read_from_headers_and_body_of_either_error(
    api: str,
    provider: LoopbackProvider,
    fault: Fault,
    expected: type[RateLimitedError | ServiceUnavailableError],
    wait: float | None,
    words: str,
) -> None:
    provider.fault = fault
    error, _ = await failure(provider, api)
    assert isinstance(error, expected)
    assert error.retry_after == wait
    assert words in str(error)


IN_STREAM = b'{"type": "error", "error": {"type": "%s", "message": "no"}}'


def own_event(name: str, value: bytes) -> Fault:
    return Fault.event(f"event: {name}\ndata: ".encode() + value + b"\n\n", after=6)


@pytest.mark.parametrize(
    ("fault", "expected", "begun"),
    [
        (Fault.html(), InvalidResponseError, False),
        (Fault.body_of({"hello": 1}), InvalidResponseError, False),
        (Fault.body_of("{broken"), InvalidResponseError, False),
        (Fault.body_of(QUOTA), QuotaExceededError, False),
        (Fault.body_of({"error": "the model is overloaded"}), ServiceUnavailableError, False),
        (Fault.body_of("", "text/event-stream"), InvalidResponseError, False),
        (Fault.body_of("<html>", "text/event-stream"), InvalidResponseError, False),
        (Fault.empty_choices(), InvalidResponseError, False),
        (Fault.disconnect(), ConnectionFailedError, False),
        (Fault.cut(after=6), InvalidResponseError, True),
        (Fault.ends_early(after=6), InvalidResponseError, True),
        (Fault.garbage(after=6), InvalidResponseError, True),
        (Fault.garbage(after=0), InvalidResponseError, False),
        (Fault.invalid_utf8(after=6), InvalidResponseError, True),
        (own_event("message_delta", b"7"), InvalidResponseError, True),
        (own_event("message_delta", b"null"), InvalidResponseError, True),
        (own_event("message_delta", b'{"choices": 5}'), InvalidResponseError, True),
        (own_event("message_delta", b'{"type": {}}'), InvalidResponseError, True),
        (own_event("error", IN_STREAM % b"overloaded_error"), ServiceUnavailableError, True),
        (own_event("error", IN_STREAM % b"rate_limit_error"), RateLimitedError, True),
        (own_event("error", IN_STREAM % b"insufficient_quota"), QuotaExceededError, True),
        (own_event("error", IN_STREAM % b"never_heard_of"), InvalidResponseError, True),
    ],
)
async def test_answers_that_are_none_are_told_and_what_came_before_is_kept(
    api: str,
    provider: LoopbackProvider,
    fault: Fault,
    expected: type[ProviderError],
    begun: bool,
) -> None:
    provider.fault = fault
    error, text = await failure(provider, api)
    assert type(error) is expected, error
    assert REPLY.startswith(text)
    assert bool(text) is begun


async def test_events_under_another_content_type_are_read(
    api: str, provider: LoopbackProvider
) -> None:
    provider.fault = Fault.wrong_content_type()
    model = adapter(provider, api)
    assert (await gather(model, COMPLETE)).text == REPLY
    await model.close()


async def test_a_web_page_is_not_quoted(api: str, provider: LoopbackProvider) -> None:
    provider.fault = Fault.html()
    error, _ = await failure(provider, api)
    assert "text/html" in str(error)
    assert "Sign in" not in str(error)


@pytest.mark.parametrize("fault", [Fault.refusal(), Fault.content_filter()], ids=["own", "filter"])
async def test_refusals_are_told_as_such(
    api: str, provider: LoopbackProvider, fault: Fault
) -> None:
    if api == "completions" and fault.kind == "refusal":
        pytest.skip("the completions API knows no refusal")
    provider.fault = fault
    error, _ = await failure(provider, api)
    assert type(error) is ContentFilteredError
    assert not error.trips_breaker


async def test_a_slow_answer_times_out(api: str, provider: LoopbackProvider) -> None:
    for fault in (Fault.never_answer(), Fault.stall(after=6)):
        provider.fault = fault
        error, _ = await failure(provider, api, timeout=0.3)
        assert type(error) is TimedOutError
        assert "raise timeout" in str(error)


async def test_a_body_beyond_all_measure_is_not_read_into_memory(
    api: str, provider: LoopbackProvider
) -> None:
    provider.fault = Fault.body_of('{"x": "' + "x" * 17 * 1024 * 1024, "application/json")
    error, _ = await failure(provider, api)
    assert type(error) is InvalidResponseError
    assert "does not end" in str(error)


async def test_nothing_to_insert_is_an_answer_but_nothing_to_say_is_none(
    api: str, provider: LoopbackProvider
) -> None:
    provider.reply = ""
    model = adapter(provider, api)
    assert (await gather(model, COMPLETE)).text == ""
    await model.close()
    error, _ = await failure(provider, api, EXPLAIN)
    assert type(error) is InvalidResponseError


async def test_a_redirect_is_not_followed(api: str, provider: LoopbackProvider) -> None:
    async with LoopbackProvider() as other:
        provider.fault = Fault.redirect(f"{other.base_url}/chat/completions")
        error, _ = await failure(provider, api)
        assert type(error) is BadRequestError
        assert "Set baseUrl" in str(error)
        assert not other.requests


async def test_nobody_at_the_address(api: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refuses
        port = taken.getsockname()[1]
        error, _ = await failure(f"http://127.0.0.1:{port}/v1", api)
    assert type(error) is ConnectionFailedError
    assert f"nothing answers at 127.0.0.1:{port}" in str(error)


async def test_an_unknown_host(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error, _ = await failure("http://nowhere.invalid/v1", api)
    assert type(error) is ConnectionFailedError
    assert "the host of nowhere.invalid is not known" in str(error)


async def test_a_server_without_tls_at_an_https_address(
    api: str, provider: LoopbackProvider
) -> None:
    error, _ = await failure(provider.base_url.replace("http:", "https:"), api)
    assert type(error) is ConnectionFailedError
    assert "TLS" in str(error)


async def test_a_key_that_the_provider_echoes_is_not_repeated(
    api: str, provider: LoopbackProvider
) -> None:
    provider.keys = ["another"]
    error, _ = await failure(provider, api)
    assert type(error) is AuthenticationError
    provider.keys = []
    provider.fault = Fault.status(
        400, {"error": {"message": f"bad key {SECRET} or sk-other-12345678"}}
    )
    error, _ = await failure(provider, api)
    assert "(bad key … or …)" in str(error)


async def test_words_of_a_provider_cannot_steer_a_terminal_or_fill_a_screen(
    api: str, provider: LoopbackProvider
) -> None:
    provider.fault = Fault.status(
        400, {"error": {"message": "\x1b[31mred\nline\u202e " + "x" * 999}}
    )
    error, _ = await failure(provider, api)
    assert all(c.isprintable() for c in str(error))
    assert len(str(error)) < 300


async def test_a_key_that_cannot_be_one_is_refused_before_anything_is_sent(
    api: str, provider: LoopbackProvider
) -> None:
    for bad in ("schlüssel", "two\nlines", "tab\tbed"):
        error, _ = await failure(provider, api, key=bad)
        assert type(error) is AuthenticationError
        assert bad not in str(error)
    assert not provider.requests


async def test_a_missing_key_for_the_providers_own_address_is_told_without_asking(
    api: str,
) -> None:
    error, _ = await failure("", api, key=None, base_url=None)
    assert type(error) is AuthenticationError
    assert "Set the environment variable MY_KEY" in str(error)


async def test_a_server_that_wants_a_key_where_none_is_set(
    api: str, provider: LoopbackProvider
) -> None:
    provider.keys = ["something"]
    error, _ = await failure(provider, api, key=None, api_key_env=None)
    assert type(error) is AuthenticationError
    assert "Set apiKeyEnv" in str(error)
