"""Measure the time from start to the response to ``initialize``, compared with a bare pygls server.

Both are started alternately, many times in one run, so that other load on the machine affects both. The
result is the ratio of the medians. ``python -m benchmarks.startup [--runs N]``
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .common import percentile, save, table

BARE = """
from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("bare", "1")


@server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
async def complete(ls: LanguageServer, params: types.InlineCompletionParams):
    return types.InlineCompletionList(items=[])


@server.feature(types.TEXT_DOCUMENT_HOVER)
async def hover(ls: LanguageServer, params: types.HoverParams):
    return None


server.start_io()
"""

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "processId": None,
        "rootUri": None,
        "capabilities": {
            "textDocument": {"inlineCompletion": {}, "hover": {}},
            "workspace": {"configuration": True},
        },
    },
}


def once(command: list[str]) -> float:
    """Return milliseconds from the start of the process to the first response."""
    body = json.dumps(INITIALIZE).encode()
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        process.stdin.flush()
        header = process.stdout.readline()
        taken = (time.perf_counter() - start) * 1e3
        assert header.startswith(b"Content-Length"), header
        process.kill()
    return taken


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=25)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        bare = Path(folder) / "bare.py"
        bare.write_text(BARE)
        commands = {
            "bare pygls": [sys.executable, str(bare)],
            "ensemble-lsp": [sys.executable, "-m", "ensemble_lsp"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for command in commands.values():
            once(command)  # compiles the byte code
        for _ in range(runs):
            for name, command in commands.items():
                times[name].append(once(command))
    medians = {name: percentile(values, 0.5) for name, values in times.items()}
    ratio = medians["ensemble-lsp"] / medians["bare pygls"]
    rows = [[name, medians[name], percentile(times[name], 0.9)] for name in commands]
    table("start to the answer of initialize, ms", ["server", "median", "p90"], rows)
    print(f"ratio of the medians: {ratio:.3f} (at most 1.15)")
    save("startup", {"runs": runs, "medians": medians, "ratio": ratio})


if __name__ == "__main__":
    main()
