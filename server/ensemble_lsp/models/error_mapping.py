"""Translate an SDK's or the transport's exception into one ``ProviderError``: a sentence that says what to do.

Exceptions are recognised by status, body and class name, so no SDK is imported here. A provider's own
words are quoted only where nothing else helps, on one line and without keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..errors import (
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
    advice_first,
)
from .connection_errors import connection_problem, unusable_proxy
from .error_words import (
    ABOUT_KEY,
    CONTEXT,
    FILTER,
    KEY,
    LOADING,
    MODEL,
    OVERLOADED,
    QUOTA,
    QUOTA_CODE,
    RATE,
    TOO_LARGE,
    WRONG_KEY,
    words_of,
)
from .rate_limits import in_words, retry_after

_Fault = type[ProviderError]

_SECRETS = re.compile(r"\b(?:sk|pk|key|xai|gsk|hf|AIza|Bearer)[-_ ][\w*.\-]{6,}", re.I)
_NOT_WORDS = re.compile(
    r"<html|<!doctype|traceback \(most recent|\bat \S+ ?\([^)]*:\d+\)|goroutine \d+ \[", re.I
)
"""A page, or the trace of a crash."""


class AnswerError(Exception):
    """A provider's error inside a successful answer: its decoded body."""

    def __init__(self, body: Any) -> None:
        super().__init__()
        self.body = body


@dataclass(frozen=True, slots=True)
class Source:
    """The model and address of a request, for the texts of errors."""

    name: str
    """The model's configured name."""
    model: str
    url: str
    key_name: str
    """The key's origin in words, never the key itself; empty if no key was sent."""
    key: str = ""
    """Used only to remove the key from quoted text."""
    local: bool = False

    @property
    def place(self) -> str:
        """Host and port, without credentials in the URL."""
        try:
            parts = urlsplit(self.url)
            return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
        except ValueError:
            return "the server"


_NO_CONNECTION = {"APIConnectionError", "TransportError", "InvalidURL", "OSError", "EndOfStream"}


def translate(error: BaseException, source: Source, answer_started: bool = False) -> ProviderError:
    """Return the matching ``ProviderError``; ``answer_started``: part of the answer had arrived."""
    if isinstance(error, ProviderError):
        return error
    status = getattr(error, "status_code", None)
    body = getattr(error, "body", None)
    if isinstance(status, int) and status >= 300:
        headers = getattr(getattr(error, "response", None), "headers", None)
        return from_status(status, body, headers, source)
    names = {c.__name__ for c in type(error).__mro__}
    if names & _NO_CONNECTION:
        return _from_transport(error, source, answer_started)
    if names & {"APIError", "AnswerError"}:
        return from_body(body if body is not None else str(error), source)
    if "AnswerTooLongError" in names:
        return _make(
            InvalidResponseError, source, "the answer does not end", "choose another model"
        )
    if isinstance(error, ImportError | ValueError) and (unusable := unusable_proxy([error])):
        return _make(ConnectionFailedError, source, *unusable)
    if isinstance(error, ValueError):
        return _make(
            InvalidResponseError,
            source,
            f"the answer of {source.place} cannot be read",
            _CHECK_ADDRESS,
        )
    text = f"the answer of {source.place} is not what it should be ({type(error).__name__})"
    return _make(InvalidResponseError, source, text, _CHECK_ADDRESS)


_CHECK_ADDRESS = "check baseUrl and api, and try again"


def from_status(status: int, body: Any, headers: Any, source: Source) -> ProviderError:
    """Translate an HTTP status other than success; the body is decoded JSON or text."""
    reason = words_of(body)
    if status < 400:
        text = f"{source.place} redirects to another address"
        return _make(BadRequestError, source, text, "set baseUrl to the final address")
    if status >= 500 and LOADING.search(reason):
        return loading(source)
    fault = _too_many(reason, headers) if status == 429 else _by_meaning(status, reason)
    fault = fault or _BY_STATUS.get(status)
    fault = fault or (ServiceUnavailableError if status >= 500 else BadRequestError)
    if fault is AuthenticationError and reason and not ABOUT_KEY.search(reason):
        return _make(fault, source, *_not_permitted(status, source, reason))
    return _fault(fault, source, reason, headers)


def _not_permitted(status: int, source: Source, reason: str) -> tuple[str, str]:
    """Return the fault and the advice for a refusal that the key need not be the cause of."""
    if status == 401 and source.key_name:
        fault = f"{source.key_name} is not accepted{_quote(reason, source)}"
        return fault, "set a valid key and try again"
    fault = f"{source.place} does not permit the request{_quote(reason, source)}"
    return fault, "check the rights of the key, and the network"


def loading(source: Source) -> ServiceUnavailableError:
    """Return the error of a server that loads the model: it passes by itself, and pauses nothing."""
    text = f"{source.place} is loading the model"
    error = ServiceUnavailableError(
        source.name, advice_first(source.name, text, "try again in a moment")
    )
    error.trips_breaker = False
    return error


def is_loading(error: ProviderError) -> bool:
    """Return whether an error only says that the model is not loaded yet."""
    return isinstance(error, ServiceUnavailableError) and not error.trips_breaker


def from_body(body: Any, source: Source) -> ProviderError:
    """Translate an error inside a successful answer."""
    reason = words_of(body)
    for pattern, fault in (
        (QUOTA_CODE, QuotaExceededError),
        (RATE, RateLimitedError),
        (CONTEXT, ContextTooLongError),
        (QUOTA, QuotaExceededError),
        (FILTER, ContentFilteredError),
        (MODEL, ModelNotFoundError),
        (KEY, AuthenticationError),
        (OVERLOADED, ServiceUnavailableError),
    ):
        if pattern.search(reason):
            return _fault(fault, source, reason, None)
    return _make(
        InvalidResponseError,
        source,
        f"an error instead of an answer{_quote(reason, source)}",
        "try again",
    )


def _too_many(reason: str, headers: Any) -> _Fault:
    """Return the fault: used-up credit or a rate limit. The code decides, then a delay, then the words."""
    code = reason.split(" ", 2)[:2]
    if any(QUOTA_CODE.search(word) for word in code):
        return QuotaExceededError
    if "overloaded" in reason.lower():
        return ServiceUnavailableError
    if TOO_LARGE.search(reason):
        return ContextTooLongError
    if retry_after(headers, reason) is not None or RATE.search(reason):
        return RateLimitedError
    return QuotaExceededError if QUOTA.search(reason) else RateLimitedError


_BY_STATUS: dict[int, _Fault] = {
    401: AuthenticationError,
    402: QuotaExceededError,
    403: AuthenticationError,
    404: ModelNotFoundError,
    405: ModelNotFoundError,
    407: ConnectionFailedError,
    408: TimedOutError,
    410: ModelNotFoundError,
    413: ContextTooLongError,
    429: RateLimitedError,
    498: ServiceUnavailableError,  # Groq: no capacity
    501: ModelNotFoundError,
    504: ServiceUnavailableError,
}


def _by_meaning(status: int, reason: str) -> _Fault | None:
    """Return the error that the text names, where the status is ambiguous."""
    if status in (400, 403, 500) and RATE.search(reason):
        return RateLimitedError
    if status in (400, 403, 413, 422, 500) and CONTEXT.search(reason):
        return ContextTooLongError
    if status in (400, 403) and WRONG_KEY.search(reason):
        return AuthenticationError
    if status in (400, 403) and (QUOTA.search(reason) or QUOTA_CODE.search(reason)):
        return QuotaExceededError
    if status == 500 and QUOTA_CODE.search(reason):  # MiniMax
        return QuotaExceededError
    if status in (400, 403, 422) and FILTER.search(reason):
        return ContentFilteredError
    if status in (400, 403, 422) and MODEL.search(reason):
        return ModelNotFoundError
    return None


def _fault(fault: _Fault, source: Source, reason: str, headers: Any) -> ProviderError:
    if fault is RateLimitedError:
        return _rate_limited(source, headers, reason)
    if fault is ServiceUnavailableError:
        wait = retry_after(headers, reason)
        when = f"in {in_words(wait)}" if wait else "in a while"
        text = f"{source.place} is unavailable{_quote(reason, source)}"
        text = advice_first(source.name, text, f"try again {when}")
        return ServiceUnavailableError(source.name, text, wait)
    if fault is ConnectionFailedError:
        return _make(
            fault, source, "the proxy asks for one", "put the password into the proxy's address"
        )
    return _make(fault, source, *_TEXTS[fault](source, reason))


_TEXTS: dict[_Fault, Callable[[Source, str], tuple[str, str]]] = {
    AuthenticationError: lambda s, _reason: (
        (f"{s.key_name} is not accepted", "set a valid key and try again")
        if s.key_name
        else (
            f"{s.place} asks for a key",
            "set apiKeyEnv to the environment variable of the key",
        )
    ),
    QuotaExceededError: lambda s, _reason: (
        f"your credit at {s.place} is used up",
        "add credit or choose another model",
    ),
    ModelNotFoundError: lambda s, reason: (
        f"{s.place} does not offer the model {s.model!r} this way{_quote(reason, s)}",
        "check model, api and baseUrl",
    ),
    ContextTooLongError: lambda _s, _reason: (
        "the prompt does not fit the model's window",
        "set contextTokens to the window it really has",
    ),
    TimedOutError: lambda s, _reason: (
        f"{s.place} did not answer in time",
        "try again or raise timeout",
    ),
    ContentFilteredError: lambda _s, _reason: (
        "a content filter declined the request",
        "ask differently or choose another model",
    ),
    BadRequestError: lambda s, reason: (
        f"{s.place} refuses the request{_quote(reason, s)}",
        "check the model's settings",
    ),
}
"""The fault and the advice of each error."""


def _rate_limited(source: Source, headers: Any, reason: str) -> RateLimitedError:
    wait = retry_after(headers, reason)
    when = f"in {in_words(wait)}" if wait else "in a while"
    text = advice_first(source.name, "too many requests", f"try again {when} or lower concurrency")
    return RateLimitedError(source.name, text, wait)


def _from_transport(error: BaseException, source: Source, answer_started: bool) -> ProviderError:
    chain = list(_causes(error))
    names = {c.__name__ for e in chain for c in type(e).__mro__}
    # A timeout while connecting is a failed connection, not a slow answer.
    slow = names & {"TimeoutException", "APITimeoutError", "TimeoutError"}
    if slow and not names & {"ConnectTimeout", "PoolTimeout"}:
        return _make(TimedOutError, source, *_TEXTS[TimedOutError](source, ""))
    if answer_started:
        return _make(InvalidResponseError, source, "the answer broke off half-way", "try again")
    return _make(
        ConnectionFailedError, source, *connection_problem(chain, source.place, local=source.local)
    )


def _causes(error: BaseException) -> Any:
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def _quote(reason: str, source: Source) -> str:
    """Return the provider's own words: short, printable, on one line, without anything like a key.

    Pages and traces of a crash are not words.
    """
    text = reason.replace(source.key, "…") if source.key else reason
    text = _SECRETS.sub("…", text)
    text = "".join(c if c.isprintable() else " " for c in text)
    text = " ".join(text.split()).rstrip(".")
    if not text or _NOT_WORDS.search(text):
        return ""
    return f" ({text[:160]}{'…' if len(text) > 160 else ''})"


def _make(fault: _Fault, source: Source, text: str, advice: str) -> ProviderError:
    return fault(source.name, advice_first(source.name, text, advice))
