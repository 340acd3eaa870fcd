"""Random editing sessions as Hypothesis draws them: texts, changes, places."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.conformance.model import length, line_at, line_starts

PIECES = (
    "a", "x = 1", "def area(width, height):", "    return ", "(", "\n", "\r\n", "\r", "\n\n", "\t", " ",
    "é", "e\u0301", "🏳️‍🌈", "😀", "漢字", "𝒳", "\u2028", "\x0c", "\x85", "\x00", "\ufeff", "שלום", "👩‍👩‍👧‍👦",
)  # fmt: skip
"""Words, every line end, what other splitters take for one, and characters of one to many units."""

texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
encodings = st.sampled_from(("utf-8", "utf-16", "utf-32"))


@st.composite
def places(draw: st.DrawFn, text: str, encoding: str, *, exact: bool = False) -> dict[str, int]:
    """A position: mostly one that exists, sometimes inside a character or past an end."""
    lines = len(line_starts(text))
    line = draw(st.integers(0, lines - 1 if exact else lines + 1))
    known = line_at(text, line) if line < lines else ""
    if exact:
        return {
            "line": line,
            "character": length(known[: draw(st.integers(0, len(known)))], encoding),
        }
    return {"line": line, "character": draw(st.integers(0, length(known, encoding) + 3))}


@st.composite
def changes(draw: st.DrawFn, text: str, encoding: str) -> dict[str, Any]:
    """One content change: a range and its new text, now and then the whole text."""
    new = draw(texts)
    if draw(st.integers(0, 9)) == 0:
        return {"text": new}
    start = draw(places(text, encoding))
    end = start if draw(st.booleans()) else draw(places(text, encoding))
    return {"range": {"start": start, "end": end}, "text": new}
