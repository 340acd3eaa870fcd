"""Whether an editor says that it does not trust the opened workspace. Imports nothing heavy."""

from __future__ import annotations

from typing import Any, cast

_FLAG = "workspacetrusted"
_MAX_DEPTH = 10


def folded(key: str) -> str:
    """Return a key without the differences of spelling that clients and people make."""
    return key.replace("-", "").replace("_", "").lower()


def split_trust(options: Any, depth: int = 0) -> tuple[Any, bool]:
    """Return options without ``workspaceTrusted``, and whether it denies trust.

    It may be wrapped as settings may. Only ``true`` and null grant trust: a misspelled value must not.
    """
    if depth > _MAX_DEPTH:
        return options, False
    if isinstance(options, list):
        parts = [split_trust(each, depth + 1) for each in cast("list[Any]", options)]
        return [part for part, _ in parts], any(denied for _, denied in parts)
    if not isinstance(options, dict):
        return options, False
    left: dict[str, Any] = {}
    denied = False
    for key, value in cast("dict[str, Any]", options).items():
        if folded(str(key).rpartition(".")[2]) == _FLAG:
            denied |= value is not None and value is not True
        else:
            left[key], inner = split_trust(value, depth + 1)
            denied |= inner
    return left, denied
