"""From examples to training files: screened, split by file, checked, summed up, written."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import FineTuningError
from ..models.interface import Profile
from ..provider_spec import spec_of
from ..settings import ModelSettings
from .from_file import FaultyFileError, Row, from_file
from .local.lora import EPOCHS as LOCAL_EPOCHS
from .prices import epochs_for, rates_of
from .training_example import Gathered, Method, screen, split
from .training_formats import Format, Line, as_text, format_for, line_of, tokens_of
from .validation import LineFault, check

TRAINING, VALIDATION, SUMMARY = "training.jsonl", "validation.jsonl", "summary.json"


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be trained, and how."""

    base: ModelSettings
    profile: Profile
    method: Method
    epochs: int | None = None
    """None: the provider decides."""
    price: float | None = None
    """US dollars for a million trained tokens; None: as known for the model."""
    model: str = ""
    """The provider's id, where another one than the base's own is to be trained."""

    @property
    def ident(self) -> str:
        """The provider's id of what is trained."""
        return self.model or self.base.model

    @property
    def format(self) -> Format:
        """The training file's format."""
        return format_for(self.base, self.method)

    @property
    def longest(self) -> int:
        """Tokens that one example may have."""
        rates = rates_of(self.ident)
        return rates.longest if rates else self.profile.context_tokens


@dataclass(slots=True)
class Prepared:
    """Training and validation lines, and what is known of them."""

    target: Target
    training: list[Line]
    validation: list[Line]
    files: tuple[int, int]
    """How many files taught each of them."""
    left_out: Counter[str] = field(default_factory=Counter[str])
    redacted: int = 0
    source: str = ""

    def summary(self) -> dict[str, Any]:
        """As plain JSON; ``price`` in US dollars, null where the model's is not known."""
        tokens = sum(map(tokens_of, self.training))
        return {
            "source": self.source,
            "base": self.target.base.name,
            "model": self.target.ident,
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
        """Faults against the provider's rules."""
        data = as_text(self.training).encode()
        return check(data, self.target.format, longest=self.target.longest).faults

    def write(self, folder: Path) -> Path:
        """Write the files into a new folder that only the user can read; gives the folder.

        Raises ``FineTuningError`` where the examples are too few, or the folder cannot be written.
        """
        faults = self.check()
        if faults:
            raise FaultyFileError(folder / TRAINING, faults)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            private(folder / TRAINING, as_text(self.training))
            if self.validation:
                private(folder / VALIDATION, as_text(self.validation))
            else:
                (folder / VALIDATION).unlink(missing_ok=True)
            private(folder / SUMMARY, json.dumps(self.summary(), indent=2, ensure_ascii=False))
        except OSError as error:
            raise FineTuningError(f"{folder} cannot be written ({error.strerror}).") from error
        return folder


def estimate(target: Target, examples: int, tokens: int) -> dict[str, Any]:
    """Epochs, trained tokens, and the price in US dollars (null: not known), as JSON."""
    rates = rates_of(target.ident)
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
    gathered: Gathered, target: Target, *, source: str, share: float = 0.1, seed: int = 0
) -> Prepared:
    """Screen examples, cut out those that are too long, and split them by file."""
    kept = screen(gathered)
    rows: list[Row] = []
    for example in kept.examples:
        row = Row(example.file, line_of(example, target.format, target.profile))
        if tokens_of(row.line) > target.longest:
            kept.left_out["longer than the model takes"] += 1
        else:
            rows.append(row)
    return _split(rows, target, kept.left_out, kept.redacted, source, share, seed)


def prepare_file(path: Path, target: Target, *, share: float = 0.1, seed: int = 0) -> Prepared:
    """The same from a JSONL file; raises ``FineTuningError`` with the faults by line."""
    rows, left_out, redacted = from_file(path, target.format, target.longest)
    return _split(rows, target, left_out, redacted, str(path), share, seed)


def _split(
    rows: list[Row],
    target: Target,
    left_out: Counter[str],
    redacted: int,
    source: str,
    share: float,
    seed: int,
) -> Prepared:
    training, validation = split(rows, share, seed)
    return Prepared(
        target,
        [row.line for row in training],
        [row.line for row in validation],
        (len({row.file for row in training}), len({row.file for row in validation})),
        left_out,
        redacted,
        source,
    )


def private(path: Path, text: str) -> None:
    """Write a text that only the user can read, in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
