"""Examples from a JSONL file of the user's own: checked, without repetitions and secrets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..context.secret_redaction import Redactor
from ..errors import FineTuningError
from .training_formats import Format, Line
from .validation import LineFault, check


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a training file, and the file that it teaches from."""

    file: str
    line: Line


def from_file(
    path: Path, wanted: Format, longest: int | None
) -> tuple[list[Row], Counter[str], int]:
    """The rows of a file, what was left out, and how many secrets were replaced in prompts.

    A line may have a ``file`` beside the provider's keys: the split keeps lines of a file together.
    Raises ``FaultyFileError`` that has every fault with its line.
    """
    checked = check(read(path), wanted, longest=longest, least=1, with_files=True)
    if checked.faults:
        raise FaultyFileError(path, checked.faults)
    rows: list[Row] = []
    left_out: Counter[str] = Counter()
    seen: set[str] = set()
    redacted = 0
    redact = Redactor().redact
    for number, line in checked.lines:
        if any(redact(text)[1] for text in _answers(line)):
            left_out["a secret in the answer"] += 1
            continue
        clean, count = _redact(line, redact)
        key = json.dumps(clean, sort_keys=True)
        if key in seen:
            left_out["the same example again"] += 1
            continue
        seen.add(key)
        redacted += count
        rows.append(Row(checked.files.get(number) or f"{path.name}:{number}", cast(Line, clean)))
    return rows, left_out, redacted


def read(path: Path) -> bytes:
    """A file's bytes; raises ``FineTuningError``."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FineTuningError(
            f"{path} cannot be read ({error.strerror}); check the path."
        ) from error


class FaultyFileError(FineTuningError):
    """A file that breaks the provider's rules; ``faults`` has all of them, by line."""

    def __init__(self, path: Path, faults: list[LineFault]) -> None:
        count = len(faults)
        more = f", and {count - 1} more" if count > 1 else ""
        super().__init__(
            f"{path} does not keep the provider's rules: {faults[0]}{more}; mend it and try again."
        )
        self.faults = faults


def _answers(line: Line) -> list[str]:
    """What a model learns to write."""
    messages: list[Any] = [
        *(m for m in line.get("messages", []) if m.get("role") == "assistant"),
        *line.get("preferred_output", []),
        *line.get("non_preferred_output", []),
    ]
    texts = [message.get("content") for message in messages] + [line.get("completion")]
    return [text for text in texts if isinstance(text, str)]


def _redact(value: Any, redact: Callable[[str], tuple[str, int]]) -> tuple[Any, int]:
    """A JSON value with every text in it without secrets, and how many there were."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        parts = [_redact(each, redact) for each in cast("list[Any]", value)]
        return [part for part, _ in parts], sum(count for _, count in parts)
    if isinstance(value, dict):
        table = {k: _redact(each, redact) for k, each in cast("dict[str, Any]", value).items()}
        return {k: v for k, (v, _) in table.items()}, sum(count for _, count in table.values())
    return value, 0
