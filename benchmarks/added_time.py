"""Measure the time that the server adds to a model's own time for an inline completion.

The installed server runs over stdio, with a provider on loopback (``benchmarks.provider``) that answers at
once, and files of 100, 1,000, 5,000 and 20,000 lines. *before*: from the first byte of the client's request
until the provider receives its request; *after*: from the end of the provider's answer until the client
receives the response; *added*: the sum. Each request is at a new place with new text, so no cache helps.
*processor*: the server's processor time for a request and the two changes of the document that go with it.
``python -m benchmarks.added_time [--requests N]``
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

from tests.support.lsp_client import LspClient

from .common import percentile, processor_ms, save, table
from .provider import TimedProvider, timed_server

FUNCTION = '''def function_{n}(first, second={n}):
    """Return something about {n}."""
    total = first * second + {n}
    for item in range(total):
        total += helper_{n}(item)
    return total


'''
LENGTHS = (100, 1_000, 5_000, 20_000)


def source(lines: int) -> str:
    """Return a Python file of about that many lines."""
    return "".join(FUNCTION.format(n=n) for n in range(lines // 8))


def open_source(client: LspClient, lines: int) -> tuple[str, int]:
    """Open such a file; return its address and the start of a line in its middle, inside a function."""
    text = source(lines)
    uri = client.open(f"file:///bench/file_{lines}.py", text)
    return uri, text.index("    return total\n\n\n", len(text) // 2)


async def measure(
    client: LspClient, provider: TimedProvider, lines: int, requests: int
) -> dict[str, list[float]]:
    """Return the times in milliseconds for one length."""
    uri, place = open_source(client, lines)
    times: dict[str, list[float]] = {"before": [], "after": [], "added": []}
    used = 0.0
    for number in range(requests + 5):
        if number == 5:
            used = processor_ms(client.process.pid)
        line = f"    value_{number} = "
        client.insert(uri, place, line)
        place += len(line)
        await asyncio.sleep(0.02)  # the work for the keystroke is done before the request arrives
        items, before, after = await provider.around(client.inline(uri, place, 1))
        assert items, client.messages()
        if number >= 5:
            times["before"].append(before)
            times["after"].append(after)
            times["added"].append(before + after)
        client.insert(uri, place, f"{number}\n")
        place += len(f"{number}\n")
    times["processor"] = [(processor_ms(client.process.pid) - used) / requests]
    client.close_document(uri)
    return times


async def run(requests: int) -> dict[str, Any]:
    """Measure all lengths."""
    result: dict[str, Any] = {}
    settings = "[complete]\ncandidates = 1\nbudgetMs = 60000\n"
    async with timed_server(settings) as (client, provider):
        for lines in LENGTHS:
            times = await measure(client, provider, lines, requests)
            result[str(lines)] = {
                name: {"p50": percentile(values, 0.5), "p99": percentile(values, 0.99)}
                for name, values in times.items()
            }
    return result


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    requests = parser.parse_args().requests
    result = asyncio.run(run(requests))
    rows = [
        [
            lines,
            *(row[part][p] for part in ("before", "after", "added") for p in ("p50", "p99")),
            row["processor"]["p50"],
        ]
        for lines, row in result.items()
    ]
    header = ["lines", "before p50", "p99", "after p50", "p99", "added p50", "p99", "processor"]
    table("added to the provider's own time, ms", header, rows)
    save("added-time", {"requests": requests, "lines": result})


if __name__ == "__main__":
    main()
