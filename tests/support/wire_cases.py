"""The format of ``tests/data/wires/*.jsonl``: cases, steps, predicates, replies; and their loader.

Everything is checked when it is read: an unknown field, a duplicate id or a missing cursor is an
error that names the file, the line and the field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from .wire_predicates import Predicate

CURSOR, START, END = "¦", "⟦", "⟧"
KINDS = frozenset(
    {
        # models that think
        *("thinking", "refused-parameter"),
        # text that is taken for something else
        *("talk", "control-marks", "docstring-cut", "wrapping", "emoji"),
        # seams and indentation
        *("seam", "rest-of-line", "tabs", "long-line"),
        # wires
        *("not-a-stream", "end-of-stream", "sse", "rate-limit", "auth", "error", "base-url"),
        *("fim", "infill", "loading", "cache-control", "prediction", "plain"),
    }
)
TASKS = frozenset({"complete", "explain", "generate"})


@dataclass(frozen=True)
class Pause:
    """A wait between two pieces of a body."""

    seconds: float


@dataclass(frozen=True)
class Reply:
    """A response as it goes out on the wire."""

    status: int
    headers: Mapping[str, str]
    pieces: tuple[bytes | Pause, ...]
    """Written one by one."""
    framing: str = "chunked"
    """``chunked``, ``length`` (``content-length``) or ``close`` (the connection's end)."""
    end: str = "clean"
    """``clean``; ``cut``: closed before the framing's end; ``reset``; ``hang``: stays open."""

    @property
    def body(self) -> bytes:
        """All bytes, without the pauses."""
        return b"".join(piece for piece in self.pieces if isinstance(piece, bytes))


@dataclass(frozen=True)
class Step:
    """A reply, the requests that get it, and what those must be like."""

    when: Predicate
    reply: Reply
    expect: Predicate = field(default_factory=Predicate)
    times: int | None = None
    required: bool = False


@dataclass(frozen=True)
class CaseDocument:
    """The document and the place in it."""

    language: str
    text: str
    """Without the marks."""
    start: int
    end: int
    """Code-point offsets of the cursor (equal) or of the selection."""
    path: str = ""

    @property
    def before(self) -> str:
        """The text before the cursor or the selection."""
        return self.text[: self.start]

    @property
    def after(self) -> str:
        """The text after the cursor or the selection."""
        return self.text[self.end :]

    @property
    def marked(self) -> str:
        """The text with its marks."""
        chosen = self.text[self.start : self.end]
        return self.before + (f"{START}{chosen}{END}" if chosen else CURSOR) + self.after

    def replaced(self, text: str, start: int, end: int) -> str:
        """The document after ``text`` replaced the code points from ``start`` to ``end``."""
        return self.text[:start] + text + self.text[end:]


@dataclass(frozen=True)
class WireCase:
    """One case."""

    id: str
    service: str
    kind: str
    task: str
    source: str
    """A public reference for the format."""
    model: Mapping[str, Any]
    """Settings of the model, without ``name`` and ``baseUrl``."""
    base_path: str
    """What follows the origin in ``baseUrl``."""
    document: CaseDocument
    exchange: tuple[Step, ...]
    expected: str | None
    also: tuple[str | None, ...] = ()
    """Other results that are as good."""
    lacks: tuple[str, ...] = ()
    """Texts that must not be in an explanation."""
    message: str | None = None
    """A regular expression for a message, status or error that the user can see."""
    requests: int = 1
    """How often the client asks at most; the first result that is not empty counts."""
    pause: tuple[float, float | None] | None = None
    """Seconds between a failure and the next request to the provider: at least, at most."""
    before: tuple[CaseDocument, int] | None = None
    """A completion that is requested first, and how often; its results do not count."""
    instruction: str = ""
    trigger: str = "automatic"
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The client's formatting options."""
    files: tuple[CaseDocument, ...] = ()
    """Other open documents and files of the workspace."""
    sent: tuple[Predicate, ...] = ()
    """For each of these, some request matches."""
    never: tuple[Predicate, ...] = ()
    """No request matches any of these."""
    note: str = ""
    where: str = ""
    """File and line."""

    def accepts(self, result: str | None) -> bool:
        """Whether a result of ``complete`` or ``generate`` is right."""
        return result == self.expected or result in self.also


def load_cases(folder: Path) -> list[WireCase]:
    """Read and check all cases of a folder. Raises ``ValueError`` that names file and line."""
    cases: list[WireCase] = []
    places: dict[str, str] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1):
            if not line.strip():
                continue
            where = f"{file.name}:{number}"
            try:
                case = _case(json.loads(line), where)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ValueError(f"{where}: {type(error).__name__}: {error}") from error
            if case.id in places:
                raise ValueError(f"{where}: the id {case.id} is in {places[case.id]} already")
            if case.service != file.stem:
                raise ValueError(f"{where}: service {case.service!r} in {file.name}")
            places[case.id] = where
            cases.append(case)
    return cases


def _case(raw: dict[str, Any], where: str) -> WireCase:
    _known(raw, {f.name for f in fields(WireCase)} - {"where", "base_path"}, "case")
    model = dict(raw["model"])
    _choice(raw["kind"], KINDS, "kind")
    _choice(raw["task"], TASKS, "task")
    _choice(raw.get("trigger", "automatic"), {"automatic", "invoked"}, "trigger")
    if not raw["source"].strip():
        raise ValueError("source is empty")
    pause = raw.get("pause")
    made: dict[str, Any] = {
        **raw,
        "base_path": model.pop("baseUrl", ""),
        "model": model,
        "document": _document(raw["document"], marked=True),
        "before": _before(raw.get("before")),
        "exchange": tuple(_step(step) for step in raw["exchange"]),
        "expected": _text(raw["expected"]),
        "also": tuple(_text(text) for text in raw.get("also", ())),
        "lacks": tuple(raw.get("lacks", ())),
        "pause": (pause[0], pause[1]) if pause else None,
        "files": tuple(_document(each, marked=False) for each in raw.get("files", ())),
        "sent": tuple(_predicate(each) for each in raw.get("sent", ())),
        "never": tuple(_predicate(each) for each in raw.get("never", ())),
        "where": where,
    }
    return WireCase(**made)


def _before(raw: dict[str, Any] | None) -> tuple[CaseDocument, int] | None:
    if raw is None:
        return None
    _known(raw, {"document", "times"}, "before")
    return _document(raw["document"], marked=True), raw["times"]


def _document(raw: dict[str, Any], *, marked: bool) -> CaseDocument:
    _known(raw, {"language", "text", "path"}, "document")
    text = _text(raw["text"]) or ""
    start = end = 0
    if marked and CURSOR in text:
        start = end = text.index(CURSOR)
        text = text.replace(CURSOR, "", 1)
    elif marked:
        start, end = text.index(START), text.index(END) - 1
        text = text.replace(START, "", 1).replace(END, "", 1)
    if marked and any(mark in text for mark in (CURSOR, START, END)):
        raise ValueError("the document has more than one mark")
    return CaseDocument(raw["language"], text, start, end, raw.get("path", ""))


def _step(raw: dict[str, Any]) -> Step:
    _known(raw, {"when", "reply", "expect", "times", "required"}, "step")
    return Step(
        when=_predicate({"method": "POST", **raw.get("when", {})}),
        reply=_reply(raw["reply"]),
        expect=_predicate(raw.get("expect", {})),
        times=raw.get("times"),
        required=raw.get("required", False),
    )


def _reply(raw: dict[str, Any]) -> Reply:
    _known(raw, {"status", "headers", "body", "framing", "end"}, "reply")
    framing, end = raw.get("framing", "chunked"), raw.get("end", "clean")
    _choice(framing, {"chunked", "length", "close"}, "framing")
    _choice(end, {"clean", "cut", "reset", "hang"}, "end")
    pieces = tuple(_piece(piece) for piece in raw.get("body", ()))
    return Reply(raw.get("status", 200), raw.get("headers", {}), pieces, framing, end)


def _piece(raw: Any) -> bytes | Pause:
    if isinstance(raw, str):
        return raw.encode()
    _known(raw, {"pause", "hex", "repeat", "times"}, "piece")
    if "pause" in raw:
        return Pause(raw["pause"])
    if "hex" in raw:
        return bytes.fromhex(raw["hex"])
    return (raw["repeat"] * raw["times"]).encode()


def _text(raw: Any) -> str | None:
    """A text, or a list of texts and repetitions: ``["a", {"repeat": "b,", "times": 1000}]``."""
    if raw is None or isinstance(raw, str):
        return raw
    return b"".join(cast("bytes", _piece(piece)) for piece in raw).decode()


def _predicate(raw: dict[str, Any]) -> Predicate:
    _known(raw, {f.name for f in fields(Predicate)}, "predicate")
    made = dict(raw)
    made["lacks"] = tuple(raw.get("lacks", ()))
    for name in ("any", "but"):
        made[name] = tuple(_predicate(each) for each in raw.get(name, ()))
    return Predicate(**made)


def _known(raw: Mapping[str, Any], known: set[str], kind: str) -> None:
    if unknown := set(raw) - known:
        raise ValueError(f"unknown field of a {kind}: {', '.join(sorted(unknown))}")


def _choice(value: str, known: Set[str], name: str) -> None:
    if value not in known:
        raise ValueError(f"{name} {value!r} is not one of {', '.join(sorted(known))}")
