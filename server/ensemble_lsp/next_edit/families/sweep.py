"""Sweep's next-edit models: the file, the edits as original and updated, a window before and now, prefilled."""

from __future__ import annotations

from ...types import RenderedPrompt
from ..parsing import split_answer
from ..prompting import (
    EditPrompt,
    EditRequest,
    Family,
    RecentEdit,
    best_within,
    block,
    joined,
    newest_within,
)
from ..region import Region, RegionSize

_SEPARATOR, _CURSOR, _END = "<|file_sep|>", "<|cursor|>", "<|endoftext|>"
_FILE_LINES = 150


def _render(request: EditRequest, region: Region) -> EditPrompt:
    file = region.grown(request.document, _FILE_LINES, _FILE_LINES, request.characters // 2)
    window = f"{FAMILY.clean(request.path)}:{region.first + 1}:{region.end}\n"
    prefill = _prefill(request, region)
    text = "".join(
        [
            f"{_SEPARATOR}{FAMILY.clean(request.path)}\n",
            FAMILY.clean(joined(request.lines(file))),
            *(
                f"{_SEPARATOR}{FAMILY.clean(s.path)}\n{block(FAMILY.clean(s.text))}"
                for s in reversed(best_within(request.related, request.characters // 8))
            ),
            *map(_edit, newest_within(request.edits, 6, request.characters // 8)),
            f"{_SEPARATOR}original/{window}",
            joined(request.lines(region)),
            f"{_SEPARATOR}current/{window}",
            joined(request.marked(region, _CURSOR)),
            f"{_SEPARATOR}updated/{window}",
            prefill,
        ]
    )
    stop = (_SEPARATOR, _END)
    rendered = RenderedPrompt(text=text)
    return EditPrompt(FAMILY, request, region, rendered, stop=stop, prefill=prefill)


def _edit(edit: RecentEdit) -> str:
    old, new = (
        FAMILY.clean(text.removesuffix("\n")) for text in (edit.hunk.original, edit.hunk.updated)
    )
    return f"{_SEPARATOR}{edit.path}.diff\noriginal:\n{old}\nupdated:\n{new}\n"


def _prefill(request: EditRequest, region: Region) -> str:
    """Return the lines above the cursor; after an insertion above it, only the first and the blank ones after it."""
    above = request.lines(Region(region.first, request.shown_cursor.line))
    if _inserted_above(request, region):
        blank = next((n for n, line in enumerate(above[1:], 1) if line.strip()), len(above))
        above = above[:blank]
    return joined(above)


def _inserted_above(request: EditRequest, region: Region) -> bool:
    if not request.edits or request.edits[-1].hunk.uri != request.document.uri:
        return False
    hunk = request.edits[-1].hunk
    inside = region.first < hunk.line < request.shown_cursor.line
    return hunk.tracked and inside and len(hunk.added) > len(hunk.removed)


def _read(prompt: EditPrompt, answer: str) -> list[str] | None:
    answer = answer.partition(_SEPARATOR)[0].partition(_END)[0].replace(_CURSOR, "")
    # The window alone without the cursor's line is no answer.
    return None if answer == prompt.prefill else split_answer(answer)


FAMILY = Family(
    name="sweep-next-edit",
    wire="completions",
    size=RegionSize(above=10, below=10, syntax=False),
    tokens=(_SEPARATOR, _CURSOR, _END),
    render=_render,
    read=_read,
)
