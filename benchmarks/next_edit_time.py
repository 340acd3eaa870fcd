"""Time around next edits: what the server adds to a model's own time, and what the history adds to ``didChange``.

*added*: the installed server over stdio with a provider on loopback that answers at once, as in ``added_time``: from
the request for an edit until the provider has it (*before*), and from the end of the answer until the client has the
response (*after*). The debounce is 0. *didChange*: a keystroke's change applied to the documents alone, and with the
history of edits and the predictor of edits listening, in one process and in time of the processor.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tests.support.lsp_client import LspClient

from ensemble_lsp.context.documents import Documents
from ensemble_lsp.next_edit.edit_history import EditHistory
from ensemble_lsp.next_edit.predictor import EditPredictor
from ensemble_lsp.types import Edit, Position, Span

from .added_time import LENGTHS, open_source, source
from .common import percentile, table
from .provider import TimedProvider, timed_server

_REQUEST = "textDocument/copilotInlineEdit"
_URI = "file:///bench/file.py"


async def added(requests: int) -> dict[str, Any]:
    """Return the added milliseconds by the length of the file."""
    result: dict[str, Any] = {}
    settings = "[nextEdit]\ndebounceMs = 0\nlocator = false\nbudgetMs = 60000\n"
    async with timed_server(settings) as (client, provider):
        for lines in LENGTHS:
            result[str(lines)] = _shares(await _added(client, provider, lines, requests))
    return result


async def _added(
    client: LspClient, provider: TimedProvider, lines: int, requests: int
) -> dict[str, list[float]]:
    uri, place = open_source(client, lines)
    times: dict[str, list[float]] = {"before": [], "after": [], "added": []}
    for number in range(requests + 5):
        line = f"    value_{number} = {number}\n"
        client.insert(uri, place, line)
        place += len(line)
        await asyncio.sleep(0.02)  # the work for the keystroke is done before the request arrives
        asked = client.at(uri, place - 1)
        asked["textDocument"]["version"] = client.documents[uri][0]
        _, before, after = await provider.around(client.request(_REQUEST, asked))
        if number >= 5:
            for name, value in (("before", before), ("after", after), ("added", before + after)):
                times[name].append(value)
    client.close_document(uri)
    return times


def changes(keystrokes: int) -> dict[str, Any]:
    """Return the milliseconds of ``didChange`` without and with the listeners of next edits."""
    result: dict[str, Any] = {}
    for lines in LENGTHS:
        alone, listening = Documents(), Documents()
        history = EditHistory()
        listening.subscribe(history)
        listening.subscribe(EditPredictor(history))
        result[str(lines)] = _shares(
            {
                "documents alone": _typed(alone, lines, keystrokes),
                "with next edits": _typed(listening, lines, keystrokes),
            }
        )
    return result


def _typed(documents: Documents, lines: int, keystrokes: int) -> list[float]:
    documents.open(_URI, 1, "python", source(lines))
    at, times = Position(lines // 2, 0), list[float]()
    for number in range(keystrokes):
        if number % 40 == 0:
            at = Position((at.line + 37) % (lines // 2), 0)
        edit = Edit(Span(at, at), "x")
        started = time.thread_time()
        documents.change(_URI, number + 2, [edit])
        times.append((time.thread_time() - started) * 1e3)
        at = Position(at.line, at.column + 1)
    return times


def _shares(times: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    return {
        name: {"p50": percentile(values, 0.5), "p99": percentile(values, 0.99)}
        for name, values in times.items()
    }


def show(title: str, result: dict[str, Any]) -> None:
    """Print one of the results."""
    parts = list(next(iter(result.values())))
    header = ["lines", *(f"{part} {p}" for part in parts for p in ("p50", "p99"))]
    rows = [
        [lines, *(row[part][p] for part in parts for p in ("p50", "p99"))]
        for lines, row in result.items()
    ]
    table(title, header, rows)


def measure(requests: int, keystrokes: int) -> dict[str, Any]:
    """Measure and print both."""
    parts: tuple[tuple[str, str, Callable[[], Any]], ...] = (
        ("added ms", "Added to a model's own time, ms", lambda: asyncio.run(added(requests))),
        ("didChange ms", "didChange, ms", lambda: changes(keystrokes)),
    )
    result: dict[str, Any] = {}
    for key, title, work in parts:
        result[key] = work()
        show(title, result[key])
    return result
