"""Count the model calls while real functions are typed, keystroke by keystroke.

Each of 50 functions of the standard library is typed into its own file. After every keystroke the client
sends an automatic request, as an editor does, and waits for the response. The provider on loopback knows the
rest of the function, or is right half of the time (with a fixed seed). No suggestion is accepted, which is the
worst case for type-through. The report has the model calls per 100 keystrokes and the share of the answered
requests that came from the cache. ``python -m benchmarks.calls_saved [--functions N]``
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
from pathlib import Path
from typing import Any

from tests.support.lsp_client import LspClient, running_server
from tests.support.providers import LoopbackProvider, running

from .common import save, table
from .functions import Written, functions


class Author:
    """A provider that knows the rest of the function, or only half of the time."""

    def __init__(self, right: float) -> None:
        self.right = right
        self.rest = ""
        self._random = random.Random(7)

    def __call__(self, _body: dict[str, Any]) -> str:
        """Return the provider's answer."""
        if self._random.random() < self.right:
            return self.rest
        return "unlikely_name(1)\n"


async def write(
    client: LspClient, provider: LoopbackProvider, author: Author, number: int, one: Written
) -> tuple[int, int, int, int]:
    """Type one function; return keystrokes, answered requests, those from the cache, and model calls."""
    uri = client.open(f"file:///bench/{number}_{one.module}.py", one.before + one.after)
    place, answered, remembered, calls = len(one.before), 0, 0, 0
    for typed, character in enumerate(one.text, 1):
        author.rest = one.text[typed:]
        client.insert(uri, place, character)
        place += 1
        before = len(provider.requests)
        items = await client.inline(uri, place, 2)
        asked = len(provider.requests) - before
        calls += asked
        answered += bool(items)
        remembered += bool(items) and not asked
    client.close_document(uri)
    return len(one.text), answered, remembered, calls


async def run(count: int) -> dict[str, dict[str, float]]:
    """Measure both providers."""
    result: dict[str, dict[str, float]] = {}
    for name, right in (("knows the rest", 1.0), ("right half of the time", 0.5)):
        author = Author(right)
        with (
            tempfile.TemporaryDirectory() as folder,
            running(LoopbackProvider(reply=author)) as provider,
        ):
            home = Path(folder)
            (home / "config.toml").write_text(
                f'[[models]]\nname = "gpt"\nprovider = "openai"\nmodel = "gpt"\n'
                f'baseUrl = "{provider.base_url}"\n[complete]\ndebounceMs = 0\n'
            )
            async with running_server(home) as client:
                await client.initialize()
                totals = [0, 0, 0, 0]
                for number, one in enumerate(functions(count)):
                    done = await write(client, provider, author, number, one)
                    totals = [a + b for a, b in zip(totals, done, strict=True)]
        keystrokes, answered, remembered, calls = totals
        result[name] = {
            "keystrokes": keystrokes,
            "answered": answered,
            "remembered": remembered,
            "calls": calls,
            "calls_per_100": 100 * calls / keystrokes,
            "from_memory": remembered / max(1, answered),
        }
    return result


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--functions", type=int, default=50)
    result = asyncio.run(run(parser.parse_args().functions))
    rows = [
        [
            name,
            int(row["keystrokes"]),
            int(row["answered"]),
            row["calls_per_100"],
            f"{row['from_memory']:.1%}",
        ]
        for name, row in result.items()
    ]
    header = ["the model", "keystrokes", "answered", "calls per 100", "from memory"]
    table("model calls while functions are written", header, rows)
    save("calls-saved", result)


if __name__ == "__main__":
    main()
