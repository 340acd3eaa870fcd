"""Training data for ``finetune start``: a folder written by ``prepare``, or any JSONL file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ..errors import FineTuningError
from ..settings.regular_files import read_regular
from .from_file import InvalidTrainingFileError, read_file
from .job_runner import fingerprint
from .jobs import Upload
from .prepare import SUMMARY, TRAINING, VALIDATION, TrainingTarget, estimate
from .prices import MIN_EXAMPLES
from .training_example import METHODS, Method
from .training_formats import Format, format_of
from .validation import CheckedFile, check_file

_MAX_SUMMARY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class TrainingFiles:
    """Paths of the training and validation file, and the summary of ``prepare``."""

    training: Path
    validation: Path | None = None
    summary: Mapping[str, Any] = field(default_factory=dict[str, Any])

    own_file: bool = False
    """Whether it is a file of the user's own, which nothing has prepared yet."""

    @property
    def base(self) -> str:
        """Return the name of the model the data were prepared for; empty if unknown."""
        return str(self.summary.get("base", ""))

    @property
    def model(self) -> str:
        """Return the provider's model id the data were prepared for; empty if unknown."""
        return str(self.summary.get("model", ""))

    def method(self) -> Method:
        """Return the method from the summary, else from the format of the first line."""
        method = self.summary.get("method")
        if method in METHODS:
            return method
        first = read_file(self.training).split(b"\n", 1)[0]
        try:
            line = json.loads(first)
        except (ValueError, RecursionError):
            line = None
        kind: Format | None = (
            format_of(cast("dict[str, Any]", line)) if isinstance(line, dict) else None
        )
        return "dpo" if kind == "preference" else "supervised"


@dataclass(frozen=True, slots=True)
class CheckedFiles:
    """Files that passed the checks, ready for a job."""

    training: Upload
    validation: Upload | None
    estimate: Mapping[str, Any]


def open_data(path: Path | None, folder: Path) -> TrainingFiles:
    """Return the data at a path, by default the latest in ``folder``. Raises ``FineTuningError``."""
    if path is None:
        prepared = sorted(folder.glob(f"*/{TRAINING}"), key=lambda p: p.stat().st_mtime)
        if not prepared:
            raise FineTuningError("There is no prepared data; run `ensemble-lsp finetune prepare`.")
        path = prepared[-1].parent
    if not path.is_dir():
        return TrainingFiles(path, own_file=True)
    if not (path / TRAINING).is_file():
        raise FineTuningError(
            f"{path} has no {TRAINING}; name a folder written by `finetune prepare`, or a file."
        )
    validation = path / VALIDATION
    try:
        summary: Any = json.loads(read_regular(path / SUMMARY, _MAX_SUMMARY_BYTES))
    except (OSError, ValueError, RecursionError):
        summary = None
    known = cast("dict[str, Any]", summary) if isinstance(summary, dict) else {}
    return TrainingFiles(path / TRAINING, validation if validation.is_file() else None, known)


def check_training_files(data: TrainingFiles, target: TrainingTarget) -> CheckedFiles:
    """Check the files again, as they may have been edited. Raises ``InvalidTrainingFileError``."""
    checked = _checked(data.training, target)
    validation = None
    if data.validation is not None:
        count = len(_checked(data.validation, target, min_examples=1).lines)
        validation = fingerprint(data.validation, count)
    return CheckedFiles(
        fingerprint(data.training, len(checked.lines)),
        validation,
        estimate(target, len(checked.lines), checked.tokens),
    )


def _checked(path: Path, target: TrainingTarget, min_examples: int = MIN_EXAMPLES) -> CheckedFile:
    checked = check_file(
        read_file(path),
        target.format,
        max_tokens=target.max_example_tokens,
        min_examples=min_examples,
    )
    if checked.faults:
        raise InvalidTrainingFileError(path, checked.faults)
    return checked
