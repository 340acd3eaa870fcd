"""Measure how recall reads a large workspace from disk, and whether typing stays fast meanwhile.

A folder of 50,000 files is made: Python sources of 40 lines, and among them huge, minified, generated, binary, vendored and
ignored files. *read*: the time and memory of finding, checking and reading them, in a separate process. *ready*: from the
server's start until it completes from a file that was never opened. *typing*: the time of an inline completion at each
keystroke in another file, while the server reads and after it.
``python -m benchmarks.recall_files [--files N]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from tests.support.lsp_client import LspClient, running_server
from tests.support.recalled_code import CART, SHOP

from .common import percentile, save, table

SOURCE = "".join(
    f"def function_{{n}}_{k}(first, second={k}):\n    total_{{n}} = first * second + {k}\n"
    f"    for item in range(total_{{n}}):\n        total_{{n}} += helper_{{n}}(item)\n    return total_{{n}}\n"
    for k in range(8)
)
TYPED = (
    "total = first * second + 1\n    for item in range(total):\n        total += helper(item)\n    "
)
READ = """
import json, psutil, sys, time
from pathlib import Path
from ensemble_lsp.context.content_exclusion import PrivacyFilter
from ensemble_lsp.context.workspace_files import read_source_files
memory = psutil.Process().memory_info
before, start = memory().rss, time.perf_counter()
folder = Path(sys.argv[1])
files = read_source_files([folder], PrivacyFilter([folder]))
print(json.dumps({"seconds": time.perf_counter() - start, "files": len(files),
    "lines": sum(f.text.count("\\n") for f in files),
    "mb": (memory().rss - before) / 2**20}))
"""


def make(folder: Path, files: int) -> None:
    """Write the workspace: a hundred files a folder, one in ten of a kind that recall leaves out."""
    others = (
        ("huge.py", "x = 1\n" * 20_000),
        ("bundle.js", "var a=1;" * 10_000),
        ("made.py", "# Generated code. DO NOT EDIT.\n" + SOURCE.format(n=0)),
        ("zeros.py", "x = 1\n\0"),
        ("ignored.py", SOURCE.format(n=1)),
    )
    (folder / ".gitignore").write_text("*ignored.py\n")
    for number in range(files):
        home = folder / ("vendor" if number % 20 == 19 else "src") / f"part_{number // 100}"
        home.mkdir(parents=True, exist_ok=True)
        if number % 10 == 0:
            name, text = others[number // 10 % len(others)]
            (home / f"f{number}_{name}").write_text(text)
        else:
            (home / f"f{number}.py").write_text(SOURCE.format(n=number))
    (folder / "shop.py").write_text(SHOP)


async def type_text(client: LspClient, uri: str, place: int, seconds: float) -> list[float]:
    """Type into a document for some seconds; return the milliseconds of each automatic completion."""
    times: list[float] = []
    end = time.monotonic() + seconds
    number = 0
    while time.monotonic() < end:
        client.insert(uri, place, TYPED[number % len(TYPED)])
        place, number = place + 1, number + 1
        start = time.monotonic()
        await client.inline(uri, place, 2)
        times.append((time.monotonic() - start) * 1e3)
        await asyncio.sleep(0.05)
    return times


async def serve(folder: Path, home: Path) -> dict[str, Any]:
    """Measure the server on the workspace."""
    (home / "config.toml").write_text(
        '[[models]]\nname = "recall"\nprovider = "recall"\n[complete]\ndebounceMs = 0\n[nextEdit]\nenabled = false\n'
    )
    async with running_server(home) as client:
        start = time.monotonic()
        await client.initialize(folder)
        typed = client.open((folder / "typed.py").as_uri(), "def work(first, second):\n    ")
        asked = client.open((folder / "cart.py").as_uri(), CART)
        during: list[float] = []
        while not await client.inline(asked):
            during += await type_text(client, typed, 0, 0.5)
            if time.monotonic() - start > 300:
                raise TimeoutError("recall never completed from the file on disk")
        ready = time.monotonic() - start
        await asyncio.sleep(5)
        after = await type_text(client, typed, 0, 10)
        rss = psutil.Process(client.process.pid).memory_info().rss / 2**20
    return {"ready": ready, "during": during, "after": after, "rss": rss}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=50_000)
    count = parser.parse_args().files
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as home:
        folder, empty = Path(name), Path(home) / "empty"
        make(folder, count)
        command = [sys.executable, "-c", READ, str(folder)]
        read = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        empty.mkdir()
        (empty / "shop.py").write_text(SHOP)
        result: dict[str, Any] = {"read": read}
        for kind, workspace in (("small", empty), ("large", folder)):
            data = Path(home) / kind
            data.mkdir()
            result[kind] = asyncio.run(serve(workspace, data))
    rows = [
        [
            {"small": "1 file", "large": f"{count:,} files"}[kind],
            result[kind]["ready"],
            *(
                percentile(result[kind][part], p) if result[kind][part] else "–"
                for part in ("during", "after")
                for p in (0.5, 0.99)
            ),
            result[kind]["rss"],
        ]
        for kind in ("small", "large")
    ]
    title = "{files:,} files with {lines:,} lines read in {seconds:.2f} s, {mb:.0f} MB".format(
        **read
    )
    header = ["workspace", "ready, s", "typing p50, ms", "p99", "later p50", "p99", "MB"]
    table(title, header, rows)
    save("recall-files", result)


if __name__ == "__main__":
    main()
