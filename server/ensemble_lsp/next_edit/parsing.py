"""Turn a model's answer into the smallest edit of the document, or into nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import groupby, zip_longest

from rapidfuzz import fuzz

from ..context.secret_redaction import PLACEHOLDER
from ..postprocess.placeholders import leaves_out_code
from ..syntax.indentation import newline_of
from .edit import PredictedEdit
from .prompting import EditPrompt
from .region import Region

_MOST_REPEATS = 4
"""Equal lines in a row that an answer may have, unless the region has more; a longer run is a loop."""
_ALIKE = 60.0
"""Similarity, 0 to 100, of a line and its rewrite."""
_MIN_OMITTED = 2
"""Lines at an end of the region that an answer leaves out if it is only a part of the region."""
_FEW_LINES = 4
"""Different lines of a region too short to recognise in an answer."""
_FENCE = "```"
_WRAPPER = re.compile(rf"\s*(?:{_FENCE}.*|<\|[\w-]+\|>)\s*")
_MAX_OVERLAP = 12
"""Lines around the region that an answer is searched for."""


def predicted_edit(
    prompt: EditPrompt,
    answer: str,
    *,
    finish: str | None = "stop",
    model: str = "",
    confidence: float | None = None,
) -> PredictedEdit | None:
    """Return the smallest edit that an answer makes; ``None`` if it makes none or cannot be read."""
    new = prompt.family.read(prompt, prompt.prefill + answer.replace("\r\n", "\n"))
    if not new or finish == "filter" or not prompt.family.may_show(new):
        return None
    old = prompt.request.lines(prompt.region)
    whole, looped = _without_loop(_unwrapped(new, old), old)
    if not whole:
        return None
    if finish == "length" and not looped and not answer.endswith("\n"):
        whole = whole[:-1]
    if finish == "length" or looped:
        whole = _completed(whole, old)
    elif prompt.family.wire == "chat":
        whole = _with_ends(whole, old)
    if not _is_rewrite(whole, old):
        return None
    whole = _with_blank_ends(_without_surroundings(prompt, whole, old), old)
    text = _restored(prompt, whole, old)
    if text is None:
        return None
    document = prompt.request.document
    edit = PredictedEdit(
        document.uri,
        document.version,
        prompt.region.span(document),
        text,
        model=model,
        confidence=confidence,
    )
    return edit.smallest(document) if edit.changes(document) else None


def split_answer(text: str) -> list[str] | None:
    """Return an answer's lines; ``None`` if it is blank."""
    return text.removesuffix("\n").split("\n") if text.strip() else None


def unfenced(prompt: EditPrompt, text: str) -> str | None:
    """Return the text of the first Markdown code block; ``None`` without one.

    A block without its closing fence, as in a truncated answer, ends with the text.
    """
    lines = text.split("\n")
    opening = next((n for n, line in enumerate(lines) if line.startswith("```")), None)
    if opening is None:
        return None
    fence = lines[opening][: len(lines[opening]) - len(lines[opening].lstrip("`"))]
    body = lines[opening + 1 :]
    closing = [n for n, line in enumerate(body) if line.rstrip() == fence]
    # A region of Markdown has fences too: then the last one closes the answer's own.
    nested = any(line.rstrip() == fence for line in prompt.request.lines(prompt.region))
    end = closing[-nested] if closing else len(body)
    return "\n".join(body[:end]) + "\n"


def begins_like(prompt: EditPrompt, lines: Sequence[str]) -> bool:
    """Return whether lines begin or end like the region: an answer without tags is then the region."""
    old = [line.strip() for line in prompt.request.lines(prompt.region) if line.strip()]
    new = [line.strip() for line in lines if line.strip()]
    return bool(old and new) and (old[0] == new[0] or old[-1] == new[-1])


def _unwrapped(new: list[str], old: Sequence[str]) -> list[str]:
    """Return an answer without a fence around it and lines of control tokens, unless the region has such lines."""
    if any(_WRAPPER.fullmatch(line) for line in old):
        return new
    if _WRAPPER.fullmatch(new[0]) and _FENCE in new[0]:
        end = next((n for n, line in enumerate(new) if n and line.strip() == _FENCE), len(new))
        new = new[1:end]
    return [line for line in new if _FENCE in line or not _WRAPPER.fullmatch(line)]


def _with_ends(new: list[str], old: Sequence[str]) -> list[str]:
    """Return an answer that changes a part of the region, such as one function, with the region around that part.

    It is one if it leaves out several lines at an end of the region and changes others: an edit seldom does both.
    """
    filled = [line.rstrip() for line in new if line.strip()]
    have = [line.rstrip() for line in old]
    if not filled or set(filled) <= set(have):
        return new
    head, tail = (_line_like(line, have) for line in (filled[0], filled[-1]))
    if head > 0 and _is_omitted(have[:head], filled):
        while new and not new[0].strip():
            new = new[1:]
        new = [*old[:head], *new]
    if tail >= max(head, 0) and _is_omitted(have[tail + 1 :], filled):
        while new and not new[-1].strip():
            new = new[:-1]
        new = [*new, *old[tail + 1 :]]
    return new


def _line_like(line: str, have: Sequence[str]) -> int:
    """Return the number of a line of the region, or of the one that was changed into it; -1 without one."""
    if line in have:
        return have.index(line) if have.count(line) == 1 else -1
    likeness, best = max((fuzz.ratio(line, old), -n) for n, old in enumerate(have))
    return -best if likeness >= _ALIKE else -1


def _is_omitted(lines: Sequence[str], new: Sequence[str]) -> bool:
    """Return whether there are several lines with text, none of them in an answer."""
    texts = [line for line in lines if any(map(str.isalnum, line))]
    return len(texts) >= _MIN_OMITTED and not set(texts) & set(new)


def _is_rewrite(new: Sequence[str], old: Sequence[str]) -> bool:
    """Return whether an answer is the whole region again, not prose, a part of it, or an abridged one."""
    kept = {line.strip() for line in old if line.strip()}
    if leaves_out_code("\n".join(new), "\n".join(old)):
        return False
    filled = [line.strip() for line in new if line.strip()]
    first, last = _filled(old)
    if len(kept) < _FEW_LINES or not filled:
        return bool(filled)
    at_an_end = old[first].strip() == filled[0] or old[last - 1].strip() == filled[-1]
    return at_an_end or len(kept.intersection(filled)) * 2 >= len(kept)


def _without_loop(new: list[str], old: Sequence[str]) -> tuple[list[str], bool]:
    """Return the lines before a line that repeats as in a loop, and whether there is one."""
    allowed = max(_longest_run(old), _MOST_REPEATS)
    start = 0
    for line, run in groupby(new):
        size = len(list(run))
        if size > allowed and line.strip():
            return new[:start], True
        start += size
    return new, False


def _longest_run(lines: Sequence[str]) -> int:
    return max((len(list(run)) for line, run in groupby(lines) if line.strip()), default=0)


def _completed(new: list[str], old: list[str]) -> list[str]:
    """Return a truncated answer with the rest of the region.

    The answer is used up to its last line that the region has too, but not beyond a deletion, because a
    truncated answer looks like one.
    """
    kept, rest = 0, 0
    for tag, i1, i2, j1, j2 in _opcodes(old, new):
        if tag == "equal":
            last = next((n for n in range(i2 - 1, i1 - 1, -1) if _has_word(old[n])), None)
            if last is not None:
                kept, rest = j1 + last - i1 + 1, last + 1
        elif i2 - i1 > j2 - j1:
            break
    return [*new[:kept], *old[rest:]]


def _without_surroundings(prompt: EditPrompt, new: list[str], old: Sequence[str]) -> list[str]:
    """Return an answer without the lines around the region that it repeats."""
    request, region = prompt.request, prompt.region
    last = min(len(request.document.lines), region.end + _MAX_OVERLAP)
    below = _keys(request.lines(Region(region.end, last)))
    above = _keys(request.lines(Region(max(0, region.first - _MAX_OVERLAP), region.first)))
    new = new[: len(new) - _overlap(_keys(new), _keys(old), below)]
    mirrored = _overlap(_keys(new)[::-1], _keys(old)[::-1], above[::-1])
    return new[mirrored:]


def _overlap(new: list[str], old: list[str], below: list[str]) -> int:
    """Return how many lines at the end of an answer are those below the region, after the region's last."""
    max_size = min(len(below), len(new) - 1) if len(new) > len(old) else 0
    for size in range(max_size, 0, -1):
        part = new[-size:]
        if part == below[:size] and new[-size - 1] == old[-1] and any(map(_has_word, part)):
            return size
    return 0


def _with_blank_ends(new: list[str], old: list[str]) -> list[str]:
    """Return an answer with the region's blank lines at the end, and at the start if a similar line follows.

    Models drop and add blank lines there, since their format shows no difference.
    """
    new_start, new_end = _filled(new)
    old_start, old_end = _filled(old)
    if new_start == new_end or old_start == old_end:
        return new
    start = new[:new_start]
    if fuzz.ratio(new[new_start], old[old_start]) >= _ALIKE:
        start = old[:old_start]
    return [*start, *new[new_start:new_end], *old[old_end:]]


def _filled(lines: Sequence[str]) -> tuple[int, int]:
    """Return the range of the lines between the blank ones at both ends."""
    filled = [number for number, line in enumerate(lines) if line.strip()]
    return (filled[0], filled[-1] + 1) if filled else (0, 0)


def _restored(prompt: EditPrompt, new: list[str], old: list[str]) -> str | None:
    """Return the region's new text, with the document's line ends, secrets and white space at line ends.

    ``None`` if the answer changes a line with a secret, which the model did not see.
    """
    raw = list(prompt.region.cut(prompt.request.document.lines))
    contents = [line.rstrip("\r\n") for line in raw]
    newline = newline_of("".join(raw[:1])) if "\n" in raw[0] or "\r" in raw[0] else ""
    newline = newline or newline_of(prompt.request.document.lines[0])
    # The privacy gate may redact more in a prompt for a remote model.
    own = not prompt.request.redacted and any(PLACEHOLDER in line for line in contents)
    pieces: list[tuple[str, str]] = []
    for tag, i1, i2, j1, j2 in _opcodes(old, new):
        if tag == "equal":
            pieces += [(contents[n], raw[n][len(contents[n]) :]) for n in range(i1, i2)]
            continue
        secret = any(contents[n] != old[n] for n in range(i1, i2))
        placeholder = not own and any(PLACEHOLDER in line for line in new[j1:j2])
        if secret or placeholder:
            return None
        ends = [raw[n][len(contents[n]) :] for n in range(i1, i2)]
        pieces += zip_longest(new[j1:j2], ends[: j2 - j1], fillvalue="")
    *body, last = pieces
    end = raw[-1][len(contents[-1]) :]
    return (
        "".join(text + (own or newline) for text, own in body)
        + last[0]
        + (end and (last[1] or end))
    )


def _opcodes(old: Sequence[str], new: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, _keys(old), _keys(new), autojunk=False).get_opcodes()


def _keys(lines: Sequence[str]) -> list[str]:
    return [line.rstrip() for line in lines]


def _has_word(line: str) -> bool:
    return any(map(str.isalnum, line))
