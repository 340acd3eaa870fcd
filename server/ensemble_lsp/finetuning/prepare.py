"""Turn examples into training files: screen, split by file, check, summarise and write them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import FineTuningError
from ..models.interface import Profile
from ..provider_spec import spec_of
from ..settings import ModelSettings
from ..settings.regular_files import replace_file
from .from_file import InvalidTrainingFileError, TrainingRow, from_file
from .local.lora import EPOCHS as LOCAL_EPOCHS
from .prices import MIN_EXAMPLES, epochs_for, rates_of
from .training_example import ExampleSet, Method, screen, split
from .training_formats import Format, Line, as_text, format_for, line_of, tokens_of
from .validation import LineFault, check_file

TRAINING, VALIDATION, SUMMARY = "training.jsonl", "validation.jsonl", "summary.json"


@dataclass(frozen=True, slots=True)
class TrainingTarget:
    """The model to train, and the parameters."""

    base: ModelSettings
    profile: Profile
    method: Method
    epochs: int | None = None
    """None leaves it to the provider."""
    price: float | None = None
    """US dollars per million trained tokens; None takes the model's known price."""
    model: str = ""
    """The provider's id of the model to train, if it differs from the base's."""

    @property
    def model_id(self) -> str:
        """Return the provider's id of the model to train."""
        return self.model or self.base.model

    @property
    def format(self) -> Format:
        """Return the format of the training file."""
        return format_for(self.base, self.method)

    @property
    def max_example_tokens(self) -> int:
        """Return the maximum tokens of one example."""
        rates = rates_of(self.model_id)
        return rates.max_example_tokens if rates else self.profile.context_tokens


@dataclass(slots=True)
class PreparedData:
    """Training and validation lines, with their statistics."""

    target: TrainingTarget
    training: list[Line]
    validation: list[Line]
    files: tuple[int, int]
    """Number of source files of each."""
    left_out: Counter[str] = field(default_factory=Counter[str])
    redacted: int = 0
    source: str = ""

    def summary(self) -> dict[str, Any]:
        """Return plain JSON; ``price`` in US dollars, null if unknown."""
        tokens = sum(map(tokens_of, self.training))
        return {
            "source": self.source,
            "base": self.target.base.name,
            "model": self.target.model_id,
            "method": self.target.method,
            "format": self.target.format,
            "training": {"examples": len(self.training), "files": self.files[0], "tokens": tokens},
            "validation": {
                "examples": len(self.validation),
                "files": self.files[1],
                "tokens": sum(map(tokens_of, self.validation)),
            },
            "longest": max(map(tokens_of, (*self.training, *self.validation)), default=0),
            "leftOut": dict(self.left_out.most_common()),
            "redacted": self.redacted,
            **estimate(self.target, len(self.training), tokens),
        }

    def check(self) -> list[LineFault]:
        """Return the violations of the provider's rules."""
        data = as_text(self.training).encode()
        return check_file(
            data, self.target.format, max_tokens=self.target.max_example_tokens
        ).faults

    def write(self, folder: Path) -> Path:
        """Write files that only the user can read, and return their folder.

        Raises ``FineTuningError`` if there are too few examples or the folder cannot be written.
        """
        faults = self.check()
        if faults:
            # The source is named: the training file is not written.
            raise InvalidTrainingFileError(
                Path(self.source or folder / TRAINING), faults, self.left_out
            )
        try:
            folder.mkdir(parents=True, exist_ok=True)
            replace_file(folder / TRAINING, as_text(self.training))
            if self.validation:
                replace_file(folder / VALIDATION, as_text(self.validation))
            else:
                (folder / VALIDATION).unlink(missing_ok=True)
            replace_file(folder / SUMMARY, json.dumps(self.summary(), indent=2, ensure_ascii=False))
        except OSError as error:
            raise FineTuningError(
                f"{folder} cannot be written ({error.strerror}); choose another --out."
            ) from error
        return folder


def estimate(target: TrainingTarget, examples: int, tokens: int) -> dict[str, Any]:
    """Return epochs, trained tokens and price in US dollars (null if unknown), as JSON."""
    rates = rates_of(target.model_id)
    rate = target.price if target.price is not None else rates.training if rates else None
    epochs = target.epochs or epochs_for(examples)
    if spec_of(target.base.provider).trains_here:
        rate, epochs = 0.0, target.epochs or LOCAL_EPOCHS
    return {
        "epochs": epochs,
        "trainedTokens": tokens * epochs,
        "pricePerMillion": rate,
        "price": None if rate is None else round(tokens * epochs * rate / 1e6, 4),
    }


def prepare(
    gathered: ExampleSet, target: TrainingTarget, *, source: str, share: float = 0.1, seed: int = 0
) -> PreparedData:
    """Screen examples, exclude those that are too long, and split them by file."""
    kept = screen(gathered)
    rows: list[TrainingRow] = []
    for example in kept.examples:
        row = TrainingRow(example.file, line_of(example, target.format, target.profile))
        if tokens_of(row.line) > target.max_example_tokens:
            kept.left_out["examples longer than the model accepts"] += 1
        else:
            rows.append(row)
    return _split(rows, target, kept.left_out, kept.redacted, source, share, seed)


def prepare_file(
    path: Path, target: TrainingTarget, *, share: float = 0.1, seed: int = 0
) -> PreparedData:
    """Prepare a JSONL file; raises ``FineTuningError`` with the faults by line."""
    rows, left_out, redacted = from_file(path, target.format, target.max_example_tokens)
    return _split(rows, target, left_out, redacted, str(path), share, seed)


def _split(
    rows: list[TrainingRow],
    target: TrainingTarget,
    left_out: Counter[str],
    redacted: int,
    source: str,
    share: float,
    seed: int,
) -> PreparedData:
    training, validation = split(rows, share, seed)
    if len(training) < MIN_EXAMPLES:
        training, validation = rows, []  # enough for a job at best, but not for a validation too
    return PreparedData(
        target,
        [row.line for row in training],
        [row.line for row in validation],
        (_count_files(training), _count_files(validation)),
        left_out,
        redacted,
        source,
    )


def _count_files(rows: list[TrainingRow]) -> int:
    return len({row.source or row.file for row in rows})
