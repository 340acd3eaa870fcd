"""Measure the quality and the speed of ``recall`` on masked lines of real code.

    python -m benchmarks.recall_quality [--samples 400] [--half test] [--scale] [--json FILE]
    python -m benchmarks.recall_quality --place written --repository . --packages FOLDER

A workspace is one package (up to 10,000 lines) of the standard library or of the installed
packages. A line of code is cut at a random column and its rest is removed, as during typing. The index
contains everything else of the file and the package ("masked"); or the ten lines below the cursor
are removed too ("new"). ``--place written`` takes the lines that later commits and releases added, with
the earlier tree as the workspace (``recall_written.py``). "Baseline" copies the rest of the line after the
longest suffix of the prefix that also occurs elsewhere in the same file, else in the others.
Packages are assigned alternately to a half for tuning (dev) and a half for testing (test); the
standard library's top-level modules are a third set (held). ``--fit`` prints confidence weights that
are fitted to the chosen half. Times are processor times of the thread, which a busy machine changes
only a little.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import random
import sys
import sysconfig
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.recall_results import (
    Result,
    fit,
    percentile,
    reliability,
    summary,
    table,
    table_by_threshold,
)
from ensemble_lsp.providers.recall.predict import Prediction
from ensemble_lsp.providers.recall.recall_model import THRESHOLD
from ensemble_lsp.providers.recall.token_index import RecallIndex
from ensemble_lsp.types import Document, Edit, Position, Span

STDLIB = (
    *("asyncio", "email", "unittest", "multiprocessing", "logging", "xml", "idlelib"),
    *("importlib", "http", "json", "concurrent", "ctypes", "distutils", "tkinter", "urllib"),
    *("sqlite3", "encodings", "wsgiref", "curses", "dbm"),
)
INSTALLED = (
    *("openai", "anthropic", "httpx2", "pydantic", "pygls", "hypothesis", "attr", "rich"),
    *("aiohttp", "aiohappyeyeballs", "anyio", "click", "pytest_asyncio", "_pytest"),
    *("fontTools/misc", "grimp", "hatchling", "httpcore2", "jsonschema", "keyring"),
    *("markdown_it", "more_itertools", "packaging", "pathspec", "platformdirs", "psutil"),
    *("referencing", "tomlkit", "cattrs", "h11", "yarl", "radon", "importlinter", "lsprotocol"),
)
MODULES = ("[_a-c]*.py", "[d-i]*.py", "[j-p]*.py", "[q-z]*.py")
MOST_LINES = 10_000
GONE = 10


def packages(root: Path, names: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Yield package names and the texts of their files by URI."""
    found: list[tuple[str, dict[str, str]]] = []
    for name in names:
        paths = root.glob(name) if "*" in name else (root / name).rglob("*.py")
        files = [f for f in sorted(paths) if "vendor" not in str(f)]
        files = [f for f in files if "test" not in f.relative_to(root).parts]
        random.Random(7).shuffle(files)
        texts: dict[str, str] = {}
        total = 0
        for file in files:
            text = file.read_text(encoding="utf-8", errors="replace")
            lines = text.count("\n")
            if 5 <= lines <= 3000 and total + lines <= MOST_LINES:
                texts[file.as_uri()] = text
                total += lines
        if total > 300:
            found.append((name, texts))
    return found


def code_lines(text: str) -> list[int]:
    """Return the numbers of the lines with code: no docstring, no comment, at least 8 characters."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return []
    strings: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            strings.update(range(node.lineno - 1, (node.end_lineno or node.lineno)))
    lines = text.split("\n")
    return [
        i
        for i, line in enumerate(lines)
        if i not in strings and 8 <= len(line.strip()) < 200 and not line.strip().startswith("#")
    ]


def longest_suffix_copy(prefix: str, sources: Sequence[str]) -> str:
    """Return the answer of the baseline."""
    best, copied = 0, ""
    for source in sources:
        low, high = best + 1, min(len(prefix), 300)
        while low <= high:
            middle = (low + high) // 2
            at = source.rfind(prefix[-middle:])
            if at < 0:
                high = middle - 1
                continue
            low, best = middle + 1, middle
            copied = source[at + middle :].partition("\n")[0]
    return copied


def predicted(
    name: str,
    index: RecallIndex,
    document: Document,
    at: Position,
    line: str,
    others: str,
    change_ms: float,
) -> Result:
    """Predict the rest of ``line`` at a cursor; ``others`` is the text of the package's other files."""
    prefix = document.slice(Span(Position(0, 0), at))
    suffix = document.slice(Span(at, document.end))
    started = time.thread_time()
    found = index.predict(
        uri=document.uri,
        language="python",
        prefix=prefix,
        suffix=suffix,
        multiline=False,
        max_lines=1,
    )
    predict_ms = (time.thread_time() - started) * 1e3
    best = found[0] if found else Prediction("", 0.0, 0)
    copied = longest_suffix_copy(prefix, [f"{prefix[:-1]}\0\n{suffix}", others])
    return Result(
        name,
        line[at.column :],
        best.text,
        best.confidence,
        best.features,
        copied.rstrip(),
        predict_ms,
        change_ms,
        head=line[: at.column],
    )


def index_of(texts: dict[str, str]) -> RecallIndex:
    """Return an index of files, by URI."""
    index = RecallIndex()
    for uri, text in texts.items():
        index.add_file(uri, "python", text)
    while index.work():
        pass
    return index


def measure(texts: dict[str, str], name: str, count: int, new: bool) -> Iterator[Result]:
    """Mask lines of one package."""
    index = index_of(texts)
    choice = random.Random(1)
    pool = [(uri, i) for uri, text in texts.items() for i in code_lines(text)]
    opened: dict[str, Document] = {}
    for uri, number in choice.sample(pool, min(count, len(pool))):
        if uri not in opened:
            opened[uri] = Document.from_text(uri, 1, "python", texts[uri])
            index.open(opened[uri])
            while index.work():
                pass
        whole = opened[uri]
        line = whole.line(number).rstrip()
        column = choice.randint(len(line) - len(line.lstrip()), len(line) - 3)
        end = Position(number, len(whole.line(number)))
        if new:
            last = min(number + GONE, len(whole.lines) - 1)
            end = Position(last, len(whole.line(last)))
        span = Span(Position(number, column), end)
        cut = whole.replace(span, "", 2)
        started = time.thread_time()
        index.change(whole, cut, [Edit(span, "")])
        change_ms = (time.thread_time() - started) * 1e3
        others = "\n".join(text for other, text in texts.items() if other != uri)
        yield predicted(name, index, cut, Position(number, column), line, others, change_ms)
        index.change(cut, whole, [Edit(Span(span.start, span.start), whole.slice(span))])


def scale(files: int, lines: int) -> dict[str, float]:
    """Measure time and memory of an index of many open documents, made of lines of the standard library."""
    root = Path(sysconfig.get_paths()["stdlib"])
    pool: list[str] = []
    for file in sorted(root.rglob("*.py")):
        if "test" not in file.parts and "site-packages" not in file.parts:
            pool += file.read_text(encoding="utf-8", errors="replace").split("\n")
        if len(pool) > files * lines:
            break
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    index = RecallIndex()
    documents: list[Document] = []
    for i in range(files):
        text = "\n".join(pool[i * lines : (i + 1) * lines])
        documents.append(Document.from_text(f"file:///{i}.py", 1, "python", text))
        index.open(documents[-1])
        while index.work():
            pass
    memory = (tracemalloc.get_traced_memory()[0] - before) / 1e6
    tracemalloc.stop()
    choice = random.Random(3)
    predict: list[float] = []
    change: list[float] = []
    for _ in range(300):
        document = choice.choice(documents)
        number = choice.randrange(len(document.lines) - 1)
        column = choice.randint(0, len(document.line(number)))
        span = Span(Position(number, column), Position(number, len(document.line(number))))
        cut = document.replace(span, "")
        started = time.thread_time()
        index.change(document, cut, [Edit(span, "")])
        change.append((time.thread_time() - started) * 1e3)
        started = time.thread_time()
        index.predict(
            uri=document.uri,
            language="python",
            prefix=cut.slice(Span(Position(0, 0), span.start)),
            suffix=cut.slice(Span(span.start, cut.end)),
            multiline=True,
            max_lines=12,
        )
        predict.append((time.thread_time() - started) * 1e3)
        index.change(cut, document, [])
    return {
        "files": files,
        "lines": index.lines,
        "memory MB, texts included": memory,
        "predict p50 CPU ms": percentile(predict, 0.5),
        "predict p99 CPU ms": percentile(predict, 0.99),
        "change p50 CPU ms": percentile(change, 0.5),
        "change p99 CPU ms": percentile(change, 0.99),
    }


def blocks(texts: dict[str, str], count: int) -> list[tuple[int, int]]:
    """Count the further lines in answers at the start of a line, and those of them that are right.

    The file ends at the cursor, so no text below it helps.
    """
    index = index_of(texts)
    choice = random.Random(2)
    pool = [(uri, i) for uri, text in texts.items() for i in code_lines(text)]
    found: list[tuple[int, int]] = []
    for uri, number in choice.sample(pool, min(count, len(pool))):
        lines = texts[uri].split("\n")
        indent = len(lines[number]) - len(lines[number].lstrip())
        prefix = "\n".join([*lines[:number], lines[number][: indent + 4]])
        index.open(Document.from_text(uri, 1, "python", prefix))
        while index.work():
            pass
        best = index.predict(
            uri=uri, language="python", prefix=prefix, suffix="", multiline=True, max_lines=12
        )
        index.close(uri)
        if best and best[0].confidence >= THRESHOLD:
            offered = (prefix + best[0].text).split("\n")[number:]
            truth = lines[number : number + len(offered)]
            right = [a.rstrip() == b.rstrip() for a, b in zip(offered, truth, strict=False)]
            found.append((len(offered) - 1, sum(right[1:])))
    return found


def run_written(options: argparse.Namespace) -> dict[str, object]:
    """Measure code that is being written, and print the results."""
    from benchmarks.recall_written import measure_written, projects

    out: dict[str, object] = {"half": options.half, "place": "written"}
    everything: list[Result] = []
    for name, changes in projects(options.half, options.repository, options.packages):
        results = list(measure_written(name, changes, options.samples))
        everything += results
        out[name] = summary(results)
        table(f"{name}, written, {options.half} half ({len(changes)} changes)", summary(results))
    table("all, written", summary(everything))
    table_by_threshold(everything)
    out["results"] = [asdict(r) for r in everything]
    return out


def run(options: argparse.Namespace) -> dict[str, object]:
    """Measure both corpora and print the results."""
    paths = sysconfig.get_paths()
    out: dict[str, object] = {"half": options.half, "place": options.place}
    everything: list[Result] = []
    extra: list[tuple[int, int]] = []
    corpora = [
        ("standard library", paths["stdlib"], STDLIB),
        ("installed", paths["purelib"], INSTALLED),
    ]
    if options.half == "held":
        corpora = [("top-level modules", paths["stdlib"], MODULES)]
    places = ["masked", "new"] if options.place == "both" else [options.place]
    for corpus, root, names in corpora:
        chosen = packages(Path(root), names)
        if options.half != "held":
            chosen = chosen[options.half == "test" :: 2]
        each = math.ceil(options.samples / len(chosen))
        extra += [pair for _, texts in chosen for pair in blocks(texts, each // 2)]
        for place in places:
            new = place == "new"
            results = [r for n, texts in chosen for r in measure(texts, n, each, new)]
            everything += results
            out[f"{corpus}, {place}"] = summary(results)
            table(
                f"{corpus}, {place}, {options.half} half ({len(chosen)} packages)",
                summary(results),
            )
    print("\nconfidence     n   mean  right")
    for low, n, mean, right in reliability(everything):
        print(f"  from {low}  {n:5}   {mean:.2f}   {right:.2f}")
    out["reliability"] = reliability(everything)
    table_by_threshold(everything)
    longer = [pair for pair in extra if pair[0]]
    lines, right = sum(p[0] for p in longer), sum(p[1] for p in longer)
    print(
        f"\nblocks: {len(longer)} of {len(extra)} answers continue; {right} of {lines} lines right"
    )
    out["blocks"] = {
        "answers": len(extra),
        "with lines": len(longer),
        "lines": lines,
        "right": right,
    }
    if options.fit:
        print("\nweights:", fit(everything))
    out["results"] = [asdict(r) for r in everything]
    return out


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=400, help="masked lines of each corpus")
    parser.add_argument("--half", choices=["dev", "test", "held"], default="test")
    parser.add_argument("--place", choices=["masked", "new", "both", "written"], default="both")
    parser.add_argument("--repository", type=Path, help="written: a git repository, by its commits")
    parser.add_argument("--packages", type=Path, help="written: a folder for released wheels")
    parser.add_argument("--fit", action="store_true", help="print fitted confidence weights")
    parser.add_argument("--scale", action="store_true", help="time 10 and 200 open documents")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    out = run_written(options) if options.place == "written" else run(options)
    for files in (10, 200) if options.scale else ():
        figures = scale(files, 1000)
        out[f"{files} documents"] = figures
        table(f"{files} open documents of 1,000 lines", figures)
    if options.json:
        options.json.write_text(json.dumps(out, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
