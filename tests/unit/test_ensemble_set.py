"""The format of generations that the ensemble's benchmark reads is strict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.ensemble_draws import draw, priors
from benchmarks.ensemble_set import FormatError, assembled, halves, prepare, read

GOOD: dict[str, Any] = {
    "task": "t1",
    "prompt": 'def inc(x):\n    """One more. inc(1) == 2"""\n',
    "suffix": "",
    "examples": None,
    "model": "m",
    "text": "    return x + 1\n",
    "passed": True,
    "prior": None,
    "latency": 1.5,
}


def write(path: Path, *rows: Any) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"passed": 1}, "passed is a int"),
        ({"prior": 2}, "prior is not from 0 to 1"),
        ({"prior": True}, "prior is a bool"),
        ({"latency": -1}, "latency is below 0"),
        ({"text": None}, "text is a NoneType"),
        ({"extra": 1}, "unknown: extra"),
        ({"examples": [{"kind": "equal"}]}, "no list of groups"),
        ({"examples": [[{"kind": "equal", "source": "f(1)"}]]}, "other keys"),
        ({"examples": [[{"kind": "run it", "source": "f(1)", "want": None}]]}, "kind is none of"),
        ({"examples": [[{"kind": "equal", "source": "f(1)", "want": 2}]]}, "neither a text nor"),
    ],
)
def test_a_wrong_line_is_named_with_what_is_wrong(
    tmp_path: Path, change: dict[str, Any], problem: str
) -> None:
    path = write(tmp_path / "set.jsonl", GOOD, {**GOOD, **change})
    with pytest.raises(FormatError, match=f"set.jsonl:2: .*{problem}"):
        read(path)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    row = {k: v for k, v in GOOD.items() if k != "prior"}
    with pytest.raises(FormatError, match="without prior"):
        read(write(tmp_path / "set.jsonl", row))


def test_a_set_is_made_ready_and_drawn_from(tmp_path: Path) -> None:
    models = {"a": True, "b": False, "c": True, "d": False}
    rows = [
        {**GOOD, "task": f"t{n}", "model": m, "passed": ok and n != 3}
        for n in range(8)
        for m, ok in models.items()
    ]
    generations = prepare(write(tmp_path / "set.jsonl", *rows), tmp_path / "c", execute=False)
    chosen, test = halves(generations.samples)
    assert len(chosen) == len(test) == 4
    assert not set(chosen) & set(test)
    known = priors(generations, chosen)
    assert known["a"] > 0.5 > known["b"]
    ensembles = list(draw(generations, known, 2))
    assert {e.size for e in ensembles} == {3}
    assert all(len(set(e.members)) == 3 for e in ensembles)


def test_an_answer_that_writes_the_definition_again_stands_alone() -> None:
    again = "import re\ndef inc(x):\n    return x + 1\n"
    assert assembled(GOOD["prompt"], again, "").count("def inc") == 1
    assert assembled(GOOD["prompt"], GOOD["text"], "") == GOOD["prompt"] + GOOD["text"] + "\n"
