"""Repair of the parts of a message that cannot be decoded and that LSP lets a message lack.

Clients send ``null`` or nothing for a required list, ``true`` for an empty object, and values that another version
of LSP has: ``trace: "compact"``, a symbol kind of 27. One such value must not cost the whole message, least of all
``initialize``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast, get_args, get_origin

from cattrs import (
    AttributeValidationNote,
    BaseValidationError,
    IterableValidationError,
    IterableValidationNote,
)
from lsprotocol import types

from .message_repair import bounded

logger = logging.getLogger(__name__)

_EMPTY: dict[str, Any] = {
    "params": {}, "capabilities": {}, "context": {}, "settings": None, "name": "",
}  # fmt: skip
"""Required members whose absence has an obvious meaning."""


_EXACT = frozenset(
    {
        types.TEXT_DOCUMENT_DID_OPEN,
        types.TEXT_DOCUMENT_DID_CHANGE,
        types.NOTEBOOK_DOCUMENT_DID_OPEN,
        types.NOTEBOOK_DOCUMENT_DID_CHANGE,
    }
)
"""Messages that are not decoded in part: the document would differ from the editor's."""
_MAX_REPAIRS = 8

T = TypeVar("T")


def decode_leniently(
    method: str, message: dict[str, Any], decode: Callable[[str, dict[str, Any]], T]
) -> T:
    """Return the decoded message, without the parts that cannot be decoded; raise the error of ``decode`` if none helps."""
    try:
        return decode(method, message)
    except Exception:
        message = bounded(message)
    for _ in range(0 if method in _EXACT else _MAX_REPAIRS):
        try:
            return decode(method, message)
        except Exception as error:
            changed = repair_undecodable(message, error)
        if not changed:
            break
        logger.warning("%s: ignored %s", method, ", ".join(changed))
    return decode(method, message)


def repair_undecodable(message: dict[str, Any], error: Exception) -> list[str]:
    """Remove or complete, in place, the parts of a message that ``error`` names, and return their paths.

    ``error`` is the one that decoding the message raised. A part that was completed may fail again. No path means
    that the message cannot be repaired.
    """
    changed: list[str] = []
    return changed if _repair(message, error, "", changed) else []


def _repair(node: Any, error: Exception, at: str, changed: list[str]) -> bool:
    """Repair an object or a list; return False if its parent must do without it."""
    if not isinstance(error, BaseValidationError):
        return False
    removed: list[int] = []
    for each in error.exceptions:
        note = _note(each)
        if isinstance(node, dict) and isinstance(note, AttributeValidationNote):
            if not _repair_member(cast("dict[str, Any]", node), note, each, at, changed):
                return False
        elif isinstance(node, list) and isinstance(note, IterableValidationNote):
            index = int(note.index)
            place = f"{at}[{index}]"
            if not _repair(node[index], each, place, changed):
                removed.append(index)
                changed.append(place)
        else:
            return False
    for index in reversed(removed):
        del node[index]
    return True


def _repair_member(
    node: dict[str, Any],
    note: AttributeValidationNote,
    error: Exception,
    at: str,
    changed: list[str],
) -> bool:
    """Repair a member of an object; return False if the object cannot do without it."""
    key = _json_key(note.name)
    value, place = node.get(key), f"{at}.{key}".lstrip(".")
    if _repair(value, error, place, changed):
        return True
    if isinstance(value, str) and isinstance(error, IterableValidationError):
        node[key] = [value]
    elif value is True:
        node[key] = {}
    elif key in node and type(None) in get_args(note.type):
        del node[key]
    elif value in (None, []) and (key in _EMPTY or get_origin(note.type) is Sequence):
        node[key] = _EMPTY.get(key, [])
    else:
        return False
    changed.append(place)
    return True


def _note(error: Exception) -> AttributeValidationNote | IterableValidationNote | None:
    """Return the note of the attribute or the index at which an error was raised."""
    notes: list[Any] = getattr(error, "__notes__", [])
    for note in notes:
        if isinstance(note, AttributeValidationNote | IterableValidationNote):
            return note
    return None


def _json_key(attribute: str) -> str:
    """Return the JSON key of one of lsprotocol's attributes."""
    first, *rest = attribute.strip("_").split("_")
    return first + "".join(part.capitalize() for part in rest)
