"""Repair of messages that break the protocol's rules but whose meaning is clear."""

from __future__ import annotations

import json
import re
from typing import Any, cast

MAX_UINTEGER = 2**31 - 1
"""LSP's largest ``uinteger``; some clients send more to mean the end of the line."""

# A surrogate: escaped, or encoded as UTF-8, which is invalid.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")


def load(body: bytes) -> Any:
    """Parse a message's JSON; raise ``ValueError`` or ``RecursionError``.

    A lone surrogate, which an editor may send and no provider accepts, is replaced by U+FFFD: it is as
    wide in every position encoding.
    """
    data = json.loads(body)
    return _without_surrogates(data) if _SURROGATE.search(body) else data


def bounded(value: Any) -> Any:
    """Return a copy with lines, characters and versions clamped to LSP's bounds."""
    if isinstance(value, list):
        return [bounded(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    return {k: _clamped(k, v) for k, v in cast("dict[str, Any]", value).items()}


def _clamped(key: str, value: Any) -> Any:
    if type(value) is not int:
        return bounded(value)
    if key in {"line", "character"}:
        return max(0, min(value, MAX_UINTEGER))
    return max(-MAX_UINTEGER - 1, min(value, MAX_UINTEGER)) if key == "version" else value


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {
            _without_surrogates(k): _without_surrogates(v)
            for k, v in cast("dict[str, Any]", value).items()
        }
    return value
