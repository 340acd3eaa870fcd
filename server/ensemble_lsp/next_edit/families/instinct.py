"""Continue's Instinct: context, edits and an excerpt with the region between tags, over chat."""

from __future__ import annotations

from ...types import RenderedPrompt
from ..parsing import begins_like, split_answer, unfenced
from ..prompting import (
    EditPrompt,
    EditRequest,
    Family,
    RecentEdit,
    above_and_below,
    best_within,
    newest_within,
)
from ..region import Region, RegionSize
from .zeta import CURSOR, END, START

_FILE, _SNIPPET = "<|context_file|>", "<|snippet|>"
_EXCERPT_LINES = 25

_SYSTEM = """\
You are Instinct, an intelligent next-edit predictor. You predict the next edit of a developer within \
the section of code between <|editable_region_start|> and <|editable_region_end|>.
"### Context" has passages of files that may be relevant. "### User Edits:" has the most recent edits as \
diffs, the most recent first. "### User Excerpt:" has the file around the section; \
<|user_cursor_is_here|> is the developer's cursor.
Provide only the revised code of the section, without the tags and without the cursor's mark. Do not \
repeat code from outside the tags. Keep indentation and style. Do not revert the developer's last change \
unless it is an obvious error. If nothing should change, repeat the section as it is."""

_TASK = (
    "Reference the user excerpt, user edits, and the snippets to understand the developer's intent. "
    "Update the editable region of the user excerpt by predicting and completing the changes they would "
    "have made next. This may be a deletion, addition, or modification of code."
)


def _render(request: EditRequest, region: Region) -> EditPrompt:
    snippets = [
        f"{_FILE}: {FAMILY.clean(s.path)}\n{_SNIPPET}\n{FAMILY.clean(s.text)}"
        for s in best_within(request.related, request.characters // 4)
    ]
    edits = reversed(newest_within(request.edits, 5, request.characters // 4))
    parts = [
        _TASK + "\n",
        "### Context:",
        "\n".join(snippets) + "\n",
        "### User Edits:\n",
        "\n".join(map(_edit, edits)) + "\n",
        "### User Excerpt:",
        FAMILY.clean(request.path) + "\n",
        _excerpt(request, region) + "```",
        "### Response:",
    ]
    rendered = RenderedPrompt(system=_SYSTEM, user="\n".join(parts))
    return EditPrompt(FAMILY, request, region, rendered, stop=("\n" + END,))


def _edit(edit: RecentEdit) -> str:
    return FAMILY.clean(f'User edited file "{edit.path}"\n\n```diff\n{edit.hunk.unified}```')


def _excerpt(request: EditRequest, region: Region) -> str:
    around = region.grown(request.document, _EXCERPT_LINES, _EXCERPT_LINES, request.characters // 4)
    above, below = above_and_below(request, region, around)
    lines = [
        *map(FAMILY.clean, above),
        START,
        *request.marked(region, CURSOR),
        END,
        *map(FAMILY.clean, below),
    ]
    return "\n".join(lines)


def _read(prompt: EditPrompt, answer: str) -> list[str] | None:
    answer = answer.replace(CURSOR, "")
    _, found, tagged = answer.partition(START)
    if found:
        answer = tagged.removeprefix("\n")
    answer = answer.partition("\n" + END)[0].partition(END)[0]
    if not answer.lstrip().startswith("```"):
        return split_answer(answer)
    lines = split_answer(unfenced(prompt, answer.lstrip()) or "")
    return lines if lines and (found or begins_like(prompt, lines)) else None


FAMILY = Family(
    name="instinct",
    wire="chat",
    size=RegionSize(above=1, below=5, syntax=False),
    tokens=(START, END, CURSOR, _FILE, _SNIPPET),
    render=_render,
    read=_read,
)
