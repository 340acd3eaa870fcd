"""llama.cpp's ``/infill``: fill-in-the-middle with the model's own tokens and the server's prompt cache."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ...models.error_mapping import AnswerError
from ...models.stream_assembler import Delta, Finish
from ...models.wire_format import Body, WireFormat, table, whole
from ...types import Prompt, Snippet, Usage
from .choices import without

_PREDICT_MS = 1000
"""Milliseconds for an answer of several lines, counted from its first line end."""
_OPTIONAL = {
    name: re.compile(rf"\b{name}\b")
    for name in ("n_indent", "t_max_predict_ms", "samplers", "input_extra")
}


def infill_wire(path: str) -> WireFormat:
    """Return the format of ``/infill``. It does no other task than ``complete``."""
    order = _StableOrder()

    def body(prompt: Prompt, facts: frozenset[str]) -> Body:
        before, _, line = prompt.prefix.rpartition("\n")
        before = f"{before}\n" if len(before) < len(prompt.prefix) - len(line) else before
        imports = (
            prompt.imports
            if not prompt.imports or prompt.imports.endswith("\n")
            else f"{prompt.imports}\n"
        )
        wanted: Body = {
            "input_extra": [{"filename": s.path, "text": s.text} for s in order.of(prompt.related)],
            "n_indent": len(line) - len(line.lstrip()),
            "t_max_predict_ms": _PREDICT_MS,
            "temperature": prompt.temperature,
            "stop": list(prompt.stop),
        }
        return {
            "input_prefix": imports + before,
            # The start of the cursor's line changes most: it comes after the rest.
            "prompt": line,
            "input_suffix": prompt.suffix,
            "n_predict": prompt.max_tokens,
            "cache_prompt": True,
            **without(wanted, facts),
        }

    return WireFormat(
        name="infill",
        path=path,
        body=body,
        reader=_InfillReader,
        stops=lambda prompt: prompt.stop,
        optional=_OPTIONAL,
        is_chat=False,
        replaceable=True,
    )


class _StableOrder:
    """Keeps passages in the order in which they were first sent, so that the server's cache stays valid.

    They come before the prompt: one that changes its place would have everything read again.
    """

    def __init__(self) -> None:
        self._sent: dict[tuple[str, str], None] = {}

    def of(self, passages: Sequence[Snippet]) -> list[Snippet]:
        """Return the passages, those of the last request first."""
        by_key = {(s.path, s.text): s for s in reversed(passages)}
        kept = [key for key in self._sent if key in by_key]
        self._sent = dict.fromkeys([*kept, *(key for key in by_key if key not in self._sent)])
        return [by_key[key] for key in self._sent]


class _InfillReader:
    """Reads llama.cpp's own events."""

    def __init__(self) -> None:
        self._answers = False

    def read(self, event: Body) -> Delta:
        """Return what an event says; the last one has ``stop``."""
        if error := event.get("error"):
            raise AnswerError({"error": error})
        content: Any = event.get("content")
        text = content if isinstance(content, str) else ""
        self._answers = self._answers or isinstance(content, str)
        if not event.get("stop"):
            return Delta(text)
        cached = whole(table(event.get("timings")).get("cache_n"))
        usage = Usage(
            whole(event.get("tokens_evaluated")), whole(event.get("tokens_predicted")), cached
        )
        limited = event.get("stop_type") == "limit" or event.get("stopped_limit")
        return Delta(text, finish="length" if limited else "stop", usage=usage)

    def end(self, complete: bool) -> Finish | None:
        """Return the finish of a stream without a last event."""
        return "stop" if complete and self._answers else None
