"""The neutral table that any result can be replayed from: what is right is read, what is wrong named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.selection_tables import read_table, write_table


def lines(count: int = 60) -> list[dict[str, Any]]:
    """A table of two models."""
    return [
        {
            "task": f"t{n}",
            "order": n,
            "features": {"language": "python", "complexity": n % 9, "trigger": "invoked"},
            "models": {
                "a": {"reward": 1, "cost": 0.002, "latency": 900, "prior": 0.4, "check": True},
                "b": {"reward": 0.5, "cost": None},
            },
        }
        for n in range(count)
    ]


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The rows as a file."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_table_is_read_and_written_again_as_it_was(tmp_path: Path) -> None:
    rows = read_table(written(tmp_path / "one.jsonl", lines()))
    assert rows[3].context.complexity == 3
    assert rows[3].right == {"a": 1.0, "b": 0.5}
    assert (rows[3].cost, rows[3].check) == ({"a": 0.002}, {"a": True})
    write_table(rows, tmp_path / "two.jsonl")
    assert read_table(tmp_path / "two.jsonl") == rows


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("task",), "", "task must be"),
        (("task",), 7, "task must be"),
        (("order",), "first", "order must be"),
        (("model",), {}, "unknown key 'model'"),
        (("models",), {"a": {"reward": 1}}, "two models"),
        (("models", "c"), {"reward": 1}, "other models than line 1"),
        (("models", "a"), 1, "must be an object"),
        (("models", "a", "reward"), None, "has no reward"),
        (("models", "a", "reward"), 1.5, "from 0 to 1, not 1.5"),
        (("models", "a", "reward"), True, "from 0 to 1"),
        (("models", "a", "cost"), -1, "cost of model 'a'"),
        (("models", "a", "latency"), float("nan"), "latency of model 'a'"),
        (("models", "a", "price"), 1, "unknown key 'price'"),
        (("models", "a", "check"), "yes", "true, false or null"),
        (("features",), [], "features must be"),
        (("features", "lang"), "python", "unknown key 'lang'"),
        (("features", "complexity"), "high", "kind int"),
        (("features", "place"), "moon", "place must be one of"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, path: tuple[str, ...], value: Any, words: str
) -> None:
    rows = lines()
    here: dict[str, Any] = rows[4]
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    with pytest.raises(ValueError, match=r"table\.jsonl:5: ") as caught:
        read_table(written(tmp_path / "table.jsonl", rows))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{\n", ":1: "),
        (b"[]\n", ":1: is not a JSON object"),
        (b"\xff\xfe", "cannot be read"),
        (b"", "has 0 lines"),
    ],
)
def test_a_file_that_is_no_table_gets_one_sentence(
    tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "table.jsonl"
    file.write_bytes(content)
    with pytest.raises(ValueError, match="table") as caught:
        read_table(file)
    assert words in str(caught.value)


def test_a_task_that_comes_twice_is_refused(tmp_path: Path) -> None:
    rows = lines()
    with pytest.raises(ValueError, match="same task"):
        read_table(written(tmp_path / "table.jsonl", [*rows, rows[0]]))
