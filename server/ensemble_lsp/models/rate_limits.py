"""Read the delay that a provider asks for after too many requests: from headers, else from the error's text."""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

_UNITS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhd])", re.I)
_WHOLE_DURATION = re.compile(rf"\s*(?:{_DURATION.pattern}\s*)+", re.I)
_LONGEST = 31 * 86400.0
"""Seconds; a longer delay is an error."""
_IN_WORDS = re.compile(
    r"(?:try again|retry|wait|resets?|available (?:again )?(?=after|in))"
    r"\s*(?:after|in|for|at least)?(?: about)?\s*:?\s*"
    r"((?:\d+(?:\.\d+)?\s*(?:ms|milliseconds?|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:ours?)?|d(?:ays?)?)?"
    r"[\s,]*)+)(?![\d:/-]|T\d|\s*(?:[ap]m|times)\b)",  # no time of day, date or count
    re.I,
)
_RESET_FIELD = re.compile(r"reset(?:s?_at)?\W{1,5}(\d{10,13})\b", re.I)
"""A Unix time in the body: ``resets_at``, or the header that a router got from a service."""
_RATE_LIMIT = re.compile(r"\b(?P<name>r|remaining|t|reset)=(?P<value>\d+)")
"""Parts of the header ``RateLimit``, in the form of either draft of the standard."""
_LONG_UNITS = re.compile(r"(milli)?(sec(?:ond)?|min(?:ute)?|hour|day)s?\b", re.I)
_SHORT = {"sec": "s", "min": "m", "hou": "h", "day": "d"}


def in_words(seconds: float) -> str:
    """Return a delay for a message: ``3 s``, ``12 min`` or ``2 h``."""
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min")):
        if seconds <= limit:
            return f"{math.ceil(seconds / size)} {unit}"
    return f"{math.ceil(seconds / 3600)} h"


def retry_after(headers: Any, words: str = "") -> float | None:
    """Return the seconds to wait; None where the provider does not say.

    Looks at ``retry-after-ms``, ``retry-after`` (seconds, a duration, a Unix time or a date), the reset of
    an exhausted limit, and the error's text: Gemini says it only there.
    """
    wait = _from_headers(headers)
    if wait is None:
        wait = _from_words(words)
    if wait is None and headers is not None:
        wait = _from_resets(headers)
    return wait if wait is not None and wait <= _LONGEST else None


def _from_headers(headers: Any) -> float | None:
    if headers is not None:
        for name, read in _HEADERS.items():
            if (value := headers.get(name)) and (wait := read(str(value))) is not None:
                return wait
    return None


def _seconds(value: str) -> float | None:
    """Read seconds, a duration such as ``6m0s``, or an HTTP date."""
    with suppress(ValueError):
        number = float(value)
        return max(0.0, number) if math.isfinite(number) else None
    if _WHOLE_DURATION.fullmatch(value):
        return sum(float(n) * _UNITS[unit.lower()] for n, unit in _DURATION.findall(value))
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    return None


def _milliseconds(value: str) -> float | None:
    with suppress(ValueError):
        return max(0.0, float(value) / 1e3)
    return None


def _from_words(words: str) -> float | None:
    """Read a delay from the text: ``retryDelay: 2.1s``, ``try again in 6m0s``, ``after 2 seconds``."""
    if delay := re.search(r"retryDelay\W+(\d+(?:\.\d+)?)s", words):
        return float(delay[1])
    if moment := _RESET_FIELD.search(words):
        return _moment(moment[1])
    found = _IN_WORDS.search(words)
    if not found:
        return None
    text = _LONG_UNITS.sub(
        lambda m: "ms" if m[1] else _SHORT[m[2][:3].lower()], found[1].replace(",", " ")
    )
    return _seconds(" ".join(text.split()).strip())


def _from_resets(headers: Any) -> float | None:
    """Return the longest reset of the limits that have nothing left, else the shortest of all."""
    resets = list(_resets(headers))
    used_up = [wait for wait, left in resets if left]
    if used_up:
        return max(used_up)
    return min((wait for wait, _ in resets if wait > 0), default=None)


def _resets(headers: Any) -> Iterator[tuple[float, bool]]:
    """Yield the seconds of each reset header, and whether its limit has nothing left."""
    parts = {m["name"]: m["value"] for m in _RATE_LIMIT.finditer(headers.get("ratelimit") or "")}
    if wait := parts.get("t") or parts.get("reset"):
        yield float(wait), (parts.get("r") or parts.get("remaining")) == "0"
    for name, value in headers.items():
        if not re.search(r"ratelimit.*reset", name, re.I):
            continue
        wait = _moment(str(value))
        remaining = str(headers.get(name.lower().replace("reset", "remaining"), "")).strip()
        if wait is not None:
            yield wait, remaining in ("0", "0.0")


def _moment(value: str) -> float | None:
    """Read a duration, or a time as Unix seconds, Unix milliseconds or in ISO's form."""
    wait = _seconds(value)
    if wait is None:
        with suppress(ValueError):
            return max(
                0.0, datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp() - time.time()
            )
        return None
    for scale in (1e3, 1.0):
        if wait > 1e9 * scale / 2:
            return max(0.0, wait / scale - time.time())
    return wait


_HEADERS: Mapping[str, Callable[[str], float | None]] = {
    "retry-after-ms": _milliseconds,
    "x-ms-retry-after-ms": _milliseconds,
    "retry-after": _moment,
    "x-ratelimit-timeremaining": _seconds,
}
