"""Cases for the task ``edit``, from the commits of a repository.

All hunks of a commit but the last one of a file are the edits just made; the last is the wanted edit, if it
is related to them: it adds or removes a name that they add or remove. A commit whose file did not change further
in a related way until now is a case in which nothing should be offered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..languages import language_of
from ..selection.complexity import measure
from ..types import Document, Position, Span
from .cases import Case, CaseKind
from .git_history import Commit, FileChange, FileHunk, hunks_of

NEARBY = 8
"""Lines between the last edit and the wanted one that count as near."""
MAX_HUNK_LINES = 12
"""Lines removed or added by the wanted edit."""
_STILL = 10
"""Lines around the last edit that have not changed since, where nothing was wanted."""


@dataclass(frozen=True, slots=True)
class CommitCase:
    """One moment of a commit: the edits just made, the file and the cursor, and the edit that followed."""

    case: Case
    root: Path
    """The repository's folder."""
    document: Document
    """The file after the edits just made."""
    start: Document
    """The file before them."""
    made: tuple[FileHunk, ...]
    """The edits of the file just made, in its order."""
    others: tuple[FileChange, ...]
    """The commit's other files; all their edits were made before."""
    cursor: Position
    wanted: str | None
    """The file as it should become; ``None`` if nothing should be offered."""


def edit_cases(commit: Commit, root: Path, head: dict[str, str]) -> Iterator[CommitCase]:
    """Yield the cases of a commit. ``head`` has the files' texts of today, by path."""
    for change in commit.files:
        others = tuple(one for one in commit.files if one is not change)
        if len(change.hunks) > 1:
            *made, target = change.hunks
            elsewhere = [hunk for other in others for hunk in other.hunks]
            if _fits(target) and are_related(target, [*made, *elsewhere]):
                yield _wanted(change, others, root)
        if change.path in head and _is_finished(change, head[change.path]):
            yield _quiet(change, others, root)


def are_related(target: FileHunk, before: Sequence[FileHunk]) -> bool:
    """Return whether a hunk adds or removes a name that a hunk before it added or removed."""
    removed, added = _names_changed(target)
    for hunk in before:
        old_names, new_names = _names_changed(hunk)
        if removed & old_names or added & new_names:
            return True
    return False


def _fits(hunk: FileHunk) -> bool:
    """Return whether a hunk has the size of one edit, and changes more than white space."""
    if max(len(hunk.old), len(hunk.lines)) > MAX_HUNK_LINES:
        return False
    return "".join("".join(hunk.old).split()) != "".join("".join(hunk.lines).split())


def _is_finished(change: FileChange, head: str) -> bool:
    """Return whether a file was left as it was after a change, near it and in what is related to it."""
    last = change.hunks[-1]
    first = last.start + sum(hunk.growth for hunk in change.hunks[:-1])
    end = first + len(last.lines)
    later = hunks_of(change.new, head)
    near = any(hunk.start <= end + _STILL and hunk.end >= first - _STILL for hunk in later)
    return not near and not any(are_related(hunk, change.hunks) for hunk in later)


def _wanted(change: FileChange, others: tuple[FileChange, ...], root: Path) -> CommitCase:
    *made, target = change.hunks
    shift = sum(hunk.growth for hunk in made)
    path = root / change.path
    start = Document.from_text(path.as_uri(), 1, language_of(str(path)), change.old)
    document = start
    for hunk in reversed(made):
        document = document.replace(lines_span(document, hunk.start, hunk.end), "".join(hunk.lines))
    first, end = target.start + shift, target.end + shift
    last = made[-1]
    last_line = max(0, last.start + shift - last.growth + len(last.lines) - 1)
    nearby = first - last_line <= NEARBY
    cursor = _end_of(document, last_line) if nearby else _first_place(document, first, end)
    made_case = CommitCase(
        case=_case(
            "nearby" if nearby else "moved",
            change.path,
            path,
            document,
            lines_span(document, first, end),
        ),
        root=root,
        document=document,
        start=start,
        made=tuple(made),
        others=others,
        cursor=cursor,
        wanted=change.new,
    )
    return _identified(made_case, "".join(target.lines))


def _quiet(change: FileChange, others: tuple[FileChange, ...], root: Path) -> CommitCase:
    path = root / change.path
    start = Document.from_text(path.as_uri(), 1, language_of(str(path)), change.old)
    document = Document.from_text(path.as_uri(), 1, start.language, change.new)
    last = change.hunks[-1]
    shift = sum(hunk.growth for hunk in change.hunks[:-1])
    cursor = _end_of(document, max(0, last.start + shift + len(last.lines) - 1))
    made_case = CommitCase(
        case=_case("quiet", change.path, path, document, Span(cursor, cursor)),
        root=root,
        document=document,
        start=start,
        made=change.hunks,
        others=others,
        cursor=cursor,
        wanted=None,
    )
    return _identified(made_case, "")


def _case(kind: CaseKind, name: str, file: Path, document: Document, hole: Span) -> Case:
    return Case("", kind, "edit", file, name, document.language, hole, "")


def _identified(edit: CommitCase, reference: str) -> CommitCase:
    """Return a case with its id and its reference."""
    parts = (
        edit.case.kind, edit.case.path, edit.start.text, edit.document.text, str(edit.cursor),
        edit.wanted or "", *(change.new for change in edit.others),
    )  # fmt: skip
    id_ = hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
    return replace(edit, case=replace(edit.case, id=id_, reference=reference))


def with_complexity(edit: CommitCase) -> CommitCase:
    """Return a case with the complexity at its place. Parses the file: call it in a thread."""
    line, known = edit.case.hole.start.line, measure(edit.document)
    if not any(function.start <= line <= function.end for function in known.functions):
        return edit
    around = known.at(line)
    return replace(
        edit, case=replace(edit.case, complexity=around.cyclomatic, nesting=around.nesting)
    )


def lines_span(document: Document, first: int, end: int) -> Span:
    """Return the span of whole lines."""
    last = Position(end, 0) if end < len(document.lines) else document.end
    return Span(document.clamp(Position(first, 0)), last)


def _end_of(document: Document, line: int) -> Position:
    line = min(line, len(document.lines) - 1)
    return Position(line, len(document.line(line)))


def _first_place(document: Document, first: int, end: int) -> Position:
    """Return the place to which a user goes for an edit of some lines."""
    if first == end:
        return _end_of(document, max(0, first - 1))
    line = document.line(first)
    return Position(first, len(line) - len(line.lstrip()))


def _names_changed(hunk: FileHunk) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names that only the old, and only the new lines have."""
    old, new = _names(hunk.old), _names(hunk.lines)
    return old - new, new - old


def _names(lines: Sequence[str]) -> frozenset[str]:
    return frozenset(re.findall(r"[^\W\d]\w*", "".join(lines)))
