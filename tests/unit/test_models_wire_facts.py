"""Facts about services: learned within a request, remembered across restarts, forgotten in time."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ensemble_lsp.errors import BadRequestError, InvalidResponseError
from ensemble_lsp.models.interface import BuildContext
from ensemble_lsp.models.profiles import make_profile
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.models.wire_facts import FILE, KEPT_SECONDS, FactStore, facts_at
from ensemble_lsp.registry import dry_run
from ensemble_lsp.settings import ModelSettings
from ensemble_lsp.types import Prompt
from tests.support.adapters import SECRET, adapter
from tests.support.providers import Fault, LoopbackProvider

COMPLETE = Prompt("complete", "python", "a.py", prefix="secret_name = ", max_tokens=64)
EXPLAIN = Prompt("explain", "python", "a.py", selection="x = 1", max_tokens=800)
STARVED = (
    'data: {"choices":[{"index":0,"delta":{"reasoning_content":"Hm"},"finish_reason":null}]}\n\n'
    'data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\n\ndata: [DONE]\n\n'
)


@pytest.fixture
async def provider() -> AsyncIterator[LoopbackProvider]:
    async with LoopbackProvider("1 + 2") as server:
        yield server


def starves(seen: Any) -> Fault | None:
    """A model that thinks within a short limit, and refuses every way to switch that off."""
    if any(name in seen.body for name in ("chat_template_kwargs", "think", "reasoning_effort")):
        return Fault.status(400, {"error": {"message": "Extra inputs are not permitted: thinking"}})
    return None if seen.body["max_tokens"] > 1000 else Fault.body_of(STARVED, "text/event-stream")


async def asked(model: Any, prompt: Prompt = COMPLETE) -> str:
    try:
        return (await gather(model, prompt)).text
    finally:
        await model.close()


async def test_a_starved_answer_is_asked_again_within_the_same_request(
    provider: LoopbackProvider, tmp_path: Path
) -> None:
    provider.fault = starves
    model = adapter(provider, data_dir=tmp_path)
    assert (await gather(model, COMPLETE)).text == "1 + 2"
    count = len(provider.requests)
    assert (await gather(model, COMPLETE)).text == "1 + 2"
    assert len(provider.requests) == count + 1, "the second request needs no attempt"
    await model.close()


async def test_facts_outlive_the_process_without_key_and_code(
    provider: LoopbackProvider, tmp_path: Path
) -> None:
    provider.fault = starves
    assert await asked(adapter(provider, data_dir=tmp_path)) == "1 + 2"
    await facts_at(tmp_path).settled()
    written = (tmp_path / FILE).read_text()
    assert SECRET not in written
    assert "secret_name" not in written
    facts_at.cache_clear()
    provider.requests.clear()
    assert await asked(adapter(provider, data_dir=tmp_path)) == "1 + 2"
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"a": 1}', '{"a": {"b": "c"}}', "\x00"]
)
def test_a_file_that_cannot_be_read_is_no_fault(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    facts = FactStore(tmp_path / FILE).of("a")
    assert facts.known == frozenset()
    assert facts.learn("thinks")
    assert FactStore(tmp_path / FILE).of("a").known == {"thinks"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes")
@pytest.mark.timeout(20)
def test_a_pipe_in_the_place_of_the_file_holds_nothing_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / FILE)
    assert not FactStore(tmp_path / FILE)._models


async def test_a_preview_uses_nothing_from_a_folder_that_all_users_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    places: list[Path] = []

    def build(_settings: Any, _profile: Any, context: BuildContext) -> None:
        places.append(context.data_dir)

    monkeypatch.setattr(dry_run, "build_model", build)
    settings = ModelSettings(name="m", provider="openai", model="m")
    dry_run._adapter(settings, make_profile(settings), [], None)
    assert places and tmp_path not in (places[0], *places[0].parents)
    assert not places[0].is_dir()


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    facts = FactStore(tmp_path / "file" / FILE).of("a")
    assert facts.learn("thinks")
    assert facts.known == {"thinks"}


def test_old_facts_are_forgotten_and_fresh_ones_kept(tmp_path: Path) -> None:
    now = time.time()
    old = {"a": {"stream": now - KEPT_SECONDS - 5, "thinks": now - 5}, "b": {"stream": 0}}
    (tmp_path / FILE).write_text(json.dumps(old))
    store = FactStore(tmp_path / FILE)
    assert store.of("a").known == {"thinks"}
    assert store.of("b").known == frozenset()


def test_two_servers_do_not_lose_what_the_other_learned(tmp_path: Path) -> None:
    one, other = FactStore(tmp_path / FILE), FactStore(tmp_path / FILE)
    facts, others = one.of("a"), other.of("b")
    facts.learn("stream")
    others.learn("thinks")
    again = FactStore(tmp_path / FILE)
    assert (again.of("a").known, again.of("b").known) == ({"stream"}, {"thinks"})


async def test_a_request_that_fails_all_the_same_teaches_nothing(
    provider: LoopbackProvider, tmp_path: Path
) -> None:
    provider.fault = Fault.status(
        400, {"error": {"message": "temperature: no, and max_tokens: no"}}
    )
    model = adapter(provider, data_dir=tmp_path)
    with pytest.raises(BadRequestError):
        await gather(model, COMPLETE)
    provider.fault = None
    assert (await gather(model, COMPLETE)).text == "1 + 2"
    await model.close()
    assert "temperature" in provider.requests[-1].body


async def test_a_server_that_loads_is_waited_for_with_a_notice(
    provider: LoopbackProvider, tmp_path: Path
) -> None:
    loading = Fault.status(503, {"error": {"code": 503, "message": "Loading model"}})
    provider.fault = lambda _: loading if len(provider.requests) < 3 else None
    notices: list[tuple[str, str]] = []
    model = adapter(provider, data_dir=tmp_path, on_notice=lambda *notice: notices.append(notice))
    assert (await gather(model, EXPLAIN)).text == "1 + 2"
    await model.close()
    assert [bool(text) for _, text in notices] == [True, False]
    assert "loading loopback" in notices[0][1]


BARE = 'data: {"choices":[{"index":0,"delta":{"content":"1 + 2"},"finish_reason":null}]}\n\n'
WHOLE = BARE.replace("null", '"stop"') + "data: [DONE]\n\n"


async def test_a_service_that_never_announces_an_end_is_believed_from_the_second_answer_on(
    provider: LoopbackProvider, tmp_path: Path
) -> None:
    model = adapter(provider, data_dir=tmp_path)
    provider.fault = Fault.body_of(BARE, "text/event-stream")
    with pytest.raises(InvalidResponseError, match="broke off"):
        await gather(model, COMPLETE)
    assert (await gather(model, COMPLETE)).text == "1 + 2"
    provider.fault = Fault.body_of(WHOLE, "text/event-stream")
    assert (await gather(model, COMPLETE)).text == "1 + 2"
    provider.fault = Fault.body_of(BARE, "text/event-stream")
    with pytest.raises(InvalidResponseError, match="broke off"):
        await gather(model, COMPLETE)
    await model.close()


async def test_an_answer_gets_half_of_a_window_that_it_and_the_prompt_exceed(
    provider: LoopbackProvider, tmp_path: Path
) -> None:
    refusal = (
        "This model's maximum context length is 1000 tokens. However, you requested 1300 tokens "
        "(500 in the messages, 800 in the completion)."
    )

    def narrow(seen: Any) -> Fault | None:
        too_long = seen.body["max_tokens"] > 500
        return Fault.status(400, {"error": {"message": refusal}}) if too_long else None

    provider.fault = narrow
    assert await asked(adapter(provider, data_dir=tmp_path), EXPLAIN) == "1 + 2"
    assert provider.requests[-1].body["max_tokens"] == 500


def refuses(text: str, status: int, name: str, least: int | None = None) -> Any:
    """A service that refuses a parameter (or a longer answer) in these words."""

    def answer(seen: Any) -> Fault | None:
        if name == "system":
            bad = seen.body["messages"][0]["role"] == "system"
        else:
            bad = name in seen.body and (least is None or seen.body[name] > least)
        return Fault.status(status, {"error": {"message": text}}) if bad else None

    return answer


@pytest.mark.parametrize(
    ("text", "status", "name", "least"),
    [
        ("Developer instruction is not enabled for models/gemma-3-27b-it", 400, "system", None),
        ("Conversation roles must alternate user/assistant/user/assistant/...", 400, "system", None),
        ("Jinja Exception: Only user and assistant roles are supported!", 500, "system", None),
        ("Unexpected message role.", 400, "system", None),
        ("Invalid value: 'system'. Supported values are: 'user'.", 400, "system", None),
        ("Argument not supported on this model: stop", 400, "stop", None),
        ("Model grok-4 does not support parameter stop.", 400, "stop", None),
        ("stop_sequences are not supported", 400, "stop", None),
        ("The maximum tokens you requested exceeds the model limit of 32.", 400, "max_tokens", 32),
        ("max tokens must be less than or equal to 32", 400, "max_tokens", 32),
        ("`inputs` tokens + `max_new_tokens` must be <= 100.", 422, "max_tokens", 50),
    ],
)  # fmt: skip
async def test_a_refusal_in_other_words_is_understood(
    provider: LoopbackProvider, tmp_path: Path, text: str, status: int, name: str, least: int | None
) -> None:
    provider.fault = refuses(text, status, name, least)
    prompt = Prompt("complete", "python", "a.py", max_tokens=64, stop=("#end",))
    assert await asked(adapter(provider, data_dir=tmp_path), prompt) == "1 + 2"
    assert len(provider.requests) == 2


async def test_a_thought_that_used_up_the_limit_may_be_a_refusal(
    provider: LoopbackProvider, tmp_path: Path
) -> None:
    text = "Could not finish the message because max_tokens or model output limit was reached."
    short = Fault.status(400, {"error": {"message": text}})
    provider.fault = lambda seen: short if seen.body["max_tokens"] < 1000 else None
    assert await asked(adapter(provider, data_dir=tmp_path)) == "1 + 2"


@pytest.mark.parametrize(
    "text",
    [
        "The chatCompletion operation does not work with the specified model, gpt-9-codex.",
        'model "gpt-9-codex" is not accessible via the /chat/completions endpoint',
    ],
)
async def test_a_model_that_is_not_in_chat_is_asked_by_responses(
    provider: LoopbackProvider, tmp_path: Path, text: str
) -> None:
    refused = Fault.status(400, {"error": {"message": text}})
    provider.fault = lambda seen: refused if seen.path.endswith("/chat/completions") else None
    assert await asked(adapter(provider, "auto", data_dir=tmp_path)) == "1 + 2"
    assert [r.path for r in provider.requests] == ["/v1/chat/completions", "/v1/responses"]


@pytest.mark.parametrize(
    "text",
    [
        "reasoning_effort: unknown variant `none`, expected one of `low`, `medium`, `high`",
        "unknown variant `none`, expected one of `low`, `medium`, `high`",
        "Invalid value: 'none'. Supported values are: 'low', 'medium', and 'high'.",
        "Input should be 'low', 'medium' or 'high'",
    ],
)
async def test_a_refused_value_of_a_switch_is_not_a_refused_switch(
    provider: LoopbackProvider, tmp_path: Path, text: str
) -> None:
    def effort(seen: Any) -> Fault | None:
        if seen.body.get("reasoning_effort") in ("none", "minimal"):
            return Fault.status(400, {"error": {"message": text}})
        short = seen.body["max_tokens"] < 1000
        return Fault.body_of(STARVED, "text/event-stream") if short else None

    provider.fault = effort
    model = adapter(provider, data_dir=tmp_path, local=False, thinking="auto")
    assert await asked(model) == "1 + 2"
    assert provider.requests[-1].body["reasoning_effort"] == "low"
