"""The format of generations that the ensemble's benchmark reads is strict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.ensemble import main
from benchmarks.ensemble_draws import draw, priors
from benchmarks.ensemble_set import FormatError, assembled, halves, prepare, read, told_apart

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
        ({"passed": 1}, "passed is a number, not true or false"),
        ({"prior": 2}, "prior is not from 0 to 1"),
        ({"prior": True}, "prior is true or false, not a number or null"),
        ({"latency": -1}, "latency is not above 0"),
        ({"latency": float("nan")}, "no JSON: NaN is not a number"),
        ({"latency": float("inf")}, "no JSON: Infinity is not a number"),
        ({"latency": 1e9}, "at most 86400 seconds"),
        ({"prior": float("nan")}, "no JSON: NaN is not a number"),
        ({"task": " "}, "task is empty"),
        ({"model": ""}, "model is empty"),
        ({"text": "x" * 1_000_001}, "text has 1,000,001 characters; at most 1,000,000 are read"),
        ({"prompt": "def dec(x):"}, "prompt of task t1 is not that of line 1"),
        ({"examples": []}, "examples of task t1 is not that of line 1"),
        ({"prior": 0.5, "task": "t2"}, "prior of model m is not that of line 1"),
        ({"text": None}, "text is null, not a text"),
        ({"extra": 1}, "unknown: extra; every line has task, prompt"),
        ({"examples": {}}, "examples is an object, not a list or null"),
        ({"examples": [{"kind": "equal"}]}, "no list of groups"),
        ({"examples": [[{"kind": "equal", "source": "f(1)"}]]}, "other keys"),
        (
            {"examples": [[{"kind": "run it", "source": "f(1)", "want": None}]]},
            "kind is not one of",
        ),
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


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "set.jsonl: no line in it"),
        (b"\n", "set.jsonl:1: no JSON: the line is empty"),
        (
            b"{\n",
            "set.jsonl:1: no JSON: Expecting property name enclosed in double quotes at column 2",
        ),
        (b"[1]\n", "set.jsonl:1: not an object"),
        (b"[" * 200_000, "set.jsonl:1: no JSON"),
        (b'{"task": "a", "task": "b"}', "set.jsonl:1: no JSON: task appears twice"),
        (b'{"task": "\xff"}', "set.jsonl: not UTF-8 at byte 10"),
    ],
)
def test_a_file_that_is_none_is_told_in_one_line(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "set.jsonl"
    path.write_bytes(content)
    with pytest.raises(FormatError) as raised:
        read(path)
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("models", "tasks", "problem"),
    [
        ("m", ("t1", "t2"), r"needs 3 models that answered every task; here are 1 \(m\)"),
        ("mno", ("t1",), r"one task \(t1\); half of the tasks is the test"),
    ],
)
def test_a_set_too_small_to_draw_from_says_so(
    tmp_path: Path, models: str, tasks: tuple[str, ...], problem: str
) -> None:
    rows = [{**GOOD, "task": t, "model": m} for t in tasks for m in models]
    with pytest.raises(FormatError, match=problem):
        read(write(tmp_path / "set.jsonl", *rows))


def test_samples_line_separators_and_odd_characters_are_read(tmp_path: Path) -> None:
    """A task's answers of one model may be several; what ends a line elsewhere may stand in a text."""
    rows = [{**GOOD, "task": t, "model": m} for t in ("t1", "t2") for m in "mno"]
    rows.append({**rows[0], "text": "    s = '\u2028'\x85\n    return x\n"})
    rows.append({**rows[0], "text": "\ud800"})
    path = tmp_path / "set.jsonl"
    lines = [json.dumps(row, ensure_ascii="\ud800" in row["text"]) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert len(read(path)) == 8
    generations = prepare(path, tmp_path / "c", execute=False)
    assert [len(found) for found in generations.samples["t1"].values()] == [3, 1, 1]


def test_two_files_of_one_name_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="another file is named set too"):
        told_apart([tmp_path / "a" / "set.jsonl", tmp_path / "b" / "set.jsonl"])


def test_the_command_says_it_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(write(tmp_path / "set.jsonl", {**GOOD, "passed": "yes"}))]) == 2
    assert (
        capsys.readouterr().err.strip().endswith("set.jsonl:1: passed is a text, not true or false")
    )
    assert main([str(tmp_path / "none.jsonl")]) == 2
    assert "none.jsonl" in capsys.readouterr().err


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
