"""The context of a request, from which the bandit chooses a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, cast

from ..languages import line_comment
from ..types import TASKS, Document, Position, Task, Trigger
from .complexity_cache import ComplexityCache

PlaceKind = Literal[
    "call", "return", "comment", "import", "test", "string", "definition", "other"
]  # fmt: skip
PLACES: tuple[PlaceKind, ...] = (
    "call", "return", "comment", "import", "test", "string", "definition", "other",
)  # fmt: skip

_PREFIX_LINES = 100
_IMPORT = re.compile(r"\s*(import|from|#\s*include|use|using|require|package)\b")
_DEFINITION = re.compile(
    r"\s*(?:(?:export|default|public|private|protected|static|async|pub|abstract|final|inline)\s+)*"
    r"(?:def|class|function|fn|func|fun|struct|interface|enum|trait|impl|type)\s+\w*[^{:]*$"
)
_RETURN = re.compile(r"\s*(?:return|yield)\b")
_TEST = re.compile(r"(?:^|[/\\_.\-])(?:tests?|specs?)(?:[/\\_.\-]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request's context. Sizes are in lines, characters and words."""

    task: Task
    language: str = ""
    complexity: int = 1
    """Cyclomatic complexity of the enclosing function, else the file's highest."""
    nesting: int = 0
    function_lines: int = 0
    file_lines: int = 0
    prefix_chars: int = 0
    """Characters before the cursor, in at most 100 lines."""
    multiline: bool = True
    place: PlaceKind = "other"
    trigger: Trigger = "automatic"
    instruction_words: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain values for the history."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> RequestContext:
        """Parse the values of ``to_json``, ignoring unknown keys; ``ValueError`` without a task."""
        if raw.get("task") not in TASKS:
            raise ValueError("a request context needs a task")
        known = {f.name: f.default for f in fields(cls)}
        kept = {
            key: value
            for key, value in raw.items()
            if key in known and (key == "task" or _same_type(known[key], value))
        }
        return cls(**kept)


def request_context(
    task: Task,
    document: Document,
    position: Position,
    *,
    complexity: ComplexityCache,
    multiline: bool = True,
    trigger: Trigger = "automatic",
    instruction: str = "",
) -> RequestContext:
    """Return the context of a request at a position; computes nothing slow."""
    around = complexity.peek(document.uri, position.line)
    above = document.lines[max(0, position.line - _PREFIX_LINES) : position.line]
    return RequestContext(
        task=task,
        language=document.language,
        complexity=around.cyclomatic,
        nesting=around.nesting,
        function_lines=around.lines,
        file_lines=len(document.lines),
        prefix_chars=sum(map(len, above)) + position.column,
        multiline=multiline,
        place=classify_place(document, position),
        trigger=trigger,
        instruction_words=len(instruction.split()),
    )


def classify_place(document: Document, position: Position) -> PlaceKind:
    """Classify a position by the text before it, on its line and just above."""
    before = document.line(position.line)[: position.column]
    quote, comment = _scan(before, document.language)
    if comment:
        return "comment"
    for pattern, place in ((_IMPORT, "import"), (_DEFINITION, "definition")):
        if pattern.match(before):
            return cast(PlaceKind, place)
    if quote:
        return "string"
    if _in_call(document, position, before):
        return "call"
    if _RETURN.match(before):
        return "return"
    return "test" if _TEST.search(document.path) else "other"


def _scan(before: str, language: str) -> tuple[str, bool]:
    """Return the open quote at the end of a line's beginning, and whether it is in a comment."""
    sign = line_comment(language)
    marks = (sign, "/*") if sign == "//" else (sign,)
    if before.lstrip().startswith("*") and "/*" in marks:
        return "", True
    quote, index = "", 0
    while index < len(before):
        char = before[index]
        if quote:
            index += char == "\\"
            quote = "" if char == quote else quote
        elif before.startswith(marks, index):
            return "", True
        elif char in "\"'`" and not (char == "'" and before[:index][-1:].isalnum()):
            quote = char
        index += 1
    return quote, False


def _in_call(document: Document, position: Position, before: str) -> bool:
    """Return whether a call's parenthesis is open, looking back a few lines."""
    depth = 0
    lines = [document.line(n) for n in range(max(0, position.line - 5), position.line)]
    for text in (before, *reversed(lines)):
        for index in range(len(text) - 1, -1, -1):
            depth += (text[index] in ")]}") - (text[index] in "([{")
            if depth < 0:
                return text[index] == "(" and bool(re.search(r"[\w\])>]$", text[:index]))
        if text is not before and not text.strip():
            return False
    return False


def _same_type(default: object, value: object) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    return isinstance(value, type(default))
