"""Training data: gathered from a repository and from the history, screened, split, checked."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble_lsp.errors import FineTuningError
from ensemble_lsp.finetuning.from_file import InvalidTrainingFileError, TrainingRow, redacted_rows
from ensemble_lsp.finetuning.from_history import from_history
from ensemble_lsp.finetuning.from_repository import from_repository
from ensemble_lsp.finetuning.local.vocabulary import native_fim
from ensemble_lsp.finetuning.masking import sample_masks
from ensemble_lsp.finetuning.prepare import TrainingTarget, prepare, prepare_file
from ensemble_lsp.finetuning.prices import epochs_for, rates_of
from ensemble_lsp.finetuning.training_example import Example, ExampleSet, screen, split
from ensemble_lsp.finetuning.training_formats import as_text, line_of, tokens_of
from ensemble_lsp.finetuning.validation import check_file
from ensemble_lsp.history import History, StoredSuggestion, SuggestionRecord
from ensemble_lsp.models.profiles import make_profile
from ensemble_lsp.settings import ModelSettings, PrivacySettings
from ensemble_lsp.types import Document, Outcome, OutcomeKind, Prompt

BASE = ModelSettings(name="gpt", provider="openai", model="gpt-4.1-mini-2025-04-14")
PROFILE = make_profile(BASE)
TARGET = TrainingTarget(BASE, PROFILE, "supervised")
SECRET = "sk-proj-aaaaBBBBccccDDDD1234567890"

CODE = '''\
"""Sums."""


def total(items: list[int], start: int = 0) -> int:
    """The sum of all items."""
    result = start
    for item in items:
        result += item
    return result


class Counter:
    def add(self, amount: int) -> None:
        if amount > 0:
            self.value = self.value + amount
            self.calls += 1
'''


def example(file: str, number: int, **more: Any) -> Example:
    prompt = Prompt("complete", "python", file, prefix=f"x{number} = ", suffix="\n")
    return Example(**{"file": file, "prompt": prompt, "answer": f"value_{number}", **more})


# -- holes -----------------------------------------------------------------------------------------


def test_a_hole_is_what_the_file_says_there_and_the_rest_stays() -> None:
    document = Document.from_text("file:///a.py", 0, "python", CODE)
    holes = [hole for seed in range(5) for hole in sample_masks(document, 8, seed)]
    assert {hole.kind for hole in holes} == {"line", "block", "function"}
    for hole in holes:
        left = document.replace(hole.span, "")
        answer = document.slice(hole.span)
        assert left.replace(type(hole.span)(hole.span.start, hole.span.start), answer).text == CODE
        assert answer == answer.strip()
        assert answer


def test_a_functions_hole_leaves_signature_and_docstring() -> None:
    document = Document.from_text("file:///a.py", 0, "python", CODE)
    holes = [hole for seed in range(5) for hole in sample_masks(document, 40, seed)]
    bodies = [document.slice(h.span) for h in holes if h.kind == "function"]
    assert any(body.startswith("result = start\n    for item") for body in bodies)
    assert not any('"""' in body or "def " in body for body in bodies)


@pytest.mark.parametrize(
    ("language", "text", "body"),
    [
        (
            "javascript",
            "function f(a) {\n  const b = a;\n  return b;\n}\n",
            "const b = a;\n  return b;",
        ),
        ("go", "func f(a int) int {\n\tb := a\n\treturn b\n}\n", "b := a\n\treturn b"),
        ("rust", "fn f(a: i32) -> i32 {\n    let b = a;\n    b\n}\n", "let b = a;\n    b"),
    ],
)
def test_braces_stay_outside_of_a_functions_hole(language: str, text: str, body: str) -> None:
    document = Document.from_text("file:///a", 0, language, text)
    holes = [
        h for seed in range(9) for h in sample_masks(document, 4, seed) if h.kind == "function"
    ]
    assert {document.slice(h.span) for h in holes} == {body}


def test_the_same_seed_punches_the_same_holes() -> None:
    document = Document.from_text("file:///a.py", 0, "python", CODE)
    assert sample_masks(document, 5, 3) == sample_masks(document, 5, 3)


# -- the repository --------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    for n in range(6):
        (folder / f"m{n}.py").write_text(CODE.replace("total", f"total_{n}"))
    return folder


def test_ignored_foreign_generated_and_secret_files_are_left_out(repository: Path) -> None:
    marked = "def marked_thing(a):\n    value = a + 424242\n    return value\n"
    (repository / ".gitignore").write_text("ignored/\n")
    for name in ("ignored/a.py", "node_modules/b.py", "vendor/c.py", "private/d.py", ".env.py"):
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text(marked)
    (repository / "made.py").write_text("# Code generated by a tool. DO NOT EDIT.\n" + marked)
    (repository / "outside.py").symlink_to(repository.parent / "elsewhere.py")
    (repository.parent / "elsewhere.py").write_text(marked)
    privacy = PrivacySettings(exclude=("private/",))
    gathered = from_repository(repository, PROFILE, privacy, max_examples=200)
    texts = " ".join(e.prompt.prefix + e.answer + e.prompt.suffix for e in gathered.examples)
    assert "total_3" in texts
    assert "424242" not in texts
    assert gathered.left_out["files excluded by the ignore rules or their names"] >= 2


def test_examples_are_asked_as_at_work(repository: Path) -> None:
    gathered = from_repository(repository, PROFILE, PrivacySettings(), max_examples=20)
    for one in gathered.examples:
        line = line_of(one, "chat", PROFILE)
        assert [m["role"] for m in line["messages"]] == ["system", "user", "assistant"]
        assert "inline completion" in line["messages"][0]["content"]
        assert one.file.startswith("m")


def test_copies_of_a_file_are_no_examples(repository: Path) -> None:
    alone = from_repository(repository, PROFILE, PrivacySettings())
    for path in sorted(repository.rglob("*.py")):
        path.with_name(f"z_copy_of_{path.name}").write_bytes(path.read_bytes())
    copied = from_repository(repository, PROFILE, PrivacySettings())
    assert len(copied.examples) == len(alone.examples)
    assert copied.left_out["files that equal another one"] >= 1


def test_a_folder_without_code_is_told(tmp_path: Path) -> None:
    (tmp_path / "readme.md").write_text("# Nothing")
    with pytest.raises(FineTuningError, match="has no code to learn from"):
        from_repository(tmp_path, PROFILE, PrivacySettings())


# -- screening and splitting -----------------------------------------------------------------------


def test_secrets_are_not_taught_and_not_shown() -> None:
    leaking = example("a.py", 1, answer=f'KEY = "{SECRET}"')
    beside = example("a.py", 2)
    shown = Prompt("complete", "python", "a.py", prefix=f'key = "{SECRET}"\nx = ')
    kept = screen(ExampleSet([leaking, beside, example("a.py", 3, prompt=shown)]))
    assert [e.answer for e in kept.examples] == ["value_2", "value_3"]
    assert SECRET not in kept.examples[1].prompt.prefix
    assert (kept.left_out["examples with a secret in the answer"], kept.redacted) == (1, 1)


def test_repetitions_and_control_tokens_are_left_out() -> None:
    twice = [example("a.py", 1), example("b.py", 1), example("a.py", 2, answer="a <|im_end|> b")]
    kept = screen(ExampleSet(twice))
    assert len(kept.examples) == 1
    assert sum(kept.left_out.values()) == 2


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=30),
    st.floats(0, 0.9),
    st.integers(0, 5),
)
def test_no_file_is_in_training_and_validation(sizes: list[int], share: float, seed: int) -> None:
    rows = [TrainingRow(f"f{n}", {"n": k}) for n, size in enumerate(sizes) for k in range(size)]
    training, validation = split(rows, share, seed)
    assert not {r.file for r in training} & {r.file for r in validation}
    assert len(training) + len(validation) == len(rows)
    assert training
    random.Random(seed).shuffle(rows)
    again = split(rows, share, seed)
    assert {r.file for r in again[1]} == {r.file for r in validation} or len(set(sizes)) < len(
        sizes
    )


def test_the_summary_counts_what_is_written(tmp_path: Path, repository: Path) -> None:
    gathered = from_repository(repository, PROFILE, PrivacySettings(), max_examples=40)
    prepared = prepare(gathered, TARGET, source="here", share=0.2, seed=1)
    summary = prepared.summary()
    folder = prepared.write(tmp_path / "out")
    lines = [json.loads(x) for x in (folder / "training.jsonl").read_text().splitlines()]
    assert len(lines) == summary["training"]["examples"]
    tokens = sum(map(tokens_of, lines))
    assert summary["training"]["tokens"] == tokens
    assert summary["price"] == round(tokens * summary["epochs"] * 5 / 1e6, 4)
    assert (folder / "training.jsonl").stat().st_mode & 0o777 == 0o600


def test_too_few_examples_are_not_written(tmp_path: Path) -> None:
    prepared = prepare(ExampleSet([example("a.py", 1)]), TARGET, source="here")
    with pytest.raises(InvalidTrainingFileError, match="1 valid example; at least 10"):
        prepared.write(tmp_path / "out")
    assert not (tmp_path / "out").exists()


# -- the history -----------------------------------------------------------------------------------


class Past:
    """Suggestions as the history gives them."""

    def __init__(self) -> None:
        self.stored: list[StoredSuggestion] = []

    def add(
        self,
        text: str,
        kind: OutcomeKind,
        *,
        prefix: str = "def f():\n    return ",
        survival: float | None = None,
        path: str = "src/a.py",
        sendable: bool = True,
        **more: Any,
    ) -> None:
        place = {
            "path": path, "language": "python", "prefix": prefix, "suffix": "\n",
            "sendable": sendable,
        }  # fmt: skip
        fields = {"time": float(len(self.stored) * 10), "task": "complete", "models": ("m",)}
        id_ = f"s{len(self.stored)}"
        record = SuggestionRecord(
            **{"id": id_, **fields, "text": text, "context": json.dumps(place), **more}
        )
        outcome = Outcome(id_, kind, "document", survival=survival)
        self.stored.append(StoredSuggestion(record, outcome))

    async def __aiter__(self) -> AsyncIterator[StoredSuggestion]:
        for one in self.stored:
            yield one


async def test_only_what_was_accepted_and_stayed_is_learned() -> None:
    past = Past()
    past.add("a + 1", "accepted", survival=1.0)
    past.add("typed_too", "typed", survival=0.9)
    past.add("rewritten", "accepted", survival=0.3)
    past.add("never_looked_at", "accepted")
    past.add("refused", "rejected")
    past.add("of_an_env_file", "accepted", survival=1.0, path=".env")
    past.add("of_an_ignored_file", "accepted", survival=1.0, sendable=False)
    past.add("without_a_place", "accepted", survival=1.0, context="plain text")
    past.add("explained", "accepted", survival=1.0, task="explain")
    gathered = await from_history(past, PROFILE, PrivacySettings())
    assert [e.answer for e in gathered.examples] == ["a + 1", "typed_too"]
    assert gathered.examples[0].prompt.prefix == "def f():\n    return "
    assert gathered.examples[0].file == "/src/a.py"
    assert sum(gathered.left_out.values()) == 7


async def test_chosen_and_refused_at_the_same_place_make_a_pair() -> None:
    past = Past()
    past.add("good", "accepted", survival=1.0, time=5.0)
    past.add("beside", "superseded", time=5.1)
    past.add("refused_before", "rejected", time=1.0)
    past.add("a_glance_long_ago", "superseded", time=1.0)
    past.add("elsewhere", "rejected", prefix="other = ")
    gathered = await from_history(past, PROFILE, PrivacySettings(), "dpo")
    pairs = {(e.answer, e.rejected) for e in gathered.examples}
    assert pairs == {("good", "beside"), ("good", "refused_before")}
    line = line_of(gathered.examples[0], "preference", PROFILE)
    assert line["preferred_output"] == [{"role": "assistant", "content": "good"}]
    checked = check_file(as_text([line] * 10).encode(), "preference", max_tokens=None)
    assert checked.faults == []


async def test_a_history_without_texts_says_what_to_set(tmp_path: Path) -> None:
    history = History.open(tmp_path / "history.sqlite3")
    history.add_suggestion(
        SuggestionRecord("a", 1.0, "complete", ("m",), text="kept?", context="{}")
    )
    with pytest.raises(FineTuningError, match=r"history\.keepText = true"):
        await from_history(history.suggestions(), PROFILE, PrivacySettings())
    with pytest.raises(FineTuningError, match="holds no texts; work for a while, and run"):
        await from_history(history.suggestions(), PROFILE, PrivacySettings(), keeps_text=True)
    await history.close()


# -- the provider's rules --------------------------------------------------------------------------


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


# -- figures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("examples", "epochs"), [(10, 10), (33, 3), (50, 3), (8000, 3), (25000, 1)]
)
def test_epochs_follow_the_cookbook(examples: int, epochs: int) -> None:
    assert epochs_for(examples) == epochs


def test_rates_go_by_family() -> None:
    assert (rates_of("gpt-4.1-mini-2025-04-14") or rates_of("")).training == 5
    assert (rates_of("ft:gpt-4o-mini:org::x") or rates_of("")).training == 3
    assert rates_of("llama-3") is None


def test_an_unknown_models_price_is_not_guessed() -> None:
    base = ModelSettings(name="x", provider="openai", model="qwen", base_url="http://127.0.0.1:1")
    target = TrainingTarget(base, make_profile(base), "supervised")
    prepared = prepare(ExampleSet([example("a", n) for n in range(12)]), target, source="")
    assert prepared.summary()["price"] is None
    priced = TrainingTarget(base, make_profile(base), "supervised", price=2.0)
    assert prepare(ExampleSet([example("a", 1)]), priced, source="").summary()["price"] > 0


def test_fill_in_the_middle_tokens_are_read_from_the_vocabulary(tmp_path: Path) -> None:
    weights = tmp_path / "some-model.gguf"
    tokens = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
    packed = b"".join(len(t).to_bytes(8, "little") + t.encode() for t in tokens)
    weights.write_bytes(b"GGUF" + packed)
    assert native_fim(weights) == "qwen-coder"
    weights.write_bytes(b"GGUF" + b"".join(t.encode() for t in tokens))
    assert native_fim(weights) == "none"
    assert native_fim(tmp_path / "nothing") == "none"


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
