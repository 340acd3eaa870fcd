"""Measure the time from ``$/cancelRequest`` until the provider sees its connection close.

The installed server runs over stdio. The provider on loopback streams slowly without end, in OpenAI's and in
Anthropic's format. ``python -m benchmarks.cancel [--requests N]``
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.support.lsp_client import LspError, running_server
from tests.support.providers import LoopbackProvider, running

from .common import percentile, save, table


async def measure(provider_kind: str, requests: int) -> list[float]:
    """Return milliseconds, one value per request."""
    times: list[float] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        running(LoopbackProvider(reply="value + " * 500, delay_chunk=0.005)) as provider,
    ):
        home = Path(folder)
        url = provider.base_url if provider_kind == "openai" else provider.origin
        (home / "config.toml").write_text(
            f'[[models]]\nname = "m"\nprovider = "{provider_kind}"\nmodel = "m"\n'
            f'baseUrl = "{url}"\n[complete]\ncandidates = 1\nbudgetMs = 60000\n'
        )
        keys = {"ANTHROPIC_API_KEY": "sk-test"}
        async with running_server(home, env=keys) as client:
            await client.initialize()
            uri = client.open("file:///bench/a.py", "")
            for number in range(requests + 3):
                client.append(uri, f"value_{number} = ")
                seen = len(provider.requests)
                id_, future = client.start_inline(uri)
                await provider.until(lambda p, n=seen: len(p.requests) > n and p.requests[n].sent)
                request = provider.requests[seen]
                start = time.monotonic()
                client.cancel(id_)
                await provider.until(lambda p, r=request: r.closed_at or r.finished_at)
                try:
                    await asyncio.wait_for(future, 10)
                except LspError as error:
                    assert error.code == -32800, error
                assert request.closed_at is not None
                if number >= 3:
                    times.append((request.closed_at - start) * 1e3)
                client.append(uri, "0\n")
    return times


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    requests = parser.parse_args().requests
    result: dict[str, Any] = {}
    for kind in ("openai", "anthropic"):
        times = asyncio.run(measure(kind, requests))
        result[kind] = {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99)}
    rows = [[kind, row["p50"], row["p99"]] for kind, row in result.items()]
    table("from $/cancelRequest to the closed connection, ms", ["provider", "p50", "p99"], rows)
    save("cancel", {"requests": requests, **result})


if __name__ == "__main__":
    main()
