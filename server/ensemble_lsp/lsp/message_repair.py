"""Repair of messages that break the protocol's rules but whose meaning is clear."""

from __future__ import annotations

import json
import re
from typing import Any, cast

from ..context.documents import Documents

MAX_UINTEGER = 2**31 - 1
"""LSP's largest ``uinteger``; some clients send more to mean the end of the line."""

# A surrogate: escaped, or encoded as UTF-8, which is invalid.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""A byte that was decoded by ``surrogateescape``."""


def load(body: bytes) -> Any:
    """Parse a message's JSON; raise ``ValueError`` or ``RecursionError``.

    A lone surrogate, which an editor may send and no provider accepts, is replaced by U+FFFD: it is as
    wide in every position encoding. A byte that is not UTF-8, which Neovim sends as it is in the file, is
    replaced by ``?`` for the same reason.
    """
    try:
        data = json.loads(body)
    except UnicodeDecodeError:
        data = json.loads(_NOT_UTF8.sub("?", body.decode("utf-8", "surrogateescape")))
    return _without_surrogates(data) if _SURROGATE.search(body) else data


def uri_in(params: Any) -> str | None:
    """Return the URI of the document that params name, whatever their shape."""
    try:
        uri = params["textDocument"]["uri"]
    except (KeyError, TypeError):
        return None
    return uri if isinstance(uri, str) else None


def complete_opened(params: Any) -> None:
    """Add what an opened document lacks, in place: its version, its language or, where it is null, its text."""
    item: Any = params.get("textDocument") if isinstance(params, dict) else None
    if not isinstance(item, dict):
        return
    for key, default in (("version", 0), ("languageId", "")):
        if item.get(key) is None:
            item[key] = default
    if item.get("text", "") is None:
        item["text"] = ""


def complete_changed(params: Any, documents: Documents) -> None:
    """Add what a change lacks, in place: its version, which was optional up to LSP 3.15.

    A null range means the whole document, and a null text an empty one. ``rangeLength`` is obsolete and removed.
    """
    if not isinstance(params, dict):
        return
    table = cast("dict[str, Any]", params)
    identifier, changes = table.get("textDocument"), table.get("contentChanges")
    if isinstance(identifier, dict) and identifier.get("version") is None:
        document = documents.get(uri_in(params) or "")
        identifier["version"] = document.version + 1 if document else 0
    for change in cast("list[Any]", changes) if isinstance(changes, list) else ():
        if isinstance(change, dict):
            change.pop("rangeLength", None)
            if change.get("range", 0) is None:
                del change["range"]
            if change.get("text", "") is None:
                change["text"] = ""


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
