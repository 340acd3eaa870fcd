"""Inception's Mercury: snippets, the file with the region between tags, and the edits as diffs."""

from __future__ import annotations

from ...types import RenderedPrompt, Snippet
from ..parsing import begins_like, split_answer, unfenced
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

_CURSOR = "<|cursor|>"
_OPEN, _CLOSE = "<|code_to_edit|>", "<|/code_to_edit|>"
_SNIPPETS, _SNIPPETS_END = (
    "<|recently_viewed_code_snippets|>",
    "<|/recently_viewed_code_snippets|>",
)
_SNIPPET, _SNIPPET_END = "<|recently_viewed_code_snippet|>", "<|/recently_viewed_code_snippet|>"
_FILE, _FILE_END = "<|current_file_content|>", "<|/current_file_content|>"
_HISTORY, _HISTORY_END = "<|edit_diff_history|>", "<|/edit_diff_history|>"


def _render(request: EditRequest, region: Region) -> EditPrompt:
    count = len(request.document.lines)
    wider = region.grown(request.document, count, count, request.characters // 2)
    above, below = above_and_below(request, region, wider)
    related = reversed(best_within(request.related, request.characters // 4))
    edits = newest_within(request.edits, 10, request.characters // 4)
    user = "".join(
        [
            f"{_SNIPPETS}\n",
            *map(_snippet, related),
            f"{_SNIPPETS_END}\n\n{_FILE}\ncurrent_file_path: {FAMILY.clean(request.path)}\n",
            FAMILY.clean(joined(above)),
            f"{_OPEN}\n",
            joined(request.marked(region, _CURSOR)),
            f"{_CLOSE}\n",
            FAMILY.clean(joined(below)),
            f"{_FILE_END}\n\n{_HISTORY}\n",
            *map(_edit, edits),
            f"{_HISTORY_END}\n",
        ]
    )
    return EditPrompt(FAMILY, request, region, RenderedPrompt(user=user))


def _snippet(snippet: Snippet) -> str:
    text = block(FAMILY.clean(snippet.text))
    return f"{_SNIPPET}\ncode_snippet_file_path: {snippet.path}\n{text}{_SNIPPET_END}\n"


def _edit(edit: RecentEdit) -> str:
    return FAMILY.clean(f"--- {edit.path}\n+++ {edit.path}\n{edit.hunk.unified}\n")


def _read(prompt: EditPrompt, answer: str) -> list[str] | None:
    body = unfenced(prompt, answer)
    text = answer if body is None else body
    _, found, tagged = text.replace(_CURSOR, "").partition(_OPEN)
    text = tagged.removeprefix("\n") if found else text.replace(_CURSOR, "")
    lines = split_answer(text.partition(_CLOSE)[0])
    trusted = found or body is not None
    return lines if lines and (trusted or begins_like(prompt, lines)) else None


FAMILY = Family(
    name="mercury",
    wire="chat",
    size=RegionSize(above=2, below=5, characters=700),
    tokens=(
        *(_CURSOR, _OPEN, _CLOSE, _SNIPPETS, _SNIPPETS_END, _SNIPPET, _SNIPPET_END),
        *(_FILE, _FILE_END, _HISTORY, _HISTORY_END),
    ),
    render=_render,
    read=_read,
)
