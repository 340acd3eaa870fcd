"""From all cases of many files to the few that are asked: no copies, every kind and complexity."""

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
"""Share of the sample that may come from one file, where there are others."""


@dataclass(slots=True)
class CaseSample:
    """The cases to ask, in order, and what they were taken from."""

    cases: list[Case] = field(default_factory=list[Case])
    documents: dict[Path, Document] = field(default_factory=dict[Path, Document])
    """Every file that was read, by its path."""
    folder: Path = field(default_factory=Path)
    """What the cases' paths are relative to."""
    found: int = 0
    """Different cases there were to choose from."""
    files: int = 0
    read: int = 0
    left_out: Counter[str] = field(default_factory=Counter[str])


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
    """Choose cases by a seed: the same code gives the same cases. Slow: call it in a thread.

    Of a large repository only as many files are read as are needed, drawn by the seed. Raises
    ``SettingsError`` where there is no case at all.
    """
    drawn = CaseSample(files=len(survey.files), left_out=Counter(survey.left_out))
    drawn.folder = _folder(survey.files)
    files = list(survey.files)
    random.Random(seed).shuffle(files)  # noqa: S311 - no secret
    pool: dict[str, Case] = {}
    texts: set[str] = set()
    for file in files:
        if drawn.read >= max(60, FILES_PER_CASE * count) or stopped():
            break
        document = load(file)
        if isinstance(document, str):
            drawn.left_out[document] += 1
            continue
        if document.text in texts:
            drawn.left_out["copies"] += 1
            continue
        if language and document.language != language:
            continue
        texts.add(document.text)
        drawn.read += 1
        drawn.documents[file] = document
        path = file.relative_to(drawn.folder).as_posix()
        for case in cases_in(document, file, path, task, seed):
            if not kinds or case.kind in kinds:
                pool.setdefault(_duplicate_key(case, document), case)
    drawn.found = len(pool)
    drawn.cases = stratified(list(pool.values()), task, count, seed)
    if not drawn.cases:
        raise SettingsError(_nothing(task, drawn, language))
    return drawn


def stratified(pool: Sequence[Case], task: Task, count: int, seed: int) -> list[Case]:
    """Take turns among kinds and complexities, so that the rare complex ones are seen as well."""
    rng = random.Random(seed)  # noqa: S311 - no secret
    strata: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in sorted(pool, key=lambda c: (c.path, c.hole.start, c.id)):
        strata[(case.kind, case.band)].append(case)
    order = [(kind, band) for band in BANDS for kind in KINDS_OF[task] if (kind, band) in strata]
    for key in order:
        rng.shuffle(strata[key])
    taken, spare = _turns(order, strata, count, max(2, round(count * MAX_SHARE_PER_FILE)))
    taken += spare[: count - len(taken)]
    return sorted(taken, key=lambda c: (c.path, c.hole.start, c.id))


def _turns(
    order: Sequence[tuple[str, str]],
    strata: dict[tuple[str, str], list[Case]],
    count: int,
    most: int,
) -> tuple[list[Case], list[Case]]:
    """The cases taken, and those held back because their file or lines had enough."""
    taken: list[Case] = []
    spare: list[Case] = []
    by_file: Counter[str] = Counter()
    while len(taken) < count and any(strata[key] for key in order):
        for key in order:
            if not strata[key] or len(taken) >= count:
                continue
            case = strata[key].pop()
            near = any(c.path == case.path and _overlap(c, case) for c in taken)
            if near:
                continue
            if by_file[case.path] >= most:
                spare.append(case)
                continue
            by_file[case.path] += 1
            taken.append(case)
    return taken, [c for c in spare if not any(_overlap(c, t) for t in taken if t.path == c.path)]


def _overlap(one: Case, other: Case) -> bool:
    """Whether two holes share text: one body's lines must not be asked twice."""
    a, b = one.hole, other.hole
    return a.start <= b.end and b.start <= a.end


def _duplicate_key(case: Case, document: Document) -> str:
    """What equal code has in common wherever it stands: its words and those just before it."""
    start = case.hole.start
    above = [document.line(n) for n in range(max(0, start.line - 2), start.line)]
    head = document.line(start.line)[: start.column]
    return case.kind + "\0" + re.sub(r"\s+", " ", "\n".join((*above, head, "\0", case.reference)))


def _folder(files: Sequence[Path]) -> Path:
    if not files:
        return Path()
    folder = Path(commonpath([str(f.parent) for f in files]))
    return repository_root(folder)


def _nothing(task: Task, drawn: CaseSample, language: str | None) -> str:
    left = ", ".join(f"{n} {why}" for why, n in drawn.left_out.most_common())
    told = f" (left out: {left})" if left else ""
    wanted = {
        "complete": "lines and bodies",
        "generate": "functions with a docstring",
        "explain": "functions of four lines and more",
    }[task]
    named = f"{language} " if language else ""
    return f"No {named}{wanted} were found in {drawn.files} code files{told}; name other files or folders."
