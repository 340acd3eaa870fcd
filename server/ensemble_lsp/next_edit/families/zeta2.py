"""Zed's zeta-2 (SeedCoder): suffix, edit history, prefix, and the region as one side of a conflict."""

from __future__ import annotations

from collections.abc import Callable

from ...types import RenderedPrompt
from ..parsing import split_answer
from ..prompting import (
    EditPrompt,
    EditRequest,
    Family,
    RecentEdit,
    above_and_below,
    best_within,
    block,
    joined,
    newest_within,
)
from ..region import Region, RegionSize

_SUFFIX, _PREFIX, MIDDLE = "<[fim-suffix]>", "<[fim-prefix]>", "<[fim-middle]>"
_FILE = "<filename>"
_CURRENT, _UPDATED = "<<<<<<< CURRENT", ">>>>>>> UPDATED"
CURSOR = "<|user_cursor|>"
TOKENS = (_SUFFIX, _PREFIX, MIDDLE, _FILE, CURSOR)
_NO_EDITS = "NO_EDITS"
_PREDICTED = "// User accepted prediction:\n"


def _render(request: EditRequest, region: Region) -> EditPrompt:
    text = (
        text_before_region(request, region, FAMILY.clean)
        + f"{_CURRENT}\n{joined(request.marked(region, CURSOR))}=======\n{MIDDLE}"
    )
    stop = (_UPDATED + "\n", _UPDATED)
    return EditPrompt(FAMILY, request, region, RenderedPrompt(text=text), stop=stop)


def text_before_region(request: EditRequest, region: Region, clean: Callable[[str], str]) -> str:
    """Return the prompt up to the region: the text below it, other files, the edits, the text above it."""
    wider = region.grown(request.document, 20, 20, 1200)
    above, below = above_and_below(request, region, wider)
    files = [
        f"{_FILE}{clean(s.path)}\n{block(clean(s.text))}\n"
        for s in reversed(best_within(request.related, request.characters // 4))
    ]
    return "".join(
        [
            _SUFFIX,
            clean(joined(below)) or "\n",
            _PREFIX,
            *files,
            _history(newest_within(request.edits, 6, request.characters // 4), clean),
            f"{_FILE}{clean(request.path)}\n",
            clean(joined(above)),
        ]
    )


def _history(edits: list[RecentEdit], clean: Callable[[str], str]) -> str:
    if not edits:
        return ""
    return f"{_FILE}edit_history\n" + "".join(_edit(edit, clean) + "\n" for edit in edits)


def _edit(edit: RecentEdit, clean: Callable[[str], str]) -> str:
    head = _PREDICTED if edit.predicted else ""
    return head + clean(f"--- a/{edit.path}\n+++ b/{edit.path}\n{edit.hunk.unified}")


def _read(prompt: EditPrompt, answer: str) -> list[str] | None:
    answer = answer.partition(_UPDATED)[0].replace(CURSOR, "")
    return None if answer.strip().startswith(_NO_EDITS) else split_answer(answer)


FAMILY = Family(
    name="zeta-2",
    wire="completions",
    size=RegionSize(above=4, below=6, characters=1200),
    tokens=(*TOKENS, _CURRENT, _UPDATED),
    render=_render,
    read=_read,
)
