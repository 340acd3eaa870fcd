"""Keys: found where they should be, sent nowhere else, shown to nobody."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import threading
import types

import pytest

from ensemble_lsp.errors import SettingsError
from ensemble_lsp.models.api_keys import (
    Key,
    Keyring,
    delete_key,
    find_key,
    missing_key,
    store_key,
    uses_official_address,
)
from ensemble_lsp.models.log_redaction import RedactKeys
from ensemble_lsp.settings import ModelSettings

SECRET = "sk-abcdef0123456789"
ENV = {"OPENAI_API_KEY": SECRET, "ANTHROPIC_API_KEY": "sk-ant-1", "MINE": f" {SECRET}2\n"}


def model(**values) -> ModelSettings:
    return ModelSettings(**{"name": "gpt", "provider": "openai", "model": "m", **values})


class FakeKeyring:
    """Stands for the ``keyring`` module."""

    def __init__(self, **stored: str) -> None:
        self.stored = {("ensemble-lsp", name): value for name, value in stored.items()}
        self.asked: list[str] = []

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append(username)
        return self.stored.get((service, username))

    def set_password(self, service: str, username: str, value: str) -> None:
        self.stored[service, username] = value

    def delete_password(self, service: str, username: str) -> None:
        del self.stored[service, username]


def ring(**stored: str) -> tuple[Keyring, FakeKeyring]:
    fake = FakeKeyring(**stored)
    return Keyring(lambda: fake), fake


async def test_the_models_own_variable_goes_first():
    key = await find_key(model(api_key_env="MINE"), ENV)
    assert (key.reveal(), key.source) == (f"{SECRET}2", "environment variable MINE")


async def test_the_providers_usual_variable_is_used_for_its_own_address():
    key = await find_key(model(), ENV)
    assert (key.reveal(), key.source) == (SECRET, "environment variable OPENAI_API_KEY")
    key = await find_key(model(provider="anthropic"), ENV)
    assert key.source == "environment variable ANTHROPIC_API_KEY"


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1",
        "http://127.0.0.1:11434/v1",
        "http://api.openai.com/v1",  # not encrypted
        "https://api.openai.com.evil.example/v1",
        "https://evilapi.openai.com/v1",
        "https://evil.example/api.openai.com",
        "https://api.anthropic.com/v1",
    ],
)
async def test_another_address_never_gets_the_providers_key(url: str):
    keyring, fake = ring(openai=SECRET)
    assert not await find_key(model(base_url=url), ENV, keyring)
    assert fake.asked == ["gpt"]


@pytest.mark.parametrize(
    "url", ["https://api.openai.com/v1", "https://eu.api.openai.com/v1", "https://API.OpenAI.com/"]
)
async def test_the_providers_own_addresses_get_it(url: str):
    assert uses_official_address(model(base_url=url))
    assert await find_key(model(base_url=url), ENV)


async def test_a_variable_that_is_named_but_not_set_is_not_replaced_by_the_usual_one():
    key = await find_key(model(api_key_env="NOT_SET"), ENV)
    assert (bool(key), key.source) == (False, "none")
    assert "NOT_SET" in (missing_key(model(api_key_env="NOT_SET")) or "")


async def test_the_keyring_is_asked_for_the_model_then_the_provider():
    keyring, fake = ring(openai=SECRET)
    key = await find_key(model(), {}, keyring)
    assert fake.asked == ["gpt", "openai"]
    assert key.source == "system keyring (ensemble-lsp/openai)"
    keyring, _ = ring(openai="x", gpt=SECRET)
    assert (await find_key(model(), {}, keyring)).source == "system keyring (ensemble-lsp/gpt)"


async def test_another_address_gets_the_key_stored_under_the_models_name():
    keyring, _ = ring(gpt=SECRET)
    assert await find_key(model(base_url="https://host/v1"), {}, keyring)


async def test_a_models_name_cannot_pass_for_a_providers():
    keyring, fake = ring(openai=SECRET)
    assert not await find_key(model(name="openai", base_url="https://host/v1"), {}, keyring)
    assert not await find_key(model(name="openai", provider="anthropic"), {}, keyring)
    assert fake.asked == ["anthropic"]


async def test_embedded_models_ask_for_no_key():
    keyring, fake = ring(recall=SECRET)
    assert not await find_key(ModelSettings(name="recall", provider="recall"), ENV, keyring)
    assert fake.asked == []


async def test_a_keyring_that_fails_is_no_key_and_not_asked_again():
    calls = []

    def load():
        calls.append(1)
        raise RuntimeError(f"no backend for {SECRET}")

    keyring = Keyring(load)
    assert not await find_key(model(), {}, keyring)
    assert not await find_key(model(), {}, keyring)
    assert (len(calls), keyring.problem) == (1, "RuntimeError")


async def test_a_keyring_that_hangs_is_given_up():
    release = threading.Event()
    keyring = Keyring(lambda: release.wait(30), timeout=0.01)
    try:
        assert not await find_key(model(), {}, keyring)
        assert keyring.problem == "TimeoutError"
    finally:
        release.set()


async def test_the_real_keyring_module_never_prints_or_raises(capfd):
    await find_key(model(name="surely-not-stored"), {}, Keyring())
    assert capfd.readouterr() == ("", "")


async def test_a_key_is_stored_and_removed():
    keyring, fake = ring()
    await store_key("gpt", SECRET, keyring)
    assert (await find_key(model(), {}, keyring)).reveal() == SECRET
    await delete_key("gpt", keyring)
    assert fake.stored == {}


async def test_a_keyring_that_cannot_store_says_what_to_do_instead_without_the_key():
    def fail(*args):
        raise RuntimeError(f"cannot store {args}")

    keyring = Keyring(lambda: types.SimpleNamespace(set_password=fail))
    with pytest.raises(SettingsError, match="environment variable") as caught:
        await store_key("gpt", SECRET, keyring)
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_missing_key_says_what_to_do_and_another_address_may_need_none():
    assert missing_key(model()) == (
        "no key: set the environment variable OPENAI_API_KEY, or store the key in the system "
        "keyring (keyring set ensemble-lsp gpt)"
    )
    assert missing_key(model(base_url="http://localhost:1234/v1")) is None


def test_a_key_does_not_show_itself():
    key = Key(SECRET, "environment variable X")
    texts = [repr(key), str(key), f"{key}", f"{key!r:>60}", "%s" % key, repr({"k": [key]})]  # noqa: UP031 - every way to format
    assert not any(SECRET in text for text in texts)
    assert not hasattr(key, "__dict__")
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            write(key)


def test_keys_compare_by_value_and_source():
    assert Key("a", "x") == Key("a", "x")
    assert Key("a", "x") != Key("b", "x")
    assert Key("ä", "x") != "ä"
    assert len({Key("a", "x"), Key("a", "x")}) == 1


def test_known_keys_are_replaced_in_log_records():
    redact = RedactKeys()
    redact.add(Key(SECRET, "x"))
    redact.add(Key(SECRET + "-longer", "x"))
    redact.add(Key("EMPTY", "x"))
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(redact)
    log = logging.getLogger("tests.redact")
    log.propagate = False
    log.addHandler(handler)
    try:
        log.warning("with %s and %r", SECRET, {"key": SECRET + "-longer"})
        log.warning(f"in text {SECRET}")
        try:
            raise ValueError(f"Incorrect API key {SECRET}")
        except ValueError:
            log.exception("EMPTY failed", stack_info=True)
    finally:
        log.removeHandler(handler)
    text = out.getvalue()
    assert SECRET not in text
    assert "longer" not in text.split("in text")[0]
    assert "with [key] and {'key': '[key]'}" in text
    assert "Incorrect API key [key]" in text
    assert "EMPTY failed" in text
