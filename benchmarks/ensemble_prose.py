"""Measure removed duplicates and lost sentences in merged explanations, on 100 hand-labelled pairs.

``python -m benchmarks.ensemble_prose --data ../shared/data``. ``tests/data/sentence_pairs.jsonl`` names each pair
by the question's id, the models and the sentences' digests: the sentences stay in the published set
(Arena-Hard v0.1, lmarena/arena-hard-auto). ``same``: dropping one loses nothing; ``contradicts``: they differ
only in a number, a name or a negation; ``distinct``: everything else.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import percentile, save, table
from ensemble_lsp.consensus.prose import merge_prose
from ensemble_lsp.consensus.sentence_similarity import (
    Corpus,
    Relation,
    Sentence,
    sentence_of,
)
from ensemble_lsp.consensus.sentences import split_blocks
from ensemble_lsp.consensus.votes import Vote
from ensemble_lsp.postprocess import clean_prose

PAIRS = Path(__file__).parent.parent / "tests" / "data" / "sentence_pairs.jsonl"
CHOOSING = PAIRS.with_name("sentence_pairs_choosing.jsonl")
"""Pairs from other questions, used to choose the thresholds."""
MODELS = ("gpt-4-0314", "gpt-4-0613", "gpt-3.5-turbo-0125")


def read(folder: Path) -> dict[str, dict[str, str]]:
    """Return the text of the answers by model and question."""
    found: dict[str, dict[str, str]] = {}
    for model in MODELS:
        with gzip.open(folder / f"{model}.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        found[model] = {r["uid"]: _text(r["messages"][-1]["content"]) for r in rows}
    return found


def _text(content: Any) -> str:
    return clean_prose(content["answer"] if isinstance(content, dict) else content)


def digest(sentence: str) -> str:
    return hashlib.sha256(sentence.encode()).hexdigest()[:12]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    folder = parser.parse_args(arguments).data / "arena-hard-answers"
    if not folder.is_dir():
        print(f"{folder} is missing: nothing measured.")
        return 0
    answers = read(folder)
    result = {
        "pairs": _pairs(answers, PAIRS),
        "choosing": _pairs(answers, CHOOSING),
        "merges": _merges(answers),
    }
    print(save("ensemble-prose", result))
    return 0


def compared(answers: dict[str, dict[str, str]], path: Path) -> Iterator[tuple[str, Relation]]:
    """Return the label of each pair, and its fate in the merge of the question's three answers."""
    for line in path.read_text(encoding="utf-8").splitlines():
        pair = json.loads(line)
        said = {m: _sentences(answers[m][pair["question"]]) for m in MODELS}
        gathering = Corpus(s for found in said.values() for s in found)
        (ones, i), (others, j) = (_place(said, pair[k]) for k in ("one", "other"))
        yield pair["label"], gathering.relations(ones, others)[i][j][0]


def _sentences(text: str) -> list[Sentence]:
    return [sentence_of(s) for b in split_blocks(text) for s in b.sentences]


def _place(said: dict[str, list[Sentence]], place: dict[str, str]) -> tuple[list[Sentence], int]:
    """Return all sentences of the answer and the index of the one with this digest."""
    found = said[place["model"]]
    return found, next(i for i, s in enumerate(found) if digest(s.text) == place["sentence"])


def _pairs(answers: dict[str, dict[str, str]], path: Path) -> dict[str, Any]:
    said: dict[str, list[str]] = {"same": [], "distinct": [], "contradicts": []}
    for label, relation in compared(answers, path):
        said[label].append(relation)
    different = [*said["distinct"], *said["contradicts"]]
    alike = [*said["same"], *said["distinct"]]
    result = {
        "removed": said["same"].count("same") / len(said["same"]),
        "lost": different.count("same") / len(different),
        "false contradictions": alike.count("contradicts") / len(alike),
    }
    if shown := said["contradicts"]:
        result["contradictions shown"] = shown.count("contradicts") / len(shown)
    rows = [[k, f"{v:.3f}"] for k, v in result.items()]
    counts = ", ".join(f"{len(v)} {k}" for k, v in said.items())
    table(f"{path.name}: {counts}", ("share", "value"), rows)
    return result


def _merges(answers: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Merge the answers to all 500 questions; return the times and the shortening."""
    times, shares = [], []
    for question in answers[MODELS[0]]:
        given = [Vote(m, answers[m][question], 0.6 - 0.1 * i) for i, m in enumerate(MODELS)]
        start = time.perf_counter()
        merged = merge_prose(given)
        times.append((time.perf_counter() - start) * 1e3)
        shares.append(len(merged.markdown) / max(1, sum(len(a.text) for a in given)))
    result = {
        "median ms": percentile(times, 0.5),
        "p95 ms": percentile(times, 0.95),
        "length of the three together": percentile(shares, 0.5),
    }
    table("500 questions, three answers merged", ("", "value"), [[k, v] for k, v in result.items()])
    return result


if __name__ == "__main__":
    sys.exit(main())
