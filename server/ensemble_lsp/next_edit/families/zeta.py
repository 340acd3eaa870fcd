"""Zed's first zeta: an instruction, the edits as diffs, and an excerpt with the region between tags."""

from __future__ import annotations

from ...types import RenderedPrompt
from ..parsing import begins_like, split_answer
from ..prompting import EditPrompt, EditRequest, Family, RecentEdit, above_and_below, newest_within
from ..region import Region, RegionSize

START = "<|editable_region_start|>"
END = "<|editable_region_end|>"
CURSOR = "<|user_cursor_is_here|>"
_FILE_START = "<|start_of_file|>"

_INSTRUCTION = (
    "You are a code completion assistant and your task is to analyze user edits and then rewrite an "
    "excerpt that the user provides, suggesting the appropriate edits within the excerpt, taking into "
    "account the cursor location."
)


def _render(request: EditRequest, region: Region) -> EditPrompt:
    edits = newest_within(request.edits, 6, request.characters // 4)
    parts = [
        "### Instruction:",
        _INSTRUCTION + "\n",
        "### User Edits:\n",
        "\n\n".join(map(_edit, edits)) + "\n",
        "### User Excerpt:\n",
        _excerpt(request, region) + "\n",
        "### Response:\n",
    ]
    rendered = RenderedPrompt(text="\n".join(parts))
    return EditPrompt(FAMILY, request, region, rendered, stop=("\n" + END,))


def _edit(edit: RecentEdit) -> str:
    return FAMILY.clean(f'User edited "{edit.path}":\n```diff\n{edit.hunk.unified}```')


def _excerpt(request: EditRequest, region: Region) -> str:
    wider = region.grown(request.document, 5, 5, 600)
    above, below = above_and_below(request, region, wider)
    lines = [
        f"```{request.path}",
        *([_FILE_START] if wider.first == 0 else []),
        *map(FAMILY.clean, above),
        START,
        *request.marked(region, CURSOR),
        END,
        *map(FAMILY.clean, below),
        "```",
    ]
    return "\n".join(lines)


def _read(prompt: EditPrompt, answer: str) -> list[str] | None:
    """Return the lines between the tags; without tags, the lines if they are the region's."""
    answer = answer.replace(CURSOR, "")
    _, found, tagged = answer.partition(START)
    if found:
        answer = tagged.partition("\n")[2]
    lines = split_answer(answer.partition("\n" + END)[0].partition(END)[0])
    return lines if lines and (found or begins_like(prompt, lines)) else None


FAMILY = Family(
    name="zeta",
    wire="completions",
    size=RegionSize(above=4, below=6, characters=1200),
    tokens=(START, END, CURSOR, _FILE_START),
    render=_render,
    read=_read,
)
