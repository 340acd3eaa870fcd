"""Select the cases of a run from many files: no duplicates, every kind and complexity."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os.path import commonpath
from pathlib import Path

from ..context.repository import repository_root
from ..errors import SettingsError
from ..types import Document, Task
from .cases import BANDS, KINDS_OF, Case, CaseKind, cases_in
from .source_files import FileSurvey, load

FILES_PER_CASE = 3
MAX_SHARE_PER_FILE = 0.2
"""Largest share of the sample from one file, if there are others."""


@dataclass(slots=True)
class CaseSample:
    """The selected cases, in order, and their files."""

    cases: list[Case] = field(default_factory=list[Case])
    documents: dict[Path, Document] = field(default_factory=dict[Path, Document])
    """Every file that was read, by path."""
    folder: Path = field(default_factory=Path)
    """The folder that the cases' paths are relative to."""
    found: int = 0
    """Number of distinct cases to choose from."""
    files: int = 0
    read: int = 0
    left_out: Counter[str] = field(default_factory=Counter[str])

    def document(self, case: Case) -> Document:
        """Return the case's file."""
        return self.documents[case.file]


def select_cases(
    survey: FileSurvey,
    task: Task,
    count: int,
    *,
    seed: int = 0,
    language: str | None = None,
    kinds: Sequence[CaseKind] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> CaseSample:
    """Select cases by a seed: the same code gives the same cases. Slow: call it in a thread.

    In a large repository it reads only as many files as needed, chosen by the seed. Raises ``SettingsError`` if
    there is no case.
    """
    sample = CaseSample(files=len(survey.files), left_out=Counter(survey.left_out))
    sample.folder = common_folder(survey.files)
    files = list(survey.files)
    random.Random(seed).shuffle(files)  # noqa: S311 - not a secret
    pool: dict[str, Case] = {}
    texts: set[str] = set()
    for file in files:
        if sample.read >= max(60, FILES_PER_CASE * count) or stopped():
            break
        document = load(file)
        if isinstance(document, str):
            sample.left_out[document] += 1
            continue
        if document.text in texts:
            sample.left_out["copies"] += 1
            continue
        if language and document.language != language:
            continue
        texts.add(document.text)
        sample.read += 1
        sample.documents[file] = document
        path = file.relative_to(sample.folder).as_posix()
        for case in cases_in(document, file, path, task, seed):
            if not kinds or case.kind in kinds:
                pool.setdefault(_duplicate_key(case, document), case)
    sample.found = len(pool)
    sample.cases = stratified(list(pool.values()), task, count, seed)
    if not sample.cases:
        raise SettingsError(_no_cases(task, sample, language))
    return sample


def stratified(pool: Sequence[Case], task: Task, count: int, seed: int) -> list[Case]:
    """Alternate between kinds and complexities, so that rare complex cases are included."""
    rng = random.Random(seed)  # noqa: S311 - not a secret
    strata: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in sorted(pool, key=lambda c: (c.path, c.hole.start, c.id)):
        strata[(case.kind, case.band)].append(case)
    order = [(kind, band) for band in BANDS for kind in KINDS_OF[task] if (kind, band) in strata]
    for key in order:
        rng.shuffle(strata[key])
    selected, spare = _turns(order, strata, count, max(2, round(count * MAX_SHARE_PER_FILE)))
    selected += spare[: count - len(selected)]
    return sorted(selected, key=lambda c: (c.path, c.hole.start, c.id))


def _turns(
    order: Sequence[tuple[str, str]],
    strata: dict[tuple[str, str], list[Case]],
    count: int,
    max_per_file: int,
) -> tuple[list[Case], list[Case]]:
    """Return the selected cases, and those held back because their file has enough."""
    selected: list[Case] = []
    spare: list[Case] = []
    by_file: Counter[str] = Counter()
    while len(selected) < count and any(strata[key] for key in order):
        for key in order:
            if not strata[key] or len(selected) >= count:
                continue
            case = strata[key].pop()
            near = any(c.path == case.path and _overlap(c, case) for c in selected)
            if near:
                continue
            if by_file[case.path] >= max_per_file:
                spare.append(case)
                continue
            by_file[case.path] += 1
            selected.append(case)
    return selected, [
        c for c in spare if not any(_overlap(c, t) for t in selected if t.path == c.path)
    ]


def _overlap(one: Case, other: Case) -> bool:
    """Return whether two holes share text, so that no line is asked twice.

    Those of next edits are in different versions of the file.
    """
    if one.task == "edit":
        return False
    a, b = one.hole, other.hole
    return a.start <= b.end and b.start <= a.end


def _duplicate_key(case: Case, document: Document) -> str:
    """Return a key for duplicate code anywhere: its words and those just before it."""
    start = case.hole.start
    above = [document.line(n) for n in range(max(0, start.line - 2), start.line)]
    head = document.line(start.line)[: start.column]
    return case.kind + "\0" + re.sub(r"\s+", " ", "\n".join((*above, head, "\0", case.reference)))


def common_folder(files: Sequence[Path]) -> Path:
    """Return the repository that holds all files, else the nearest folder that does."""
    if not files:
        return Path()
    folder = Path(commonpath([str(f.parent) for f in files]))
    return repository_root(folder)


def _no_cases(task: Task, sample: CaseSample, language: str | None) -> str:
    left = ", ".join(f"{n} {why}" for why, n in sample.left_out.most_common())
    exclusions = f" (excluded: {left})" if left else ""
    noun = {
        "complete": "lines and bodies",
        "generate": "functions with a docstring",
        "explain": "functions of at least four lines",
    }[task]
    prefix = f"{language} " if language else ""
    return f"No {prefix}{noun} were found in {sample.files} code files{exclusions}; choose other files or folders."
