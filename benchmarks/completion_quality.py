"""Measure the quality of completions on published fill-in-the-middle tasks and on masked lines of real files.

Every answer takes the path of an invoked request from an editor (window, context, model, post-processing),
with a single model. *HumanEval infilling* (OpenAI, single and multi line; ``--data``): the canonical
lines are the reference. *Masked lines*: lines from packages of the standard library, cut at a random
column; the other files of the package are open (with context) or not (without). *raw*: the same answer
before post-processing, cut to the same number of lines. *exact*: equal except for white space at the ends.
*edit*: normalised Levenshtein similarity (rapidfuzz), 0 if there is no answer.
``python -m benchmarks.completion_quality [--models recall,smollm2] [--samples N] [--data DIR]
[--sets NAME]``
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import logging
import random
import sysconfig
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rapidfuzz.distance import Levenshtein

from ensemble_lsp.app import AppContext, open_app
from ensemble_lsp.completion import Completer, CompletionRequest
from ensemble_lsp.completion.request import CompletionRun
from ensemble_lsp.types import Position

from .common import save, table

log = logging.getLogger("benchmarks.completion_quality")
PACKAGES = ("email", "json", "logging", "unittest", "http", "xml", "asyncio", "importlib")


@dataclass(frozen=True, slots=True)
class Case:
    """A masked span in a file, its original text, and the other files of the package."""

    name: str
    prefix: str
    suffix: str
    expected: str
    others: tuple[Path, ...] = ()


@dataclass(slots=True)
class Score:
    """Sums over the cases of one set."""

    cases: int = 0
    answered: int = 0
    exact: int = 0
    edit: float = 0.0
    raw_exact: int = 0
    lost: list[str] = field(default_factory=list[str])
    """Cases that were right before post-processing and wrong after it."""

    def add(self, case: Case, text: str, raw: str) -> None:
        """Count one answer."""
        expected = case.expected.strip()
        self.cases += 1
        self.answered += bool(text.strip())
        self.exact += text.strip() == expected
        self.edit += Levenshtein.normalized_similarity(text.strip(), expected)
        self.raw_exact += raw.strip() == expected
        if raw.strip() == expected != text.strip():
            self.lost.append(case.name)

    def shares(self) -> dict[str, Any]:
        """Return the figures of all cases."""
        count = max(1, self.cases)
        return {
            "cases": self.cases,
            "answered": self.answered / count,
            "exact": self.exact / count,
            "edit": self.edit / count,
            "raw_exact": self.raw_exact / count,
            "lost": self.lost,
        }


def humaneval(data: Path, kind: str, samples: int) -> list[Case]:
    """Return a fixed sample of the published infilling tasks.

    A span of several lines becomes an empty line, as in an editor, where the cursor requests a block. A span of
    a single line is requested at the start of the line below it, where the cursor requests the rest of a line.
    """
    empty = "\n" if kind == "MultiLine" else ""
    path = data / "humaneval-infilling" / f"HumanEval-{kind}Infilling.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    chosen = random.Random(5).sample(rows, min(samples, len(rows)))
    return [
        Case(r["task_id"], r["prompt"], empty + r["suffix"], r["canonical_solution"])
        for r in chosen
    ]


def masked(samples: int) -> list[Case]:
    """Return lines of real files, cut at a random column."""
    chance = random.Random(6)
    library = Path(sysconfig.get_path("stdlib"))
    files = {
        p: tuple(sorted((library / p).rglob("*.py"))[:40])
        for p in PACKAGES
        if (library / p).is_dir()
    }
    cases: list[Case] = []
    while len(cases) < samples:
        package = chance.choice(sorted(files))
        path = chance.choice(files[package])
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        number = chance.randrange(len(lines)) if len(lines) > 30 else 0
        text = lines[number].rstrip() if lines else ""
        if len(text.strip()) < 8 or text.lstrip().startswith(("#", '"', "'")):
            continue
        indent = len(text) - len(text.lstrip())
        column = chance.randrange(indent, len(text) - 2)
        others = tuple(other for other in files[package] if other != path)
        prefix = "".join(lines[:number]) + text[:column]
        suffix = "\n" + "".join(lines[number + 1 :])
        cases.append(
            Case(f"{path.name}:{number + 1}:{column}", prefix, suffix, text[column:], others)
        )
    return cases


@asynccontextmanager
async def app_with(model: str, home: Path) -> AsyncGenerator[AppContext]:
    """Build an app with a single model in its own home folder, with the weights of ``models add``."""
    from ensemble_lsp.settings import default_data_dir

    home.mkdir(exist_ok=True)
    provider = "recall" if model == "recall" else "llamacpp"
    path = default_data_dir() / "models" / f"{model}.gguf"
    given = "" if model == "recall" else f"model = {json.dumps(str(path))}\n"
    config = home / "config.toml"
    config.write_text(
        f'[[models]]\nname = "{model}"\nprovider = "{provider}"\n{given}timeout = 120\n'
        "[complete]\nbudgetMs = 60000\n"
    )
    app = await open_app(config_path=config, data_dir=home / "data", env={})
    try:
        yield app
    finally:
        await app.close()


class Recorder:
    """Keeps the answer before post-processing for the comparison."""

    def __init__(self) -> None:
        self.raw = ""
        self._clean = CompletionRun.clean

    def __enter__(self) -> Recorder:
        original, recorder = self._clean, self

        def clean(job: CompletionRun, text: str, finish: str = "stop", **options: Any) -> str:
            recorder.raw = text
            return original(job, text, finish, **options)

        CompletionRun.clean = clean
        return self

    def __exit__(self, *_: object) -> None:
        CompletionRun.clean = self._clean


async def score(model: str, home: Path, cases: list[Case], *, context: bool) -> Score:
    """Request a completion for every case."""
    result = Score()
    async with app_with(model, home) as app:
        completer, documents = Completer(), app.workspace.documents
        opened: set[Path] = set()
        for number, case in enumerate(cases):
            for path in opened - set(case.others):
                documents.close(path.as_uri())
            opened &= set(case.others)
            for path in case.others if context else ():
                if path not in opened:
                    text = path.read_text(encoding="utf-8", errors="replace")
                    documents.open(path.as_uri(), 1, "python", text)
                    opened.add(path)
            uri = f"file:///bench/case_{number}.py"
            document = documents.open(uri, 1, "python", case.prefix + case.suffix)
            while app.workspace.recall.work(1000):
                await asyncio.sleep(0)
            last = case.prefix.rfind("\n") + 1
            position = Position(case.prefix.count("\n"), len(case.prefix) - last)
            with Recorder() as recorder:
                request = CompletionRequest(
                    document, position, "invoked", model=model, candidates=1
                )
                offered = await completer.complete(app, request)
            text = offered[0].text if offered else ""
            log.info("%s\n  wanted %r\n  offered %r", case.name, case.expected, text)
            lines = case.expected.strip("\n").count("\n") + 1
            result.add(case, text, "\n".join(recorder.raw.strip("\n").split("\n")[:lines]))
            documents.close(uri)
        completer.close()
        await completer.settled()
    return result


def sets(data: Path, samples: int) -> Iterator[tuple[str, list[Case], bool]]:
    """Return the sets by name, and whether other files are open."""
    for kind, name in (("SingleLine", "HumanEval single line"), ("MultiLine", "… multi line")):
        if (data / "humaneval-infilling").is_dir():
            yield name, humaneval(data, kind, samples), False
    cases = masked(samples)
    yield "masked lines, with context", cases, True
    yield "masked lines, without", cases, False


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--verbose", action="store_true", help="show every case")
    parser.add_argument("--models", default="recall,smollm2")
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", default="", help="only sets whose names contain this")
    args = parser.parse_args()
    if args.verbose:
        logging.basicConfig(format="%(message)s")
        log.setLevel(logging.INFO)
    result: dict[str, dict[str, Any]] = {}
    rows: list[list[Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for model in args.models.split(","):
            for name, cases, context in sets(args.data, args.samples):
                if args.sets not in name:
                    continue
                home = Path(folder) / model
                shares = asyncio.run(score(model, home, cases, context=context)).shares()
                result.setdefault(model, {})[name] = shares
                save("completion-quality", result)  # a set can take minutes
                rows.append(
                    [
                        f"{model}: {name}",
                        shares["cases"],
                        *(f"{shares[k]:.1%}" for k in ("answered", "exact", "raw_exact")),
                        shares["edit"],
                        len(shares["lost"]),
                    ]
                )
    header = ["model and set", "cases", "answered", "exact", "exact, raw", "edit", "lost"]
    table("quality of completions", header, rows)


if __name__ == "__main__":
    main()
