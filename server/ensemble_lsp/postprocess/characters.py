"""Removes characters that must not reach a document: escape sequences, controls, invisible and bidi marks.

Bidirectional controls can make code look different from what it executes (CVE-2021-42574).
"""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[@-Z\\-_]"
    r"|\x9b[0-?]*[@-~]"
)
_HIDDEN = re.compile(
    # The flags of England, Scotland and Wales end with a short sequence of tags.
    "(\U0001f3f4[\U000e0020-\U000e007e]{1,6}\U000e007f)|"
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffc"
    "\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)
_HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
# A variation selector is part of an emoji or of a keycap. Behind other characters, or in a row, they hide text.
_SELECTORS = re.compile(
    "(?<![^\x00-\x7f])[\ufe00-\ufe0f](?!\u20e3)|(?<=[\ufe00-\ufe0f])[\ufe00-\ufe0f]+"
)
# Joiners are part of emoji and of several scripts; between other characters they only hide.
_JOINERS = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")


def strip_hidden_characters(text: str) -> str:
    r"""Return the text without escape sequences and hidden characters, with ``\n`` line ends."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "")
    if text.isascii() and text.isprintable():
        return text
    text = _HIDDEN.sub(_flag, _ESCAPES.sub("", join_surrogates(text)))
    return text if text.isascii() else _SELECTORS.sub("", _JOINERS.sub("", text))


def join_surrogates(text: str) -> str:
    """Join the halves of a character that arrived as two escapes, in two pieces of a stream."""
    return _HALVES.sub(_whole, text)


def _whole(halves: re.Match[str]) -> str:
    return halves.group().encode("utf-16", "surrogatepass").decode("utf-16")


def _flag(hidden: re.Match[str]) -> str:
    return hidden.group(1) or ""
