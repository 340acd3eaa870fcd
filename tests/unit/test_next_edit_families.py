"""A model's id or setting chooses its family of next-edit models."""

from __future__ import annotations

import pytest

from ensemble_lsp.next_edit.families import family_of
from tests.support.next_edit import FAMILY


@pytest.mark.parametrize(
    ("model", "chats", "family"),
    [
        ("zeta", False, "zeta"),
        ("zed-industries_zeta-Q8_0.gguf", False, "zeta"),
        ("zed-industries/zeta-2", False, "zeta-2"),
        ("hf.co/bartowski/zed-industries_zeta-2-GGUF:Q4_K_M", False, "zeta-2"),
        ("zeta2", False, "zeta-2"),
        ("zeta.i1-Q4_K_M.gguf", False, "zeta"),
        ("mlx-community/zeta-4bit", False, "zeta"),
        ("zeta-7b-gguf", False, "zeta"),
        ("mlx-community/zeta-2-8bit", False, "zeta-2"),
        ("zeta-2-8B-Q5_K_S", False, "zeta-2"),
        ("Zeta-2-q4", False, "zeta-2"),
        ("/models/zeta-2.Q4_K_M.gguf", False, "zeta-2"),
        ("zeta-2.1", True, "zeta-2.1"),
        ("zeta-2.2", True, None),
        ("zeta-2.1-NVFP4.gguf", True, "zeta-2.1"),
        ("hf.co/zed-industries/zeta-2.1:Q4_K_M", True, "zeta-2.1"),
        ("zeta-3", True, None),
        ("sweepai/sweep-next-edit-1.5B", False, "sweep-next-edit"),
        ("sweep-next-edit-v2-7b-Q8_0.gguf", False, "sweep-next-edit"),
        ("hf.co/sweepai/sweep-next-edit-1.5B:latest", False, "sweep-next-edit"),
        ("sweep-next-edit-0.5b.q8_0.v2.gguf", False, "sweep-next-edit"),
        ("continuedev/instinct", True, "instinct"),
        ("nate/instinct:latest", True, "instinct"),
        ("instinct-Q4_K_M.gguf", True, "instinct"),
        ("mercury-edit-2", False, "mercury"),
        ("inception/mercury-edit", False, "mercury"),
        ("mercury-coder", True, "mercury"),
        ("mercury-coder-small", True, "mercury"),
        ("mercury-2", True, "chat"),
        ("gpt-4.1-mini", True, "chat"),
        ("claude-sonnet-4-5", True, "chat"),
        ("qwen2.5-coder:7b", False, None),
        ("betazeta", False, None),
    ],
)
def test_a_family_is_chosen_by_the_models_id(model: str, chats: bool, family: str | None) -> None:
    found = family_of(model, chats=chats)
    assert (found and found.name) == family


def test_a_setting_names_the_family() -> None:
    assert family_of("my-tune", "zeta-2") is FAMILY["zeta-2"]
    assert family_of("zeta-2", "none") is None
