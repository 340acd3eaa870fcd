"""Zed's zeta-2 (SeedCoder): suffix, edit history, prefix, and the region as one side of a conflict."""

from __future__ import annotations

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

_SUFFIX, _PREFIX, _MIDDLE = "<[fim-suffix]>", "<[fim-prefix]>", "<[fim-middle]>"
_FILE = "<filename>"
_CURRENT, _UPDATED = "<<<<<<< CURRENT", ">>>>>>> UPDATED"
_CURSOR = "<|user_cursor|>"
_NO_EDITS = "NO_EDITS"
_PREDICTED = "// User accepted prediction:\n"


def _render(request: EditRequest, region: Region) -> EditPrompt:
    wider = region.grown(request.document, 20, 20, 1200)
    above, below = above_and_below(request, region, wider)
    files = [
        f"{_FILE}{FAMILY.clean(s.path)}\n{block(FAMILY.clean(s.text))}\n"
        for s in reversed(best_within(request.related, request.characters // 4))
    ]
    text = "".join(
        [
            _SUFFIX,
            FAMILY.clean(joined(below)) or "\n",
            _PREFIX,
            *files,
            _history(newest_within(request.edits, 6, request.characters // 4)),
            f"{_FILE}{FAMILY.clean(request.path)}\n",
            FAMILY.clean(joined(above)),
            f"{_CURRENT}\n",
            joined(request.marked(region, _CURSOR)),
            f"=======\n{_MIDDLE}",
        ]
    )
    stop = (_UPDATED + "\n", _UPDATED)
    return EditPrompt(FAMILY, request, region, RenderedPrompt(text=text), stop=stop)


def _history(edits: list[RecentEdit]) -> str:
    if not edits:
        return ""
    return f"{_FILE}edit_history\n" + "".join(_edit(edit) + "\n" for edit in edits)


def _edit(edit: RecentEdit) -> str:
    head = _PREDICTED if edit.predicted else ""
    return head + FAMILY.clean(f"--- a/{edit.path}\n+++ b/{edit.path}\n{edit.hunk.unified}")


def _read(prompt: EditPrompt, answer: str) -> list[str] | None:
    answer = answer.partition(_UPDATED)[0].replace(_CURSOR, "")
    return None if answer.strip().startswith(_NO_EDITS) else split_answer(answer)


FAMILY = Family(
    name="zeta-2",
    wire="completions",
    size=RegionSize(above=4, below=6, characters=1200),
    tokens=(_SUFFIX, _PREFIX, _MIDDLE, _FILE, _CURRENT, _UPDATED, _CURSOR),
    render=_render,
    read=_read,
)
