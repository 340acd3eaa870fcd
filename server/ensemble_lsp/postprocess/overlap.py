"""What stands in the document already: the prompt repeated, the suffix written again, loops."""

from __future__ import annotations

import re

_OPENER = re.compile(r"[:{(\[]\s*$|=>\s*$|\b(?:do|then)\s*$")
_LOOP = re.compile(r"(?P<unit>[^\n]{4,80}?)(?P=unit){5,}[^\n]*\Z")
_MOST_LINES = 30


def strip_repeated_prefix(text: str, prefix: str) -> str:
    """Without the end of the prefix at the beginning: whole lines before the cursor, or its line.

    A line is taken off where the model wrote the cursor's own line again, or the opening line or
    several lines above it: code seldom repeats those at once.
    """
    above = [line for line in prefix.split("\n")[-_MOST_LINES - 1 :]]
    head = above.pop()
    lines = text.split("\n")
    start = next((n for n, line in enumerate(lines) if line.strip()), 0)
    wanted = [line.strip() for line in above]
    for count in range(min(len(above), len(lines) - start), -1, -1):
        if [line.strip() for line in lines[start : start + count]] != wanted[len(above) - count :]:
            continue
        rest = lines[start + count :]
        cut = _after_head(rest, head) if head.strip() else _after_lines(rest, above[-count:], count)
        if cut is not None:
            return cut
    return _without_half_word(text, head)


def _after_head(rest: list[str], head: str) -> str | None:
    """What follows the cursor's line where the model wrote it again."""
    if not rest:
        return None
    bare, line = head.strip(), rest[0].lstrip()
    significant = len(re.sub(r"\W", "", bare)) >= 3 and re.search(r"\W", bare)
    if not significant or not line.startswith(bare):
        return None
    spaces = len(head) - len(head.rstrip())
    line = line[len(bare) :]
    # The white space before the cursor is there already.
    line = line[min(spaces, len(line) - len(line.lstrip(" "))) :]
    return "\n".join([line, *rest[1:]])


def _after_lines(rest: list[str], repeated: list[str], count: int) -> str | None:
    if count == 0:
        return None
    weight = len(re.sub(r"\W", "", "".join(repeated)))
    different = len({line.strip() for line in repeated if line.strip()})
    opener = weight >= 6 and any(_OPENER.search(line) for line in repeated)
    if not opener and (different < 2 or weight < 30):
        return None
    return "\n".join(rest)


def _without_half_word(text: str, head: str) -> str:
    """A model that writes the word under the cursor again from its first letter."""
    word = re.search(r"[^\W\d]\w{2,}\Z", head)
    if word is None or not re.match(re.escape(word.group()) + r"\w", text):
        return text
    return text[len(word.group()) :]


def strip_suffix(text: str, suffix: str, head: str = "") -> str:
    """Without what stands after the cursor already, on its line or over several."""
    tail, _, below = suffix.partition("\n")
    if tail.strip():
        if re.search(r"\w", tail):
            return _without_tail(text, tail, below, head)
        return _without_lines(text, below, 1) if "\n" in text else text
    return _without_lines(text, below, 0 if not head.strip() else 1)


def _without_tail(text: str, tail: str, below: str, head: str) -> str:
    """Without the rest of the cursor's line where a line of the text ends with it."""
    wanted = tail.rstrip()
    if len(wanted.strip()) < 3:
        return text
    lines = text.split("\n")
    for number, line in enumerate(lines):
        bare = line.rstrip()
        if not bare.endswith(wanted) or not _goes_on_as(lines[number + 1 :], below):
            continue
        if number and not head.strip() and bare.strip() == wanted.strip():
            return "\n".join(lines[:number])
        return "\n".join([*lines[:number], bare[: len(bare) - len(wanted)]])
    return text


def _goes_on_as(lines: list[str], below: str) -> bool:
    """Whether what follows is the suffix's lines again, as far as either goes."""
    rest = [line.strip() for line in lines if line.strip()]
    following = [line.strip() for line in below.split("\n")[: len(lines) + 20] if line.strip()]
    count = min(len(rest), len(following))
    return not rest or (count > 0 and rest[:count] == following[:count])


def _without_lines(text: str, below: str, start: int) -> str:
    """Without the lines from which on the text is the suffix again, to the end of either."""
    following = [line.rstrip() for line in below.split("\n")[:200] if line.strip()]
    if not following:
        return text
    lines = text.split("\n")
    for number in range(start, len(lines)):
        if lines[number].rstrip() != following[0]:
            continue
        rest = [line.rstrip() for line in lines[number:] if line.strip()]
        same = sum(1 for _ in _matching(rest, following))
        over = same == len(rest) or (same == len(following) and same > 1)
        if (over and _weighs(rest[:same])) or same >= 3 or _cut_off(rest, following, same):
            return "\n".join(lines[:number])
    return text


def _cut_off(rest: list[str], following: list[str], same: int) -> bool:
    """Whether the text ends in the middle of the suffix's next line."""
    if same != len(rest) - 1 or same >= len(following):
        return False
    return following[same].startswith(rest[-1]) and _weighs(rest[:same])


def _matching(one: list[str], other: list[str]) -> list[str]:
    matched: list[str] = []
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        matched.append(a)
    return matched


def _weighs(lines: list[str]) -> bool:
    """Whether equal lines are more than chance: not a lone bracket or keyword."""
    return len(re.sub(r"\W", "", "".join(lines))) >= 6


def strip_loops(text: str) -> str:
    """Without the repetitions a model got stuck in, at the end of the text."""
    lines = text.rstrip("\n").split("\n")
    # A text cut in mid-line ends with a part of the loop.
    for period in range(1, 9):
        times = 5 if period == 1 else 3
        for cut in (0, 1):
            body = lines[: len(lines) - cut]
            count = _repeats(body, period)
            unit = body[len(body) - period :]
            if count >= times and _says_something("".join(unit)):
                return "\n".join(body[: len(body) - period * (count - 1)])
    found = _LOOP.search(text)
    if found is not None and len(re.sub(r"\W", "", found["unit"])) >= 3:
        return text[: found.start()] + found["unit"]
    return text


def _says_something(text: str) -> bool:
    """Whether a repeated text is code rather than lone brackets or blanks."""
    return len("".join(text.split())) >= 5 and re.search(r"\w", text) is not None


def _repeats(lines: list[str], period: int) -> int:
    """How often the last ``period`` lines stand at the end, one after the other."""
    lines = [line.strip() for line in lines]
    unit = lines[len(lines) - period :]
    count, end = 0, len(lines)
    while end >= period and lines[end - period : end] == unit:
        count, end = count + 1, end - period
    return count
