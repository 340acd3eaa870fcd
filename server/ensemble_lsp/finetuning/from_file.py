"""Examples from the user's own JSONL file: checked, without repetitions and secrets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..context.secret_redaction import Redactor
from ..errors import FineTuningError
from .training_example import excluded_note
from .training_formats import Format, Line
from .validation import LineFault, check_file


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One line of a training file, and the source file that it comes from."""

    file: str
    """The split keeps the rows of a file together."""
    line: Line
    source: str = ""
    """The file that the summary counts, if it differs: rows of an unknown file are split one by one."""


def from_file(
    path: Path, file_format: Format, max_tokens: int | None
) -> tuple[list[TrainingRow], Counter[str], int]:
    """Return the rows of a file, the counts of excluded lines, and of secrets replaced in prompts.

    A line may have a ``file`` beside the provider's keys: the split keeps lines of a file together.
    Raises ``InvalidTrainingFileError`` with every fault and its line.
    """
    checked = check_file(
        read_file(path), file_format, max_tokens=max_tokens, min_examples=1, with_files=True
    )
    if checked.faults:
        raise InvalidTrainingFileError(path, checked.faults)
    rows: list[TrainingRow] = []
    left_out: Counter[str] = Counter()
    seen: set[str] = set()
    redacted = 0
    redact = Redactor().redact
    for number, line in checked.lines:
        if any(redact(text)[1] for text in _answers(line)):
            left_out["examples with a secret in the answer"] += 1
            continue
        clean, count = _redacted(line, redact)
        key = json.dumps(clean, sort_keys=True)
        if key in seen:
            left_out["repeated examples"] += 1
            continue
        seen.add(key)
        redacted += count
        file = checked.files.get(number)
        row = TrainingRow(file or f"{path.name}:{number}", cast(Line, clean), file or path.name)
        rows.append(row)
    return rows, left_out, redacted


def redacted_rows(data: bytes) -> tuple[bytes, int]:
    """Return JSONL as it may be uploaded, without secrets, and their number; other lines stay as they are."""
    redact, total = Redactor().redact, 0
    lines = data.split(b"\n")
    for number, line in enumerate(lines):
        try:
            clean, count = _redacted(_loads(line), redact) if line.strip() else (None, 0)
            changed = json.dumps(clean, ensure_ascii=False).encode() if count else line
        except (
            ValueError,
            RecursionError,
        ):  # the provider refuses it; even then no secret is sent
            text, count = redact(line.decode("utf-8", "replace"))
            changed = text.encode() if count else line
        lines[number] = changed
        total += count
    return b"\n".join(lines), total


def _loads(line: bytes) -> Any:
    """Parse JSON; raises ``ValueError`` for a repeated key, of which a parser shows only the last value."""

    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key is repeated")
        return found

    return json.loads(line, object_pairs_hook=table)


def read_file(path: Path) -> bytes:
    """Return the bytes of a file; raises ``FineTuningError``."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FineTuningError(
            f"{path} cannot be read ({error.strerror}); check the path."
        ) from error


class InvalidTrainingFileError(FineTuningError):
    """A file that breaks the provider's rules; ``faults`` has every fault by line."""

    def __init__(
        self, path: Path, faults: list[LineFault], left_out: Mapping[str, int] | None = None
    ) -> None:
        count = len(faults)
        if count == 1 and not faults[0].line:
            message = f"{path} cannot be used: {faults[0]}.{excluded_note(left_out or {})}"
        else:
            more = f", and {count - 1} more" if count > 1 else ""
            rules = "breaks the provider's rules"
            message = f"{path} {rules}: {faults[0]}{more}; correct it and try again."
        super().__init__(message)
        self.faults = faults


def _answers(line: Line) -> list[str]:
    """Return the texts that a model learns to write."""
    messages: list[Any] = [
        *(m for m in line.get("messages", []) if m.get("role") == "assistant"),
        *line.get("preferred_output", []),
        *line.get("non_preferred_output", []),
    ]
    texts = [message.get("content") for message in messages] + [line.get("completion")]
    return [text for text in texts if isinstance(text, str)]


def _redacted(value: Any, redact: Callable[[str], tuple[str, int]]) -> tuple[Any, int]:
    """Return a JSON value with its secrets replaced, and their number."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, list):
        parts = [_redacted(item, redact) for item in cast("list[Any]", value)]
        return [part for part, _ in parts], sum(count for _, count in parts)
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        table = [(redact(key), _redacted(item, redact)) for key, item in pairs]
        count = sum(in_key + in_item for (_, in_key), (_, in_item) in table)
        return {key: item for (key, _), (item, _) in table}, count
    return value, 0
