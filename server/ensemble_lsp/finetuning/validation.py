"""Check training files against the provider's rules before the upload; each fault names its line.

The rules come from OpenAI's guides on supervised fine-tuning and direct preference optimization; servers
with the same endpoints follow them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from ..wording import plural
from .prices import MAX_UPLOAD_BYTES, MIN_EXAMPLES
from .training_example import CONTROL_TOKENS
from .training_formats import Format, Line, format_of, tokens_of

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_KEYS = frozenset(
    ("role", "content", "name", "weight", "tool_calls", "tool_call_id", "function_call", "refusal")
)
_FORMS: dict[Format, str] = {
    "chat": '{"messages": [...]}',
    "completions": '{"prompt", "completion"}',
    "preference": '{"input", "preferred_output", "non_preferred_output"}',
}


@dataclass(frozen=True, slots=True)
class LineFault:
    """A fault in one line (from 1), or in the whole file (line 0)."""

    line: int
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}" if self.line else self.problem


@dataclass(slots=True)
class CheckedFile:
    """The valid lines of a file, its faults and its size."""

    lines: list[tuple[int, Line]] = field(default_factory=list[tuple[int, Line]])
    """Numbered from 1."""
    files: dict[int, str] = field(default_factory=dict[int, str])
    """The ``file`` of each line that names one."""
    faults: list[LineFault] = field(default_factory=list[LineFault])
    tokens: int = 0
    longest_example: int = 0
    """Tokens of the longest line."""
    size: int = 0
    """Bytes."""


def check_file(
    data: bytes,
    file_format: Format | None,
    *,
    max_tokens: int | None,
    min_examples: int = MIN_EXAMPLES,
    with_files: bool = False,
) -> CheckedFile:
    """Check the bytes of a file. Without ``file_format`` the first line decides the format.

    ``max_tokens`` limits one example. ``with_files`` allows a key ``file`` with the source of a line, which
    is removed because no provider accepts it.
    """
    checked = CheckedFile(size=len(data))
    for number, raw in _numbered(data):
        line, problem = _parse(raw)
        if line is None:
            checked.faults.append(LineFault(number, problem))
            continue
        if with_files and isinstance(file := line.pop("file", ""), str):
            checked.files[number] = file
        kind = format_of(line)
        file_format = file_format or kind
        problems = list(_problems(line, kind, file_format))
        if not problems:
            tokens = tokens_of(line)
            checked.tokens += tokens
            checked.longest_example = max(checked.longest_example, tokens)
            if max_tokens is not None and tokens > max_tokens:
                problems.append(f"has about {tokens:,} tokens; the model accepts {max_tokens:,}")
        checked.faults += [LineFault(number, problem) for problem in problems]
        if not problems:
            checked.lines.append((number, line))
    checked.faults += _file_faults(checked, min_examples)
    return checked


def _numbered(data: bytes) -> Iterable[tuple[int, bytes]]:
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if lines and not lines[-1].strip():
        lines.pop()
    return enumerate(lines, 1)


def _file_faults(checked: CheckedFile, min_examples: int) -> Iterable[LineFault]:
    if checked.size > MAX_UPLOAD_BYTES:
        yield LineFault(
            0, f"the file has {checked.size:,} bytes; at most {MAX_UPLOAD_BYTES:,} are allowed"
        )
    if len(checked.lines) < min_examples:
        found = plural(len(checked.lines), "valid example")
        yield LineFault(0, f"{found}; at least {min_examples} are needed")


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


def _problems(line: Line, kind: Format | None, expected: Format | None) -> Iterable[str]:
    if kind is None or kind != expected:
        yield f"is not of the form {_FORMS[expected or 'chat']}"
        return
    if kind == "chat":
        yield from _extra(line, ("messages", "tools", "parallel_tool_calls", "functions"))
        yield from _messages(line["messages"], "messages", ends_with="assistant")
    elif kind == "completions":
        yield from _extra(line, ("prompt", "completion"))
        # A prompt may hold the fill-in-the-middle tokens that the model is asked with.
        if not isinstance(line.get("prompt"), str):
            yield "prompt is not a string"
        yield from _text(line.get("completion"), "completion")
    else:
        yield from _preference(line)


def _extra(line: Line, known: tuple[str, ...]) -> Iterable[str]:
    unknown = [k for k in line if k not in known]
    if unknown:
        yield f"has the unknown key {unknown[0]!r}"


def _preference(line: Line) -> Iterable[str]:
    yield from _extra(line, ("input", "preferred_output", "non_preferred_output"))
    prompt = line.get("input")
    if not isinstance(prompt, dict):
        yield "input is not an object"
        return
    messages = cast(Line, prompt).get("messages")
    yield from _messages(messages, "input.messages", ends_with="user")
    for name in ("preferred_output", "non_preferred_output"):
        output = line.get(name)
        yield from _messages(output, name, ends_with="assistant")
        if isinstance(output, list) and len(cast("list[Any]", output)) != 1:
            yield f"{name} is not exactly one assistant message"
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
        yield f"{where} does not end with a message of role {ends_with!r}"


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
        yield f"{where} has a weight other than 0 or 1, or on a message that is not the assistant's"
    calls = message.get("tool_calls") or message.get("function_call")
    if not (calls and message.get("content") is None):
        yield from _text(message.get("content"), f"{where}.content")


def _text(value: Any, where: str) -> Iterable[str]:
    if not isinstance(value, str):
        yield f"{where} is not a string"
    elif not value.strip():
        yield f"{where} is empty"
    elif token := next((t for t in CONTROL_TOKENS if t in value), None):
        yield f"{where} contains the control token {token}"
