"""Prepared data as ``start`` takes it: a folder that ``prepare`` wrote, or any JSONL file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ..errors import FineTuningError
from .from_file import FaultyFileError, read
from .job_runner import fingerprint
from .jobs import Upload
from .prepare import SUMMARY, TRAINING, VALIDATION, Target, estimate
from .prices import LEAST_EXAMPLES
from .training_example import METHODS, Method
from .training_formats import Format, format_of
from .validation import Checked, check


@dataclass(frozen=True, slots=True)
class Data:
    """Where training and validation lie, and what ``prepare`` wrote of them."""

    training: Path
    validation: Path | None = None
    summary: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def base(self) -> str:
        """The name of the model that it was prepared for; empty where that is not known."""
        return str(self.summary.get("base", ""))

    @property
    def model(self) -> str:
        """The provider's id that it was prepared for; empty where that is not known."""
        return str(self.summary.get("model", ""))

    def method(self) -> Method:
        """What the data are for: as prepared, else as their first line says."""
        said = self.summary.get("method")
        if said in METHODS:
            return said
        first = read(self.training).split(b"\n", 1)[0]
        try:
            line = json.loads(first)
        except ValueError:
            line = None
        kind: Format | None = (
            format_of(cast("dict[str, Any]", line)) if isinstance(line, dict) else None
        )
        return "dpo" if kind == "preference" else "supervised"


@dataclass(frozen=True, slots=True)
class Ready:
    """Data that keep the rules, as a job takes them."""

    training: Upload
    validation: Upload | None
    estimate: Mapping[str, Any]


def open_data(path: Path | None, folder: Path) -> Data:
    """The data at a path; without one the latest in ``folder``. Raises ``FineTuningError``."""
    if path is None:
        prepared = sorted(folder.glob(f"*/{TRAINING}"), key=lambda p: p.stat().st_mtime)
        if not prepared:
            raise FineTuningError(
                "There are no prepared data; run `ensemble-lsp finetune prepare`."
            )
        path = prepared[-1].parent
    if not path.is_dir():
        return Data(path)
    if not (path / TRAINING).is_file():
        raise FineTuningError(
            f"{path} has no {TRAINING}; name a folder that prepare wrote, or a file."
        )
    validation = path / VALIDATION
    try:
        summary = json.loads((path / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        summary = {}
    return Data(path / TRAINING, validation if validation.is_file() else None, summary)


def ready(data: Data, target: Target) -> Ready:
    """Check the files once more, as they may have been edited. Raises ``FaultyFileError``."""
    checked = _checked(data.training, target)
    validation = None
    if data.validation is not None:
        count = len(_checked(data.validation, target, least=1).lines)
        validation = fingerprint(data.validation, count)
    return Ready(
        fingerprint(data.training, len(checked.lines)),
        validation,
        estimate(target, len(checked.lines), checked.tokens),
    )


def _checked(path: Path, target: Target, least: int = LEAST_EXAMPLES) -> Checked:
    checked = check(read(path), target.format, longest=target.longest, least=least)
    if checked.faults:
        raise FaultyFileError(path, checked.faults)
    return checked
