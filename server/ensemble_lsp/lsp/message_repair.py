"""Messages that break the rules in ways whose meaning is plain: mended before they are decoded."""

from __future__ import annotations

import json
import re
from typing import Any, cast

LARGEST = 2**31 - 1
"""LSP's largest ``uinteger``; some clients send more for "the end of the line"."""

# Half of a surrogate pair: escaped, or as UTF-8 should not have it.
_HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")


def load(body: bytes) -> Any:
    """A message's JSON. Raises ``ValueError`` or ``RecursionError``.

    An editor may send one half of a character outside the basic plane. No text may hold that, and no
    provider takes it; U+FFFD stands in its place, which is as wide in every position encoding.
    """
    data = json.loads(body)
    return _whole(data) if _HALF.search(body) else data


def bounded(value: Any) -> Any:
    """A copy in which lines, characters and versions lie within what LSP allows."""
    if isinstance(value, list):
        return [bounded(each) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    return {k: _within(k, v) for k, v in cast("dict[str, Any]", value).items()}


def _within(key: str, value: Any) -> Any:
    if type(value) is not int:
        return bounded(value)
    if key in {"line", "character"}:
        return max(0, min(value, LARGEST))
    return max(-LARGEST - 1, min(value, LARGEST)) if key == "version" else value


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(each) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {_whole(k): _whole(v) for k, v in cast("dict[str, Any]", value).items()}
    return value
