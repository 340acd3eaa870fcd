"""The context is immutable: a change returns another one and leaves the first as it was."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ensemble_lsp.app import AppContext, open_app, reconfigured
from ensemble_lsp.app.failures import failed, no_model
from ensemble_lsp.app.model_admin import describe_models, parse_model, with_model, without_model
from ensemble_lsp.consensus.fan_out import FanOutResult
from ensemble_lsp.errors import (
    AuthenticationError,
    ConnectionFailedError,
    ProviderError,
    SettingsError,
    UnknownModelError,
)

CONFIG = """
[[models]]
name = "one"
provider = "recall"
model = "recall"
tasks = ["complete"]

[[models]]
name = "two"
provider = "recall"
model = "recall"
tasks = ["complete"]
"""


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[AppContext]:
    (tmp_path / "config.toml").write_text(CONFIG)
    app = await open_app(config_path=tmp_path / "config.toml", data_dir=tmp_path / "data", env={})
    yield app
    await app.close()


def names(app: AppContext) -> list[str]:
    return [entry.profile.name for entry in app.registry.entries()]


async def test_no_part_of_a_context_can_be_replaced_or_changed(app: AppContext) -> None:
    for field in dataclasses.fields(AppContext):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(app, field.name, None)
    with pytest.raises(TypeError):
        app.pins["complete"] = "one"
    with pytest.raises(ValueError, match="frozen"):
        app.settings.trace = 1


async def test_a_change_returns_another_context_and_leaves_the_first(app: AppContext) -> None:
    model = parse_model({"name": "three", "provider": "recall"})
    pinned = app.with_pin("complete", "two")
    more = await with_model(pinned, model)
    less = await without_model(more, "one")
    assert [names(each) for each in (app, pinned, more, less)] == [
        ["one", "two"],
        ["one", "two"],
        ["one", "two", "three"],
        ["two", "three"],
    ]
    assert [each.pin("complete") for each in (app, pinned, less)] == [None, "two", "two"]
    assert less.workspace is app.workspace and less.suggestions is app.suggestions


async def test_pins_and_added_models_outlive_new_settings(app: AppContext) -> None:
    changed = await with_model(
        app.with_pin("complete", "two"), parse_model({"name": "three", "provider": "recall"})
    )
    new, issues = await reconfigured(changed, {"selector": {"strategy": "seed"}})
    assert not issues
    assert new.selector is not app.selector
    assert (new.pin("complete"), names(new)) == ("two", ["one", "two", "three"])
    pinned, _ = await reconfigured(new, {"selector": {"pin": {"complete": "one"}}})
    assert pinned.pin("complete") == "one"
    lifted = pinned.with_pin("complete", None)
    assert lifted.pin("complete") is None
    again, _ = await reconfigured(
        lifted, {"selector": {"pin": {"complete": "one"}}, "complete": {"debounceMs": 1}}
    )
    assert again.pin("complete") is None


async def test_models_that_failed_alike_give_their_advice_once(app: AppContext) -> None:
    errors: dict[str, ProviderError] = {
        name: ConnectionFailedError(name, f"Start the server. {name}: nothing answers.")
        for name in ("one", "two")
    }
    errors["three"] = AuthenticationError("three", "Set a valid key. three: not accepted.")
    error = failed(app, "generate", FanOutResult([], errors, []), list(errors))
    assert str(error) == (
        "Start the server. one: nothing answers. two: nothing answers. "
        "Set a valid key. three: not accepted. None of the models answered."
    )


async def test_wrong_models_are_refused(app: AppContext) -> None:
    with pytest.raises(UnknownModelError):
        app.with_pin("complete", "three")
    with pytest.raises(UnknownModelError):
        await without_model(app, "three")
    with pytest.raises(SettingsError, match="There is a model 'one' already"):
        await with_model(app, parse_model({"name": "one", "provider": "recall"}))
    assert str(no_model(app, "explain")).startswith(
        "Add a model: none can explain. Set OPENAI_API_KEY"
    )
    assert "models add" in str(no_model(app, "explain"))
    assert "models add" not in str(no_model(app, "edit"))  # no packaged model can
    assert [model["name"] for model in await describe_models(app)] == ["one", "two"]
