"""Numbers and names that a hostile server sends: they distort no cost, stop no history and fill no terminal."""

from __future__ import annotations

from typing import Any

import pytest

from ensemble_lsp.cli import init_models
from ensemble_lsp.models.wire_format import whole
from ensemble_lsp.providers.llamacpp.event_parser import _usage
from ensemble_lsp.providers.openai.choices import usage_from
from ensemble_lsp.types import Usage

LIES = (-5, 10**30, 1 << 63, None, "7", 1.5, [], {}, float("nan"))


@pytest.mark.parametrize("lie", LIES)
def test_a_count_that_cannot_be_true_is_none(lie: Any) -> None:
    assert whole(lie) == 0
    openai = usage_from({"prompt_tokens": 7, "completion_tokens": lie})
    assert openai == Usage(7, 0)
    assert _usage(
        {"tokens_evaluated": lie, "tokens_predicted": 7, "timings": {"cache_n": lie}}
    ) == Usage(0, 7)


async def test_only_ids_that_can_be_shown_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = ["good", "x" * 100_000, "a\x1b[2Jb", "a\nb", "\u202eevil", "\ud800", "", None, 7, ["a"]]

    async def answer(url: str) -> Any:
        return {"data": [{"id": each} for each in ids] + [[], "x"]}

    monkeypatch.setattr(init_models, "get_json", answer)
    assert await init_models._models_of("http://localhost:11434/v1") == ["good"]
