"""What every model answered to every case, kept in ``results.jsonl`` so that a run can go on later."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from ..errors import SettingsError
from .cases import Case

VERSION = 1


@dataclass(frozen=True, slots=True)
class Result:
    """One model's answer to one case, with its scores. Milliseconds and US dollars."""

    case: str
    """The case's id."""
    model: str
    """The configured name."""
    id: str
    """Provider and the provider's own name: what was really asked."""
    text: str = ""
    """As the editor would offer it; empty where nothing was offered."""
    error: str = ""
    """A sentence, where the model did not answer."""
    error_kind: str = ""
    """The error's class, or ``refused`` where the model may not see the file."""
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    """By the measure's name: see ``scoring``. What could not be judged is not there."""
    first_ms: float | None = None
    total_ms: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    """Of a failed call the most it can have cost."""
    time: float = 0.0
    """Unix seconds at the end."""

    @property
    def failed(self) -> bool:
        """Whether there is no answer to judge."""
        return bool(self.error)

    def to_json(self) -> dict[str, Any]:
        """Plain values, as one line of the file has them."""
        return {"type": "result", **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Result | None:
        """Read ``to_json``'s values; None for what is none."""
        known = {f.name for f in dataclasses.fields(cls)}
        kept = {k: v for k, v in raw.items() if k in known}
        texts = all(isinstance(kept.get(k), str) for k in ("case", "model", "id"))
        return cls(**kept) if texts and isinstance(kept.get("scores", {}), dict) else None


class ResultStore:
    """The results of one folder. Each is on the disk before the next question is asked.

    ``add`` may be called from several threads. A line that a crash cut short is left out when the file
    is read again. A later result of the same model to the same case counts instead of an earlier one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: dict[tuple[str, str, str], Result] = {}
        self._before = 0.0
        """US dollars of answers that count no more."""
        self._anew = False
        self._cases: set[str] = set()
        self._file: TextIO | None = None
        self._writing = threading.Lock()

    @classmethod
    def open(cls, path: Path, *, fresh: bool = False) -> ResultStore:
        """Read what is there, and go on behind it. Raises ``SettingsError`` for a foreign file.

        ``fresh``: the answers so far do not count (their cost does); the file keeps them.
        """
        results = cls(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _ignore(path.parent)
            whole = results._read()
            results._file = path.open("a", encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            reason = error.strerror or str(error)
            raise SettingsError(
                f"{path} cannot be written ({reason}); choose another folder with --out."
            ) from error
        if not whole:
            results._file.write("\n")
        if fresh and results._kept:
            results._drop()
            results._anew = True
        return results

    def get(self, case: str, model: str, id_: str) -> Result | None:
        """The model's answer to a case, if it was asked before."""
        return self._kept.get((case, model, id_))

    def add(self, result: Result) -> None:
        """Keep a result."""
        self._kept[(result.case, result.model, result.id)] = result
        self._write(result.to_json())

    def append(self, kind: str, values: Mapping[str, Any]) -> None:
        """Keep a line for whoever reads the file."""
        self._write({"type": kind, "version": VERSION, **values})

    def begin_run(self) -> None:
        """A run begins: where it is to be a fresh one, it is so for whoever takes it up later, too."""
        if self._anew:
            self._anew = False
            self.append("fresh", {})

    def append_case(self, case: Case) -> None:
        """Keep a case, once."""
        if case.id not in self._cases:
            self._cases.add(case.id)
            self.append("case", case.to_json())

    def spent(self) -> float:
        """US dollars of all that was ever asked here."""
        return self._before + sum(r.cost for r in self._kept.values())

    def for_cases(self, cases: Mapping[str, Case]) -> list[Result]:
        """The results of these cases, in the order they came."""
        return [r for r in self._kept.values() if r.case in cases]

    def close(self) -> None:
        """Close the file."""
        with self._writing:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _read(self) -> bool:
        """Take in the file; whether its last line is whole."""
        if not self.path.exists():
            return True
        text = self.path.read_text(encoding="utf-8", errors="replace")
        known = list(_objects(text))
        if text.strip() and not known:
            raise SettingsError(
                f"{self.path} is no results file of a comparison; choose another folder with --out."
            )
        for raw in known:
            if raw.get("type") == "case":
                self._cases.add(str(raw.get("id")))
            if raw.get("type") == "fresh":
                self._drop()
            result = Result.from_json(raw) if raw.get("type") == "result" else None
            if result is not None:
                self._kept[(result.case, result.model, result.id)] = result
        return not text or text.endswith("\n")

    def _drop(self) -> None:
        self._before = self.spent()
        self._kept.clear()

    def _write(self, value: Mapping[str, Any]) -> None:
        line = json.dumps(value, ensure_ascii=False) + "\n"
        with self._writing:
            if self._file is not None:
                self._file.write(line)
                self._file.flush()


def _objects(text: str) -> Iterator[dict[str, Any]]:
    for line in text.split("\n"):
        try:
            value: Any = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and "type" in value:
            yield value


def _ignore(folder: Path) -> None:
    """Results hold code: a folder that we made is not to be committed by accident."""
    ignore = folder / ".gitignore"
    if not any(folder.iterdir()):
        ignore.write_text("*\n", encoding="utf-8")
