from __future__ import annotations

from typing import Any

import pytest

from ensemble_lsp.errors import SettingsError
from ensemble_lsp.models.profiles import (
    base_url,
    fim_names,
    fim_template,
    is_loopback,
    known_model,
    make_profile,
)
from ensemble_lsp.settings import ModelSettings


def settings(**fields: Any) -> ModelSettings:
    return ModelSettings(**{"name": "m", "provider": "openai", "model": "gpt-4.1-mini", **fields})


@pytest.mark.parametrize(
    ("model", "fim"),
    [
        ("qwen2.5-coder:7b", "qwen-coder"),
        ("Qwen/Qwen2.5-Coder-7B-Instruct", "qwen-coder"),
        ("qwen3-coder-30b-a3b", "qwen-coder"),
        ("deepseek-ai/deepseek-coder-6.7b-base", "deepseek-coder"),
        ("deepseek-coder-v2:16b", "deepseek-coder"),
        ("bigcode/starcoder2-3b", "starcoder2"),
        ("starcoderbase-1b", "starcoder"),
        ("codellama/CodeLlama-7b-hf", "codellama"),
        ("codegemma:2b-code", "codegemma"),
        ("ibm-granite/granite-8b-code-base", "granite"),
        ("granite-code:3b", "granite"),
        ("granite-4.0-h-tiny", "granite4"),
        ("mistralai/Codestral-22B-v0.1", "codestral"),
        ("gpt-3.5-turbo-instruct", "suffix"),
        ("gpt-4.1-mini", "none"),
        ("something-new", "none"),
    ],
)
def test_fim_is_chosen_by_the_models_id_on_the_completions_api(model: str, fim: str) -> None:
    assert make_profile(settings(model=model, api="completions")).fim == fim


def test_a_chat_api_completes_by_a_chat_prompt_whatever_the_model_was_taught() -> None:
    assert make_profile(settings(model="qwen2.5-coder:7b", api="chat")).fim == "none"
    assert make_profile(settings(model="qwen2.5-coder:7b", fim="qwen-coder")).fim == "none"
    claude = settings(provider="anthropic", model="claude-sonnet-4-5", api="completions")
    assert make_profile(claude).fim == "none"


def test_fim_as_it_is_set_wins_over_the_models_id() -> None:
    same = {"model": "qwen2.5-coder:7b", "api": "completions"}
    assert make_profile(settings(fim="starcoder2", **same)).fim == "starcoder2"
    assert make_profile(settings(fim="none", **same)).fim == "none"
    assert make_profile(settings(fim="suffix", **same)).fim == "suffix"


def test_services_with_a_template_of_their_own_get_the_suffix_as_a_parameter() -> None:
    ollama = settings(
        model="qwen2.5-coder:7b", api="completions", base_url="http://localhost:11434/v1"
    )
    assert make_profile(ollama).fim == "suffix"
    deepseek = settings(
        model="deepseek-chat", api="completions", base_url="https://api.deepseek.com/beta"
    )
    assert make_profile(deepseek).fim == "suffix"


def test_an_unknown_fim_names_the_valid_ones_and_the_nearest() -> None:
    with pytest.raises(SettingsError) as caught:
        make_profile(settings(fim="qwencoder"))
    assert "'qwen-coder'" in str(caught.value)
    for name in fim_names():
        assert name in str(caught.value)
    with pytest.raises(SettingsError, match="valid are auto, none, suffix"):
        make_profile(settings(fim="zzz"))


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8080/v1", True),
        ("http://127.8.9.1/v1", True),
        ("http://localhost:1234/v1", True),
        ("http://[::1]:8080", True),
        ("http://LOCALHOST:8080", True),
        ("https://api.openai.com/v1", False),
        ("http://192.168.1.4:8080", False),
        ("http://127.0.0.1.example.com", False),
        ("http://localhost.example.com", False),
        ("http://example.com/127.0.0.1", False),
        ("http://127.0.0.1@example.com", False),
        ("http://[broken", False),
    ],
)
def test_only_a_loopback_host_is_local(url: str, local: bool) -> None:
    assert is_loopback(url) is local


def test_local_servers_share_one_queue_and_remote_ones_have_none() -> None:
    named = make_profile(settings(model="qwen3", base_url="http://localhost:8080/v1"))
    numbered = make_profile(settings(model="qwen3", base_url="http://127.0.0.1:8080/v1"))
    assert named.local
    assert named.backend == numbered.backend == "127.0.0.1:8080"
    remote = make_profile(settings())
    assert (remote.local, remote.backend) == (False, "")


def test_embedded_models_are_local_and_recall_is_free() -> None:
    llama = make_profile(settings(provider="llamacpp", model="qwen2.5-coder-0.5b"))
    assert (llama.local, llama.fim, llama.concurrency, llama.free) == (True, "native", 2, False)
    recall = make_profile(settings(provider="recall", model=""))
    assert (recall.local, recall.free, recall.backend) == (True, True, "")


def test_windows_are_known_and_what_is_set_wins() -> None:
    assert make_profile(settings()).context_tokens == 1_047_576
    assert make_profile(settings(model="nobody-knows")).context_tokens == 8_192
    assert make_profile(settings(context_tokens=1000)).context_tokens == 1000
    assert known_model("ft:gpt-4o-mini:me::abc").context_tokens == 128_000


def test_a_server_on_this_machine_is_not_trusted_with_the_models_whole_window() -> None:
    model = {"model": "qwen3-coder"}
    plain = make_profile(settings(base_url="http://127.0.0.1:8080/v1", **model))
    ollama = make_profile(settings(base_url="http://127.0.0.1:11434/v1", **model))
    assert (plain.context_tokens, ollama.context_tokens) == (8_192, 4_096)


def test_prices_tasks_and_limits_pass_through() -> None:
    given = settings(
        input_price=0.4, output_price=1.6, tasks=("explain",), timeout=7, concurrency=9
    )
    profile = make_profile(given)
    assert (profile.input_price, profile.output_price) == (0.4, 1.6)
    assert (profile.tasks, profile.timeout, profile.concurrency) == (("explain",), 7, 9)


def test_addresses_default_to_the_providers_own_and_users_need_not_know_about_v1() -> None:
    def url(provider: str, given: str | None) -> str:
        return base_url(settings(provider=provider, base_url=given))

    assert url("openai", None) == "https://api.openai.com/v1"
    assert url("openai", "http://localhost:11434") == "http://localhost:11434/v1"
    assert url("openai", "http://localhost:11434/v1/") == "http://localhost:11434/v1"
    assert url("openai", "https://api.deepseek.com/beta") == "https://api.deepseek.com/beta"
    assert url("anthropic", None) == "https://api.anthropic.com"
    assert url("anthropic", "http://localhost:8080/v1") == "http://localhost:8080"


def test_every_template_has_tokens_and_stops_within_what_services_take() -> None:
    for name in fim_names()[3:]:
        template = fim_template(name)
        assert template is not None
        assert template.prefix and template.suffix and 1 <= len(template.stop) <= 4
    assert fim_template("suffix") is None
