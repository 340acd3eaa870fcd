"""Which models predict edits, and what is sent to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest

from ensemble_lsp.models.edit_formats import (
    AUTO,
    NONE,
    edit_formats,
    is_raw_text,
    only_predicts_edits,
)
from ensemble_lsp.models.interface import BuildContext
from ensemble_lsp.models.profiles import make_profile
from ensemble_lsp.models.prompt_rendering import chat_messages, plain_prompt
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.models.token_estimates import estimate_usage
from ensemble_lsp.next_edit.families import FAMILIES
from ensemble_lsp.providers.openai.openai_model import OpenAIModel
from ensemble_lsp.settings import ModelSettings
from ensemble_lsp.types import Prompt, RenderedPrompt
from tests.support.adapters import adapter
from tests.support.providers import LoopbackProvider

RAW = Prompt("edit", "python", "a.py", rendered=RenderedPrompt(text="<[fim-suffix]>x"))
CHAT = Prompt(
    "edit", "python", "a.py", rendered=RenderedPrompt("", "be brief", "rewrite", "total = 1\n")
)
LOCAL = "http://127.0.0.1:8080/v1"


@pytest.fixture
async def provider() -> AsyncIterator[LoopbackProvider]:
    async with LoopbackProvider("x") as server:
        yield server


def settings(model: str, provider: str = "openai", **fields: Any) -> ModelSettings:
    return ModelSettings(name="m", provider=provider, model=model, **fields)


def test_every_format_has_a_family_and_a_value_of_the_setting() -> None:
    assert set(edit_formats()) == {family.name for family in FAMILIES}
    values = get_args(ModelSettings.model_fields["edit_format"].annotation)
    assert set(values) == {AUTO, NONE, *(family.name for family in FAMILIES)}
    for family in FAMILIES:
        assert is_raw_text(family.name) == (family.wire == "completions")


@pytest.mark.parametrize(
    ("given", "tasks"),
    [
        (settings("gpt-4.1"), ("complete", "explain", "generate", "edit")),
        (settings("claude-x", "anthropic"), ("complete", "explain", "generate", "edit")),
        (settings("zeta-2.gguf", base_url=LOCAL), ("edit",)),
        (settings("sweep-next-edit-1.5b", base_url=LOCAL), ("edit",)),
        (settings("zeta-2", base_url=LOCAL, tasks=("complete", "edit")), ("complete", "edit")),
        (settings("tuned", base_url=LOCAL, edit_format="none"), ("complete", "explain", "generate")),
        (settings("starcoder2", api="completions"), ("complete", "explain", "generate")),
        (settings("qwen2.5-coder-7b-base"), ("complete", "explain", "generate")),
        (settings("smollm2", "llamacpp"), ("complete", "explain", "generate")),
        (settings("smollm2", "llamacpp", edit_format="chat"), make_profile(settings("x")).tasks),
        (settings("", "recall"), ("complete",)),
    ],
)  # fmt: skip
def test_only_a_model_with_a_format_predicts_edits(
    given: ModelSettings, tasks: tuple[str, ...]
) -> None:
    assert make_profile(given).tasks == tasks


def test_a_chat_model_does_more_than_edits() -> None:
    assert not only_predicts_edits("chat")
    assert not only_predicts_edits("mercury")
    assert not only_predicts_edits("none")


def test_a_prompt_in_a_models_own_format_stays_as_it_is() -> None:
    assert chat_messages(CHAT) == ("be brief", "rewrite")
    assert plain_prompt(RAW) == "<[fim-suffix]>x"
    assert plain_prompt(CHAT) == "be brief\n\nrewrite\n\n"
    assert estimate_usage(CHAT, 0).input_tokens == estimate_usage(RAW, 0).input_tokens == 5


@pytest.mark.parametrize("api", ["chat", "responses", "completions"])
async def test_a_raw_text_goes_to_completions(provider: LoopbackProvider, api: str) -> None:
    model = adapter(provider, api)
    await gather(model, RAW)
    await model.close()
    assert provider.requests[-1].path == "/v1/completions"
    assert provider.requests[-1].body["prompt"] == "<[fim-suffix]>x"


async def test_an_empty_system_message_is_not_sent(provider: LoopbackProvider) -> None:
    for api in ("chat", "responses", "messages"):
        prompt = Prompt("edit", "python", "a.py", rendered=RenderedPrompt(user="rewrite"))
        model = adapter(provider, api)
        await gather(model, prompt)
        await model.close()
        body = provider.requests[-1].body
        assert not {"system", "instructions"} & body.keys()
        assert [m["role"] for m in body.get("messages", [{"role": "user"}])] == ["user"]


async def test_the_region_is_the_prediction_where_a_service_takes_one(
    provider: LoopbackProvider,
) -> None:
    model = adapter(provider, "chat", model="gpt-4.1-mini")
    await gather(model, CHAT)
    await model.close()
    assert provider.requests[-1].body["prediction"] == {"type": "content", "content": "total = 1\n"}


@pytest.mark.parametrize(
    ("model", "setting", "path"),
    [
        ("mercury-edit-2", "auto", "/edit/completions"),
        ("mercury-2", "mercury", "/chat/completions"),
    ],
)
def test_mercurys_edit_models_have_an_address_for_edits(
    model: str, setting: str, path: str, tmp_path: Any
) -> None:
    given = settings(model, base_url="https://api.inceptionlabs.ai/v1", edit_format=setting)
    made = OpenAIModel(given, make_profile(given), BuildContext(tmp_path, "key"))
    assert make_profile(given).edit_format == "mercury"
    assert made.wire(CHAT, frozenset()).path == path
