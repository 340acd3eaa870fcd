"""Select the cases of the task ``edit`` from the git histories of many files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..context.repository import repository_root
from ..errors import SettingsError
from ..types import Document
from .case_selection import CaseSample, common_folder, stratified
from .cases import Case, CaseKind
from .edit_cases import CommitCase, edit_cases, with_complexity
from .git_history import commits, texts_at_head
from .source_files import FileSurvey, reason_to_skip

_POOL = 4
"""Cases that are considered for each selected one, of each kind."""


@dataclass(slots=True)
class EditSample(CaseSample):
    """The selected cases of the task ``edit``."""

    edits: dict[str, CommitCase] = field(default_factory=dict[str, CommitCase])
    """By the case's id."""

    def document(self, case: Case) -> Document:
        """Return the case's file as it is when the edit is wanted."""
        return self.edits[case.id].document


def select_edits(
    survey: FileSurvey,
    count: int,
    *,
    seed: int = 0,
    language: str | None = None,
    kinds: Sequence[CaseKind] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> EditSample:
    """Select cases from the latest commits that changed the surveyed files. Slow: call it in a thread.

    Only files that exist now and may be read now are looked at, so a file that is ignored today stays out with its
    whole history. Raises ``SettingsError`` if there is no case.
    """
    sample = EditSample(files=len(survey.files), left_out=Counter(survey.left_out))
    sample.folder = common_folder(survey.files)
    pool: dict[str, CommitCase] = {}
    by_kind: Counter[str] = Counter()
    paths: set[str] = set()
    for edit in _found(survey.files, stopped):
        kind = edit.case.kind
        if (language and edit.case.language != language) or (kinds and kind not in kinds):
            continue
        if by_kind[kind] >= _POOL * count or edit.case.id in pool:
            if all(by_kind[k] >= _POOL * count for k in kinds or ("nearby", "moved", "quiet")):
                break
            continue
        if reason := reason_to_skip(edit.document.text):
            sample.left_out[f"{reason} at the time"] += 1
            continue
        by_kind[kind] += 1
        paths.add(edit.case.path)
        pool[edit.case.id] = with_complexity(edit)
    sample.read, sample.found = len(paths), len(pool)
    sample.cases = stratified([edit.case for edit in pool.values()], "edit", count, seed)
    sample.edits = {case.id: pool[case.id] for case in sample.cases}
    if not sample.cases:
        raise SettingsError(
            f"No commits with related changes of {'these' if survey.files else 'any'} code files were found; "
            "choose a folder of a git repository with more history."
        )
    return sample


def _found(files: Sequence[Path], stopped: Callable[[], bool]) -> Iterator[CommitCase]:
    """Yield the cases of every repository, the latest commits first."""
    by_root: dict[Path, list[Path]] = defaultdict(list)
    for file in files:
        by_root[repository_root(file.parent)].append(file)
    problems: list[SettingsError] = []
    for root, own in by_root.items():
        names = [file.relative_to(root).as_posix() for file in own]
        try:
            head = texts_at_head(root, names)
            for commit in commits(root, names, stopped):
                yield from edit_cases(commit, root, head)
        except SettingsError as error:
            problems.append(error)
    if problems and len(problems) == len(by_root):
        raise problems[0]
