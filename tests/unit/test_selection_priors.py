"""Priors: the expected reward of a model before its first outcome."""

from __future__ import annotations

import pytest

from ensemble_lsp.models.interface import Profile
from ensemble_lsp.selection.fixed import FixedSelector
from ensemble_lsp.selection.learned import LearnedSelector
from ensemble_lsp.selection.priors import Prior, is_slow, prior_for
from tests.support.selection import BUDGET, HERE, A, B, first, profile


def test_a_prior_of_the_users_own_takes_the_place_of_the_public_one() -> None:
    selector = LearnedSelector()
    selector.set_prior("b", "complete", Prior(0.9, "your comparison"))
    assert first(selector, A, B) == "b"
    selector.reset()
    assert selector.choose(HERE, [B], budget_ms=BUDGET).ranked[0].prior == "your comparison"
    selector.set_prior("b", "complete", None)
    assert selector.choose(HERE, [B], budget_ms=BUDGET).ranked[0].prior != "your comparison"


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("openai/gpt-4.1-mini", "polyglot, 32.4"),
        ("gpt-4.1", "polyglot, 52.4"),
        ("claude-sonnet-4-20250514", "polyglot, 56.4"),
        ("claude-3-5-haiku-latest", "polyglot, 28"),
        ("qwen2.5-coder:7b", "edit, 51.9"),
        ("/models/Qwen2.5-Coder-14B-Instruct-Q4_K_M.gguf", "edit, 58.6"),
        ("o3", "polyglot, 76.9"),
        ("o3-mini", "polyglot, 53.8"),
        ("mistral-7b-instruct", "its size (7 billion"),
        ("SmolLM-135M", "its size (0.135 billion"),
        ("something-new", "what models usually reach"),
    ],
)
def test_a_prior_names_its_source(model: str, words: str) -> None:
    assert words in prior_for(profile("x", model, fim="suffix"), "generate").source


def test_priors_know_the_task_and_the_tiny() -> None:
    recall = Profile("recall", "recall", "", tasks=("complete",), free=True, local=True)
    smol = Profile("s", "llamacpp", "smollm2", local=True, fim="none")
    assert prior_for(recall, "complete").reward == 0.3
    assert prior_for(smol, "complete").reward == 0.222
    assert prior_for(profile("x"), "generate").reward > prior_for(smol, "generate").reward
    with_fim = prior_for(profile("x", "codestral", fim="suffix"), "complete").reward
    assert with_fim > prior_for(profile("x", "codestral", fim="none"), "complete").reward


def test_models_that_think_first_are_known_to_be_slow() -> None:
    assert is_slow("o3-mini")
    assert is_slow("deepseek-r1:8b")
    assert not is_slow("gpt-4o")
    ranked = FixedSelector().choose(HERE, [profile("o", "o1"), profile("g", "gpt-4o")], budget_ms=1)
    assert ranked.ranked[0].latency_ms > 3 * ranked.ranked[1].latency_ms
