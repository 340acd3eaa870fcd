"""The provider's rules for training files, checked here first: each fault is named by its line.

The rules are those of OpenAI's guides on supervised fine-tuning and direct preference optimization,
which servers with the same endpoints follow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from .prices import LARGEST_FILE, LEAST_EXAMPLES
from .training_example import CONTROL
from .training_formats import Format, Line, format_of, tokens_of

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_KEYS = frozenset(
    ("role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal")
)
_WORDS: dict[Format, str] = {
    "chat": '{"messages": [...]}',
    "completions": '{"prompt", "completion"}',
    "preference": '{"input", "preferred_output", "non_preferred_output"}',
}


@dataclass(frozen=True, slots=True)
class LineFault:
    """What is wrong in one line (counted from 1), or (0) with the whole file."""

    line: int
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}" if self.line else self.problem


@dataclass(slots=True)
class Checked:
    """A file's lines as far as they can be read, what is wrong with it, and its size."""

    lines: list[tuple[int, Line]] = field(default_factory=list[tuple[int, Line]])
    """Numbered from 1."""
    files: dict[int, str] = field(default_factory=dict[int, str])
    """By line, the ``file`` that was given with it."""
    faults: list[LineFault] = field(default_factory=list[LineFault])
    tokens: int = 0
    longest: int = 0
    """Tokens of the longest line."""
    size: int = 0
    """Bytes."""


def check(
    data: bytes,
    wanted: Format | None,
    *,
    longest: int | None,
    least: int = LEAST_EXAMPLES,
    with_files: bool = False,
) -> Checked:
    """Check a file's bytes. ``wanted`` None: the first line's format holds for all.

    ``longest``: tokens that one example may have; ``least``: examples that there must be;
    ``with_files``: a line may say in ``file`` where it comes from, which no provider takes.
    """
    checked = Checked(size=len(data))
    for number, raw in _numbered(data):
        line, problem = _parse(raw)
        if line is None:
            checked.faults.append(LineFault(number, problem))
            continue
        if with_files and isinstance(file := line.pop("file", ""), str):
            checked.files[number] = file
        kind = format_of(line)
        wanted = wanted or kind
        problems = list(_problems(line, kind, wanted))
        if not problems:
            tokens = tokens_of(line)
            checked.tokens += tokens
            checked.longest = max(checked.longest, tokens)
            if longest is not None and tokens > longest:
                problems.append(f"about {tokens:,} tokens; the model takes {longest:,}")
        checked.faults += [LineFault(number, problem) for problem in problems]
        if not problems:
            checked.lines.append((number, line))
    checked.faults += _of_the_file(checked, least)
    return checked


def _numbered(data: bytes) -> Iterable[tuple[int, bytes]]:
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if lines and not lines[-1].strip():
        lines.pop()
    return enumerate(lines, 1)


def _of_the_file(checked: Checked, least: int) -> Iterable[LineFault]:
    if checked.size > LARGEST_FILE:
        yield LineFault(0, f"the file has {checked.size:,} bytes; {LARGEST_FILE:,} are allowed")
    if len(checked.lines) < least:
        found = f"{len(checked.lines)} good example{'' if len(checked.lines) == 1 else 's'}"
        yield LineFault(0, f"{found}; at least {least} are needed")


def _parse(raw: bytes) -> tuple[Line | None, str]:
    if not raw.strip():
        return None, "is empty; remove it"
    try:
        value = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        return None, f"is not UTF-8 (byte {error.start})"
    except (ValueError, RecursionError) as error:
        return None, f"is not JSON ({str(error)[:80]})"
    if not isinstance(value, dict):
        return None, "is not a JSON object"
    return cast(Line, value), ""


def _problems(line: Line, kind: Format | None, wanted: Format | None) -> Iterable[str]:
    if kind is None or kind != wanted:
        yield f"is not of the form {_WORDS[wanted or 'chat']}"
        return
    if kind == "chat":
        yield from _extra(line, ("messages", "tools", "parallel_tool_calls", "functions"))
        yield from _messages(line["messages"], "messages", ends_with="assistant")
    elif kind == "completions":
        yield from _extra(line, ("prompt", "completion"))
        # A prompt may hold the fill-in-the-middle tokens that the model is asked with.
        if not isinstance(line.get("prompt"), str):
            yield "prompt is no text"
        yield from _text(line.get("completion"), "completion")
    else:
        yield from _preference(line)


def _extra(line: Line, known: tuple[str, ...]) -> Iterable[str]:
    unknown = [k for k in line if k not in known]
    if unknown:
        yield f"has the unknown key {unknown[0]!r}"


def _preference(line: Line) -> Iterable[str]:
    yield from _extra(line, ("input", "preferred_output", "non_preferred_output"))
    asked = line.get("input")
    if not isinstance(asked, dict):
        yield "input is not an object"
        return
    asked_messages = cast(Line, asked).get("messages")
    yield from _messages(asked_messages, "input.messages", ends_with="user")
    for name in ("preferred_output", "non_preferred_output"):
        output = line.get(name)
        yield from _messages(output, name, ends_with="assistant")
        if isinstance(output, list) and len(cast("list[Any]", output)) != 1:
            yield f"{name} is not one assistant's message"
    if line.get("preferred_output") == line.get("non_preferred_output"):
        yield "both outputs are the same"


def _messages(value: Any, where: str, ends_with: str) -> Iterable[str]:
    if not isinstance(value, list) or not value:
        yield f"{where} is not a list of messages"
        return
    messages = cast("list[Any]", value)
    for number, message in enumerate(messages):
        yield from _message(message, f"{where}[{number}]")
    last = messages[-1]
    role = cast(Line, last).get("role") if isinstance(last, dict) else None
    if role != ends_with:
        yield f"{where} does not end with a message of the role {ends_with!r}"


def _message(value: Any, where: str) -> Iterable[str]:
    if not isinstance(value, dict):
        yield f"{where} is not an object"
        return
    message = cast(Line, value)
    role = message.get("role")
    if role not in _ROLES:
        yield f"{where} has the role {role!r}; allowed are {', '.join(_ROLES[:5])}"
    unknown = [k for k in message if k not in _KEYS]
    if unknown:
        yield f"{where} has the unknown key {unknown[0]!r}"
    weight = message.get("weight")
    if weight is not None and (weight not in (0, 1) or role != "assistant"):
        yield f"{where} has a weight that is not 0 or 1 on an assistant's message"
    calls = message.get("tool_calls") or message.get("function_call")
    if not (calls and message.get("content") is None):
        yield from _text(message.get("content"), f"{where}.content")


def _text(value: Any, where: str) -> Iterable[str]:
    if not isinstance(value, str):
        yield f"{where} is no text"
    elif not value.strip():
        yield f"{where} is empty"
    elif token := next((t for t in CONTROL if t in value), None):
        yield f"{where} holds the control token {token}"
