"""Training files: the provider's rules, and a user's own file, split and redacted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble_lsp.finetuning.from_file import InvalidTrainingFileError, redacted_rows
from ensemble_lsp.finetuning.prepare import prepare_file
from ensemble_lsp.finetuning.training_formats import as_text
from ensemble_lsp.finetuning.validation import check_file
from tests.support.training_target import SECRET, TARGET


def lines(*changed: Any, count: int = 12) -> bytes:
    good = [
        {"messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": "a"}]}
        for n in range(count - len(changed))
    ]
    texts = [x if isinstance(x, str) else json.dumps(x) for x in (*changed, *good)]
    return "\n".join(texts).encode()


USER, ANSWER = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "is empty"),
        ("{", "is not JSON"),
        ("[1]", "is not a JSON object"),
        ({"text": "x"}, "is not of the form"),
        ({"messages": []}, "is not a list of messages"),
        ({"messages": [USER]}, "does not end with a message of role 'assistant'"),
        ({"messages": [USER, {"role": "assistant", "content": " "}]}, "content is empty"),
        ({"messages": [USER, {"role": "assistant"}]}, "content is not a string"),
        ({"messages": [{"role": "robot", "content": "x"}, ANSWER]}, "has the role 'robot'"),
        ({"messages": [USER, {**ANSWER, "mood": 1}]}, "has the unknown key 'mood'"),
        ({"messages": [USER, {**ANSWER, "weight": 0.5}]}, "weight other than 0 or 1"),
        ({"messages": [USER, ANSWER], "label": 1}, "has the unknown key 'label'"),
        ({"messages": [USER, {**ANSWER, "content": "<|endoftext|>"}]}, "<|endoftext|>"),
        ({"messages": [USER, {**ANSWER, "content": "word " * 4000}]}, "the model accepts 1,000"),
        ({"messages": ["x", 3]}, "is not an object"),
        ({"prompt": "a", "completion": "b"}, "is not of the form"),
    ],
)
def test_each_fault_is_named_by_its_line(line: Any, problem: str) -> None:
    good = lines(count=4).decode()
    data = f"{good}\n{line if isinstance(line, str) else json.dumps(line)}\n".encode()
    data += lines(count=8)
    faults = check_file(data, "chat", max_tokens=1000).faults
    assert {fault.line for fault in faults} == {5}
    assert any(problem in fault.problem for fault in faults), faults


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"input": 3}, "input is not an object"),
        ({"non_preferred_output": [ANSWER]}, "both outputs are the same"),
        ({"preferred_output": [ANSWER, ANSWER]}, "is not exactly one assistant message"),
        ({"preferred_output": [USER]}, "does not end with a message of role 'assistant'"),
        ({"input": {"messages": [ANSWER]}}, "does not end with a message of role 'user'"),
    ],
)
def test_preferences_have_rules_of_their_own(change: dict[str, Any], problem: str) -> None:
    good = {
        "input": {"messages": [USER]},
        "preferred_output": [ANSWER],
        "non_preferred_output": [{**ANSWER, "content": "b"}],
    }
    data = as_text([good] * 11 + [{**good, **change}]).encode()
    faults = check_file(data, None, max_tokens=None).faults
    assert [fault.line for fault in faults][:1] == [12]
    assert any(problem in fault.problem for fault in faults), faults


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_can_be_checked(data: bytes) -> None:
    assert check_file(data, None, max_tokens=100).faults


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["messages", "role", "content", "input", "prompt", "preferred_output"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_can_be_checked_and_counted(value: Any) -> None:
    check_file(json.dumps(value).encode(), None, max_tokens=100)


def test_exactly_enough_lines_are_all_for_training(tmp_path: Path) -> None:
    path = tmp_path / "ten.jsonl"
    path.write_bytes(lines(count=10))
    prepared = prepare_file(path, TARGET, share=0.1)
    assert (len(prepared.training), prepared.validation, prepared.check()) == (10, [], [])
    path.write_bytes(lines(count=12))
    assert prepare_file(path, TARGET, share=0.1).validation


def test_too_few_lines_are_all_counted_and_their_own_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nine.jsonl"
    path.write_bytes(lines(count=9))
    prepared = prepare_file(path, TARGET, share=0.1)
    with pytest.raises(InvalidTrainingFileError, match="9 valid examples") as raised:
        prepared.write(tmp_path / "out")
    assert str(raised.value).startswith(f"{path} ")
    assert not (tmp_path / "out").exists()


def test_a_file_of_ones_own_is_split_by_its_files(tmp_path: Path) -> None:
    rows = [
        {"file": f"f{n // 5}", "messages": [{**USER, "content": f"q{n}"}, ANSWER]}
        for n in range(40)
    ]
    rows += [rows[0], {"messages": [USER, {**ANSWER, "content": SECRET}]}]
    rows.append({"messages": [{**USER, "content": f"key {SECRET}"}, ANSWER]})
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    prepared = prepare_file(path, TARGET, share=0.15)
    assert 5 <= len(prepared.validation) <= 6
    assert len(prepared.training) + len(prepared.validation) == 41
    assert prepared.left_out == {
        "repeated examples": 1,
        "examples with a secret in the answer": 1,
    }
    assert prepared.redacted == 1
    assert SECRET not in as_text(prepared.training + prepared.validation)


def test_lines_of_one_file_are_counted_as_of_one_file(tmp_path: Path) -> None:
    lines = [{"messages": [{**USER, "content": f"q {n}"}, ANSWER]} for n in range(18)]
    path = tmp_path / "mine.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    prepared = prepare_file(path, TARGET, share=0.2)
    assert len(prepared.validation) > 0  # split line by line all the same
    assert prepared.files == (1, 1)
    named = [{**line, "file": f"f{n % 3}.py"} for n, line in enumerate(lines)]
    named += [
        {"messages": [*line["messages"][:1], {**ANSWER, "content": "other"}]} for line in lines
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in named))
    assert prepare_file(path, TARGET, share=0).files == (4, 0)


@pytest.mark.parametrize(
    "line",
    [
        '{{"messages": [{{"role": "user", "content": "x", "{0}": "y"}}]}}',
        '{{"messages": [{{"role": "user", "content": "{0}", "content": "fine"}}]}}',
        '\ufeff{{"messages": "{0}"}}',
        '{{"messages": [{{"content": "{0}"',
        '{{"a": "{0}"}}\r{{"a": "{0}"}}',
    ],
)
def test_no_form_of_a_line_hides_a_secret_from_the_upload(line: str) -> None:
    secret = "sk-proj-" + "Zk3vQ8mN2xR7tW5yB1cD4fG6hJ9kL0pA"
    data, count = redacted_rows(line.format(secret).encode())
    assert count and secret.encode() not in data
