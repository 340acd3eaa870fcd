"""Results of a comparison, kept in ``results.jsonl`` so that a run can continue later."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from ..errors import EnsembleError, SettingsError
from ..settings.regular_files import read_regular, require_no_link
from ..wording import plural
from .cases import Case
from .signed_lines import LineSigner

VERSION = 1
_MAX_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Result:
    """One model's answer to one case, with its scores. Milliseconds and US dollars."""

    case: str
    """The case's id."""
    model: str
    """The configured name."""
    id: str
    """The provider and its name for the model that was asked."""
    text: str = ""
    """The text the editor would offer; empty if it would offer nothing."""
    error: str = ""
    """A sentence, if the model did not answer."""
    error_kind: str = ""
    """The error's class, or ``refused`` if the model may not see the file."""
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    """By measure, see ``scoring``; measures that do not apply are missing."""
    first_ms: float | None = None
    total_ms: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    """For a failed call, the most it can have cost."""
    time: float = 0.0
    """Unix seconds at the end of the answer."""

    @property
    def failed(self) -> bool:
        """Whether there is no answer to score."""
        return bool(self.error)

    def to_json(self) -> dict[str, Any]:
        """Return the plain values of one line of the file."""
        return {"type": "result", **dataclasses.asdict(self)}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Result | None:
        """Read the values of ``to_json``; None if they are not a result."""
        known = {f.name for f in dataclasses.fields(cls)}
        kept = {k: v for k, v in raw.items() if k in known}
        texts = all(isinstance(kept.get(k), str) for k in ("case", "model", "id"))
        return cls(**kept) if texts and isinstance(kept.get("scores", {}), dict) else None


class ResultStore:
    """The results of one folder. Each is on disk before the next request.

    ``add`` is thread-safe. Reading skips a line that a crash truncated. A later result of the same model for the same
    case replaces an earlier one. Lines without the user's signature are ignored: a repository may contain them.
    """

    def __init__(self, path: Path, signer: LineSigner) -> None:
        self.path = path
        self._signer = signer
        self._unsigned = 0
        self._kept: dict[tuple[str, str, str], Result] = {}
        self._discarded_cost = 0.0
        """US dollars of discarded answers."""
        self._fresh = False
        self._cases: set[str] = set()
        self._file: TextIO | None = None
        self._writing = threading.Lock()

    @classmethod
    def open(cls, path: Path, signer: LineSigner, *, fresh: bool = False) -> ResultStore:
        """Read the existing file and append to it. Raises ``SettingsError`` for any other file.

        ``fresh`` discards the answers so far, but not their cost; the file keeps them.
        """
        results = cls(path, signer)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            require_no_link(path)
            _write_gitignore(path.parent)
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
            results._fresh = True
        return results

    @property
    def notice(self) -> str:
        """A message about ignored answers; empty without any."""
        if not self._unsigned:
            return ""
        answers = plural(self._unsigned, "answer")
        return f"{answers} in {self.path} were not stored by you on this machine and are ignored."

    def get(self, case: str, model: str, id_: str) -> Result | None:
        """Return the model's answer to a case, if it was asked before."""
        return self._kept.get((case, model, id_))

    def add(self, result: Result) -> None:
        """Store a result."""
        self._kept[(result.case, result.model, result.id)] = result
        self._write(result.to_json())

    def append(self, kind: str, values: Mapping[str, Any]) -> None:
        """Append a line of another type, for readers of the file."""
        self._write({"type": kind, "version": VERSION, **values})

    def begin_run(self) -> None:
        """Start a run; record a fresh start, so that resumed runs respect it."""
        if self._fresh:
            self._fresh = False
            self.append("fresh", {})

    def append_case(self, case: Case) -> None:
        """Store a case, once."""
        if case.id not in self._cases:
            self._cases.add(case.id)
            self.append("case", case.to_json())

    def spent(self) -> float:
        """Return the US dollars of all requests ever made for this folder."""
        return self._discarded_cost + sum(r.cost for r in self._kept.values())

    def for_cases(self, cases: Mapping[str, Case]) -> list[Result]:
        """Return the results of these cases, in the order they arrived."""
        return [r for r in self._kept.values() if r.case in cases]

    def close(self) -> None:
        """Close the file."""
        with self._writing:
            if self._file is not None:
                with suppress(OSError):  # a full disk was reported by the write
                    self._file.close()
                self._file = None

    def _read(self) -> bool:
        """Read the file; return whether its last line is complete."""
        if not self.path.exists():
            return True
        text = read_regular(self.path, _MAX_BYTES).decode("utf-8", "replace")
        known = list(_objects(text))
        if text.strip() and not known:
            raise SettingsError(
                f"{self.path} is not a results file of a comparison; choose another folder with --out."
            )
        for raw in known:
            if not self._signer.signs(raw):
                self._unsigned += raw.get("type") == "result"
                continue
            if raw.get("type") == "case":
                self._cases.add(str(raw.get("id")))
            if raw.get("type") == "fresh":
                self._drop()
            result = Result.from_json(raw) if raw.get("type") == "result" else None
            if result is not None:
                self._kept[(result.case, result.model, result.id)] = result
        return not text or text.endswith("\n")

    def _drop(self) -> None:
        self._discarded_cost = self.spent()
        self._kept.clear()

    def _write(self, value: Mapping[str, Any]) -> None:
        line = json.dumps(self._signer.signed(value), ensure_ascii=False) + "\n"
        with self._writing:
            if self._file is None:
                return
            try:
                self._file.write(line)
                self._file.flush()
            except OSError as error:
                reason = error.strerror or str(error)
                raise EnsembleError(
                    f"{self.path} cannot be written ({reason}); the answers before it are kept."
                ) from error


def _objects(text: str) -> Iterator[dict[str, Any]]:
    for line in text.split("\n"):
        try:
            value: Any = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict) and "type" in value:
            yield value


def _write_gitignore(folder: Path) -> None:
    """Keep a new folder out of version control, because results contain code."""
    ignore = folder / ".gitignore"
    if not any(folder.iterdir()):
        ignore.write_text("*\n", encoding="utf-8")
