"""Measure the cost of replacing secrets in a prompt, and the false positives in ordinary code.

python -m benchmarks.redaction [--files 400]
"""

from __future__ import annotations

import argparse
import random
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

from ensemble_lsp.context.secret_redaction import Redactor

from .common import percentile

PROMPT = 8000
"""Characters of the longest prompt for a completion."""
KEYSTROKES = 10


def windows(files: int) -> Iterator[str]:
    """Return passages of Python's standard library, one per file."""
    rng = random.Random(1)
    found = [
        path
        for path in Path(sysconfig.get_path("stdlib")).rglob("*.py")
        if not {"site-packages", "test", "tests", "idlelib"} & set(path.parts)
    ]
    for path in rng.sample(sorted(found), min(files, len(found))):
        text = path.read_text(encoding="utf-8", errors="replace")
        if len(text) > PROMPT:
            start = rng.randrange(len(text) - PROMPT)
            yield text[start : start + PROMPT]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=400)
    redactor, begun = Redactor(), time.perf_counter()
    redactor.redact("")
    print(f"loading: {(time.perf_counter() - begun) * 1e3:.0f} ms, in a thread")
    first: list[float] = []
    typing: list[float] = []
    replaced: list[str] = []
    for shown in windows(parser.parse_args().files):
        text = shown
        begun = time.thread_time()
        clean, count = redactor.redact(text)
        first.append((time.thread_time() - begun) * 1e3)
        if count:
            kept = set(clean.split("\n"))
            replaced += [line.strip() for line in text.split("\n") if line not in kept]
        for key in "a_name = 1"[:KEYSTROKES]:
            middle = PROMPT * 2 // 3
            text = text[:middle] + key + text[middle:]
            begun = time.thread_time()
            redactor.redact(text)
            typing.append((time.thread_time() - begun) * 1e3)
    for name, values in (("a new prompt", first), ("the next keystroke's", typing)):
        told = ", ".join(f"p{p} {percentile(values, p / 100):.2f} ms" for p in (50, 99))
        print(f"{name}, {PROMPT} characters: {told} of a processor's time")
    print(f"lines changed in {len(first)} passages of the standard library: {len(replaced)}")
    for line in replaced[:40]:
        print("   ", line[:100])


if __name__ == "__main__":
    main()
