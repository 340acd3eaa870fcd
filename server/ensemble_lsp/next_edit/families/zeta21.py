"""Zed's zeta-2.1: zeta-2's prompt, with numbered markers in the region; the answer rewrites what is between two."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ...types import RenderedPrompt
from ..prompting import EditPrompt, EditRequest, Family, joined
from ..region import Region, RegionSize
from .zeta2 import CURSOR, MIDDLE, TOKENS, text_before_region

_MARKER = "<|marker_"
_TAG = re.compile(r"<\|marker_(\d+)\|>")
_END = "<[end▁of▁sentence]>"
_MIN_LINES, _MAX_LINES = 6, 16
"""Lines between two markers."""
_TAIL = re.compile(r"\s*(?:[)\]}]|(?:break|continue|return|throw|end)\s*;?\s*$)")
"""Matches a line that belongs to the block above it."""


def _render(request: EditRequest, region: Region) -> EditPrompt:
    marked = request.marked(region, CURSOR)
    places = marker_places(request.lines(region))
    blocks = [
        f"{_MARKER}{number}|>{joined(marked[first:end])}"
        for number, (first, end) in enumerate(pairwise(places), 1)
    ]
    text = (
        text_before_region(request, region, FAMILY.clean)
        + f"{''.join(blocks)}{_MARKER}{len(places)}|>\n{MIDDLE}"
    )
    return EditPrompt(FAMILY, request, region, RenderedPrompt(text=text), stop=(_END,))


def marker_places(lines: Sequence[str]) -> list[int]:
    """Return the numbers of the lines before which a marker is, with the first line and the end."""
    places = [0]
    for number in range(1, len(lines)):
        size, left = number - places[-1], len(lines) - number
        starts = bool(lines[number].strip()) and not _TAIL.match(lines[number])
        after_blank = starts and not lines[number - 1].strip()
        if (size >= _MIN_LINES and after_blank and left >= _MIN_LINES) or size >= _MAX_LINES:
            places.append(number)
    return [*places, len(lines)]


def _read(prompt: EditPrompt, answer: str) -> list[str] | None:
    answer = answer.partition(_END)[0]
    tags = list(_TAG.finditer(answer))
    if len(tags) < 2:
        return None
    first, last = int(tags[0][1]) - 1, int(tags[-1][1]) - 1
    old = prompt.request.lines(prompt.region)
    places = marker_places(old)
    if not 0 <= first < last < len(places):
        # The same marker twice means that nothing changes.
        return None
    text = "".join(answer[one.end() : other.start()] for one, other in pairwise(tags))
    new = text.replace(CURSOR, "").removesuffix("\n").split("\n") if text.strip() else []
    return [*old[: places[first]], *new, *old[places[last] :]]


FAMILY = Family(
    name="zeta-2.1",
    wire="completions",
    size=RegionSize(above=4, below=6, characters=1200),
    tokens=(*TOKENS, _MARKER, _END),
    render=_render,
    read=_read,
)
