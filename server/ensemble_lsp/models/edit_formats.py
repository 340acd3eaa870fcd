"""The format in which a model predicts the next edit: by its id, or by the setting ``editFormat``.

The formats themselves are in ``next_edit/families``.
"""

from __future__ import annotations

import re
from types import MappingProxyType

AUTO, NONE, CHAT = "auto", "none", "chat"

_SIZE = r"\d[\d.]*b"
"""Matches parameters or bits, such as 7b, 1.5b and 4bit; other digits after a name are its version."""
_PATTERNS = MappingProxyType(
    {
        "zeta": rf"zeta(?!-?(?!{_SIZE})[2-9])",
        # 2.1 was trained on numbered markers instead.
        "zeta-2": rf"zeta-?2(?!\.?\d|-(?!{_SIZE})\d)",
        "sweep-next-edit": r"sweep-?(next-?edit|v\d)",
        "instinct": r"instinct",
        # mercury-2 is a chat model.
        "mercury": r"mercury(?![a-z0-9]|-\d)",
    }
)
"""Patterns of model ids, in lower case, by format."""
_RAW_TEXT = frozenset({"zeta", "zeta-2", "sweep-next-edit"})
_SPECIALISED = _RAW_TEXT | {"instinct"}


def edit_formats() -> tuple[str, ...]:
    """Return every format."""
    return (*_PATTERNS, CHAT)


def edit_format_of(model: str, setting: str = AUTO, *, chats: bool = False) -> str:
    """Return the format of a model: the setting, else by its id, else ``chat`` if it chats.

    ``none`` for a model that does not predict edits, such as one that only fills in the middle.
    """
    if setting != AUTO:
        return setting if setting in edit_formats() else NONE
    ident = re.split(r"[/\\]", model.lower().replace("_", "-"))[-1]
    for name, pattern in _PATTERNS.items():
        if re.search(rf"(?<![a-z0-9])(?:{pattern})", ident):
            return name
    unknown_zeta = re.search(r"(?<![a-z0-9])zeta-?\d", ident)
    return CHAT if chats and not unknown_zeta else NONE


def is_raw_text(edit_format: str) -> bool:
    """Return whether a format's prompt is one raw text, not the messages of a chat."""
    return edit_format in _RAW_TEXT


def only_predicts_edits(edit_format: str) -> bool:
    """Return whether a format's models were trained for nothing but edits."""
    return edit_format in _SPECIALISED
