"""Measure whether the edits just made help or harm completions: the same requests without and with them.

The places are those where the commits of a repository change a line that is related to the commit's other
changes: all of these are made, the line is cut at a random column as if it were just being typed, and the
rest of the line is asked for, through the path of an editor's request. *exact*: equal except for white
space at the ends. *edit*: normalised Levenshtein similarity. *better*, *worse*: places at which the
similarity rises or falls with the edits. ``python -m benchmarks.complete_after_edits [--models smollm2]
[--samples N] [--repository DIR]``
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rapidfuzz.distance import Levenshtein

from ensemble_lsp.completion import Completer, CompletionRequest
from ensemble_lsp.evaluation.edit_cases import CommitCase
from ensemble_lsp.evaluation.edit_scenario import make_edits
from ensemble_lsp.evaluation.edit_selection import select_edits
from ensemble_lsp.evaluation.source_files import survey
from ensemble_lsp.next_edit.recent_passages import RecentPassages
from ensemble_lsp.providers.llamacpp.local_prompts import PromptWindow
from ensemble_lsp.types import Document, Position

from .common import save, table
from .completion_quality import app_with

_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Place:
    """A cut line."""

    case: CommitCase
    document: Document
    cursor: Position
    expected: str


def places(repository: Path, samples: int) -> Iterator[Place]:
    """Yield a place for each case whose wanted edit writes a line of code."""
    chance = random.Random(8)
    found = select_edits(survey([repository]), samples, kinds=("nearby", "moved"))
    for case in found.cases:
        edit = found.edits[case.id]
        lines = case.reference.splitlines()
        line = next((one for one in lines if len(one.strip()) > 12), None)
        if line is None:
            continue
        indent = len(line) - len(line.lstrip())
        column = chance.randrange(indent + 4, len(line.rstrip()) - 3)
        # The lines of the edit above the cut one are there; those below are not written yet.
        above = "".join(f"{one}\n" for one in lines[: lines.index(line)])
        text = f"{above}{line[:column]}\n"
        document = edit.document.replace(case.hole, text, 99)
        cursor = Position(case.hole.start.line + above.count("\n"), column)
        yield Place(edit, document, cursor, line[column:].strip())


async def measure(model: str, home: Path, found: list[Place]) -> dict[str, Any]:
    """Ask for every place twice, with related passages in any case.

    The embedded model reads them only on a machine that is fast enough.
    """
    PromptWindow.fast = property(lambda window: True)
    pairs: list[tuple[float, float]] = []
    exact = [0, 0]
    with_edits = 0
    async with app_with(model, home) as app:
        completer, context = Completer(), app.workspace.context
        for place in found:
            history, documents = await asyncio.to_thread(make_edits, place.case)
            for document in documents.recent():
                app.workspace.documents.open(document.uri, 1, document.language, document.text)
            uri = place.document.uri
            document = app.workspace.documents.open(
                uri, 2, place.document.language, place.document.text
            )
            await context.settle()
            passages = RecentPassages(history)
            with_edits += bool(
                passages(context, document, (-1, -1), app.models_for("complete")[0].profile)
            )
            values: list[float] = []
            for number, recent in enumerate((None, passages)):
                context.recently_edited = recent
                request = CompletionRequest(
                    replace(document), place.cursor, "invoked", model=model, candidates=1
                )
                offered = await completer.complete(app, request)
                text = offered[0].text.strip() if offered else ""
                exact[number] += text == place.expected
                values.append(Levenshtein.normalized_similarity(text, place.expected))
                completer.close()
                await completer.settled()
                completer = Completer()
            pairs.append((values[0], values[1]))
            print(f"{len(pairs)}/{len(found)}: {values[0]:.2f} {values[1]:.2f}", file=sys.stderr)
            for opened in documents.recent():
                app.workspace.documents.close(opened.uri)
    count = max(1, len(pairs))
    return {
        "places": len(pairs),
        "with edits": with_edits,
        "exact without": exact[0] / count,
        "exact with": exact[1] / count,
        "edit without": sum(one for one, _ in pairs) / count,
        "edit with": sum(other for _, other in pairs) / count,
        "better": sum(other > one for one, other in pairs),
        "worse": sum(other < one for one, other in pairs),
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="smollm2")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--repository", type=Path, default=_ROOT / "server")
    options = parser.parse_args()
    found = list(places(options.repository.absolute(), options.samples))
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for model in options.models.split(","):
            result[model] = asyncio.run(measure(model, Path(folder) / model, found))
    header = list(next(iter(result.values())))
    rows = [[name, *(row[key] for key in header)] for name, row in result.items()]
    table("Completions after edits", ["model", *header], rows)
    print(save("complete-after-edits", result))


if __name__ == "__main__":
    main()
