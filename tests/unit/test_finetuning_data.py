"""Training data: screened, split and priced."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble_lsp.finetuning.from_file import InvalidTrainingFileError, TrainingRow
from ensemble_lsp.finetuning.local.vocabulary import native_fim
from ensemble_lsp.finetuning.prepare import TrainingTarget, prepare
from ensemble_lsp.finetuning.prices import epochs_for, rates_of
from ensemble_lsp.finetuning.training_example import Example, ExampleSet, screen, split
from ensemble_lsp.models.profiles import make_profile
from ensemble_lsp.settings import ModelSettings
from ensemble_lsp.types import Prompt
from tests.support.training_target import SECRET, TARGET


def example(file: str, number: int, **more: Any) -> Example:
    prompt = Prompt("complete", "python", file, prefix=f"x{number} = ", suffix="\n")
    return Example(**{"file": file, "prompt": prompt, "answer": f"value_{number}", **more})


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


def test_too_few_examples_are_not_written(tmp_path: Path) -> None:
    prepared = prepare(ExampleSet([example("a.py", 1)]), TARGET, source="here")
    with pytest.raises(InvalidTrainingFileError, match="1 valid example; at least 10"):
        prepared.write(tmp_path / "out")
    assert not (tmp_path / "out").exists()


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
