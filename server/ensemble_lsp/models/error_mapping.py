"""Translate an SDK's or the transport's exception into one ``ProviderError``: a sentence that says what to do.

Exceptions are recognised by status, body and class name, so no SDK is imported here. A provider's own
words are quoted only where nothing else helps, on one line and without keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
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
from .connection_errors import connection_problem
from .rate_limits import in_words, retry_after

_Fault = type[ProviderError]

# What providers write in ``code`` or ``type``, or else in the message.
_CONTEXT = re.compile(
    r"context[ _-]?(length|size|window)|maximum context|too many (input )?tokens"
    r"|prompt is too long"
    r"|exceed\w* (the )?(available |model'?s? )?(context|max\w* (input|prompt|token))"
    r"|string_above_max"
    r"|request_too_large|input is too long",
    re.I,
)
_QUOTA = re.compile(
    r"insufficient[ _](quota|funds|balance|credit)|exceeded your current quota|billing"
    r"|(n't|not) have (any|enough) credits?|budget (has been )?exceeded"
    r"|credit balance|payment[ _]required|out of credits?|spend(ing)? limit",
    re.I,
)
_FILTER = re.compile(
    r"content[ _](filter|policy|management)|responsible[ _]?ai|moderation|safety system"
    r"|usage polic|data_inspection_failed|inappropriate content|sensitive[ _]content",
    re.I,
)
_MODEL = re.compile(
    r"model[ _]not[ _]found|model .{0,100}(does not exist|not found|is not available|not exist)"
    r"|not have access to (the )?model|no such model|unknown model|invalid model|not a (chat|completion) model",
    re.I,
)
_KEY = re.compile(r"invalid[ _](api[ _])?key|authentication|permission_error|unauthorized", re.I)
# In a 400, which may be about anything, only these are about the key.
_WRONG_KEY = re.compile(
    r"(invalid|incorrect|wrong|expired|missing)[ _](\w+[ _])?api[ _-]?key"
    r"|api[ _-]?key[ _](is |was |has )?(not valid|invalid|incorrect|wrong|expired|missing|not found)"
    r"|(invalid|missing)[ _](or (invalid|missing) )?authori[sz]ation[ _](header|token)",
    re.I,
)
_RATE = re.compile(
    r"rate[ _-]?limit|too[ _]many[ _]requests|tokens per min|resource_exhausted|(requests?|tokens) per "
    r"|\b[RT]P[MD]\b",
    re.I,
)
# Codes and types about credit; messages about rate limits contain words such as "billing" too.
_QUOTA_CODE = re.compile(
    r"insufficient[_ ](user_)?(quota|funds|balance|credits?)|exceeded_current_quota"
    r"|billing_(hard_limit|not_active)|credits?_exhausted|arrearage|payment_required|^1113$",
    re.I,
)
_LOADING = re.compile(
    r"loading( the)? model|model( \S+)? is( currently| still)? (loading|starting|being loaded)"
    r"|still loading|is currently loading|warming up",
    re.I,
)
_OVERLOADED = re.compile(
    r"overloaded|server[ _]error|api_error|unavailable|internal error|timeout_error", re.I
)
_SECRETS = re.compile(r"\b(?:sk|pk|key|xai|gsk|hf|AIza|Bearer)[-_ ][\w*.\-]{6,}", re.I)
_NOT_WORDS = re.compile(
    r"<html|<!doctype|traceback \(most recent|\bat \S+ ?\([^)]*:\d+\)|goroutine \d+ \[", re.I
)
"""A page, or the trace of a crash."""


_DELAYS = ("resets_in_seconds", "retry_after", "retry_after_seconds", "retryAfter")
"""Fields of an error with the seconds to wait."""


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
    if status >= 500 and _LOADING.search(reason):
        return loading(source)
    fault = _too_many(reason, headers) if status == 429 else _by_meaning(status, reason)
    fault = fault or _BY_STATUS.get(status)
    fault = fault or (ServiceUnavailableError if status >= 500 else BadRequestError)
    return _fault(fault, source, reason, headers)


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
        (_CONTEXT, ContextTooLongError),
        (_QUOTA_CODE, QuotaExceededError),
        (_RATE, RateLimitedError),
        (_QUOTA, QuotaExceededError),
        (_FILTER, ContentFilteredError),
        (_MODEL, ModelNotFoundError),
        (_KEY, AuthenticationError),
        (_OVERLOADED, ServiceUnavailableError),
    ):
        if pattern.search(reason):
            return _fault(fault, source, reason, None)
    return _make(
        InvalidResponseError,
        source,
        f"an error instead of an answer{_quote(reason, source)}",
        "try again",
    )


def words_of(body: Any) -> str:
    """Return code, type and message of an error's body, or the body; at most 2,000 characters."""
    if isinstance(body, list) and body:  # Gemini
        body = cast("list[Any]", body)[0]
    if isinstance(body, dict):
        outer = cast("dict[str, Any]", body)
        inner = outer.get("error", outer)
        table = cast("dict[str, Any]", inner) if isinstance(inner, dict) else {"message": inner}
        names = ("code", "type", "status", "message", "detail", "param", "metadata", "details")
        parts = [table.get(k) for k in names]
        parts += [
            f"retry after {n} s" for k in _DELAYS if isinstance(n := table.get(k), int | float)
        ]
        text = " ".join(p if isinstance(p, str) else json.dumps(p) for p in parts if p)
        return text[:2000]
    return "" if body is None else str(body)[:2000]


def _too_many(reason: str, headers: Any) -> _Fault:
    """Return the fault: used-up credit or a rate limit. The code decides, then a delay, then the words."""
    code = reason.split(" ", 2)[:2]
    if any(_QUOTA_CODE.search(word) for word in code):
        return QuotaExceededError
    if "overloaded" in reason:
        return ServiceUnavailableError
    if retry_after(headers, reason) is not None or _RATE.search(reason):
        return RateLimitedError
    return QuotaExceededError if _QUOTA.search(reason) else RateLimitedError


_BY_STATUS: dict[int, _Fault] = {
    401: AuthenticationError,
    402: QuotaExceededError,
    403: AuthenticationError,
    404: ModelNotFoundError,
    407: ConnectionFailedError,
    408: TimedOutError,
    413: ContextTooLongError,
    429: RateLimitedError,
    501: ModelNotFoundError,
    504: ServiceUnavailableError,
}


def _by_meaning(status: int, reason: str) -> _Fault | None:
    """Return the error that the text names, where the status is ambiguous."""
    if status in (400, 403, 413, 422, 500) and _CONTEXT.search(reason):
        return ContextTooLongError
    if status in (400, 403) and _WRONG_KEY.search(reason):
        return AuthenticationError
    if status in (400, 403) and (_QUOTA.search(reason) or _QUOTA_CODE.search(reason)):
        return QuotaExceededError
    if status in (400, 403, 422) and _FILTER.search(reason):
        return ContentFilteredError
    if status in (400, 403, 422) and _MODEL.search(reason):
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
