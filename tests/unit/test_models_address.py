"""``baseUrl``, whatever of an endpoint it holds, and the delays that providers ask for."""

from __future__ import annotations

import time
from datetime import datetime, timezone

import pytest

from ensemble_lsp.errors import SettingsError
from ensemble_lsp.models.address import address_of
from ensemble_lsp.models.profiles import make_profile
from ensemble_lsp.models.rate_limits import retry_after
from ensemble_lsp.settings import ModelSettings


def model(base_url: str | None, **more: object) -> ModelSettings:
    return ModelSettings.model_validate(
        {"name": "m", "provider": "openai", "model": "x", "base_url": base_url, **more}
    )


@pytest.mark.parametrize(
    ("url", "base", "query", "api"),
    [
        (None, "https://api.openai.com/v1", "", "chat"),
        ("http://h", "http://h/v1", "", "chat"),
        ("http://h/v1/", "http://h/v1", "", "chat"),
        ("http://h/v1/chat/completions", "http://h/v1", "", "chat"),
        ("http://h/v1/completions", "http://h/v1", "", "completions"),
        ("http://h/v1/fim/completions/", "http://h/v1", "", "fim"),
        ("http://h/infill", "http://h/v1", "", "infill"),
        ("http://h/v1/responses?x=1", "http://h/v1", "x=1", "responses"),
        ("http://h/openai/deployments/d?api-version=1", "http://h/openai/deployments/d", "api-version=1", "chat"),
        ("https://codestral.mistral.ai/v1", "https://codestral.mistral.ai/v1", "", "fim"),
        ("https://api.mistral.ai/v1", "https://api.mistral.ai/v1", "", "chat"),
        ("https://mine.openai.azure.com/", "https://mine.openai.azure.com/openai/v1", "", "chat"),
        ("https://api.groq.com/v1", "https://api.groq.com/openai/v1", "", "chat"),
        ("https://openrouter.ai", "https://openrouter.ai/api/v1", "", "chat"),
        ("https://openrouter.ai/other", "https://openrouter.ai/other", "", "chat"),
        ("https://notgroq.com/v1", "https://notgroq.com/v1", "", "chat"),
    ],
)  # fmt: skip
def test_an_address_is_taken_apart(url: str | None, base: str, query: str, api: str) -> None:
    address = address_of(model(url))
    assert (address.base, address.query, address.api) == (base, query, api)


def test_the_model_and_the_setting_choose_the_api() -> None:
    mistral = "https://api.mistral.ai/v1"
    assert address_of(model(mistral, model="codestral-latest")).api == "fim"
    assert address_of(model(mistral, model="codestral-latest", api="chat")).api == "chat"
    assert address_of(model("https://api.inceptionlabs.ai/v1", model="mercury-coder")).api == "fim"


def test_the_root_is_beside_the_version() -> None:
    assert address_of(model("http://h:8080")).root == "http://h:8080"
    assert address_of(model("http://h/llm/v1")).root == "http://h/llm"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://platform.openai.com/playground", "set https://api.openai.com/v1"),
        ("https://openrouter.ai/models/x", "set https://openrouter.ai/api/v1"),
        ("http://h/#/chat", "web page"),
        ("http://127.0.0.1:11434/api/generate", "/v1"),
        ("http://h/v1/messages", "set provider to anthropic"),
        ("https://h:port/v1", "not an address"),
    ],
)
def test_an_address_that_cannot_work_is_refused_in_one_sentence(url: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make_profile(model(url))
    assert said in str(caught.value)
    assert str(caught.value).count(". ") == 0


@pytest.mark.parametrize(
    ("headers", "words", "seconds"),
    [
        ({}, "", None),
        ({"retry-after": "2"}, "", 2),
        ({"retry-after": "1m30s"}, "", 90),
        ({"retry-after-ms": "1800"}, "", 1.8),
        ({"retry-after": "soon"}, "Please try again in 6m0s.", 360),
        ({}, "Please try again in 1.984999999s. Visit https://x/billing", 1.985),
        ({}, "please try again after 1 seconds", 1),
        ({}, "Please try again in 1 minute and more", 60),
        ({}, "Please wait 2 seconds before retrying.", 2),
        ({}, 'details [{"retryDelay": "36s"}]', 36),
        ({}, '"retryDelay\\": \\"36s\\"', 36),
        ({}, "Your quota will reset after 27h41m36s", 99_696),
        ({}, "retry shortly, or add your own key", None),
        ({"x-ratelimit-reset-requests": "8s", "x-ratelimit-remaining-requests": "0",
          "x-ratelimit-reset-tokens": "9m7s", "x-ratelimit-remaining-tokens": "12"}, "", 8),
    ],
)  # fmt: skip
def test_the_delay_is_read_wherever_it_is(
    headers: dict[str, str], words: str, seconds: float | None
) -> None:
    found = retry_after(headers, words)
    assert found == (None if seconds is None else pytest.approx(seconds, abs=0.01))


def test_a_reset_may_be_a_moment() -> None:
    at = time.time() + 40
    iso = datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name, value in (
        ("x-ratelimit-reset", str(int(at * 1000))),
        ("x-ratelimit-reset", str(int(at))),
        ("anthropic-ratelimit-requests-reset", iso),
    ):
        assert retry_after({name: value}) == pytest.approx(40, abs=5)
