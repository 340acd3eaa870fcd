"""Jobs on disk, and tuned models among the user's models."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomllib

from ensemble_lsp.errors import FineTuningError
from ensemble_lsp.finetuning.jobs import JobStore, TuningJob, Upload
from ensemble_lsp.finetuning.local.libraries import missing_libraries
from ensemble_lsp.finetuning.prepared_data import open_data
from ensemble_lsp.finetuning.provider_support import no_jobs
from ensemble_lsp.finetuning.registration import (
    ConfigTarget,
    register_model,
    retire_model,
    tuned_settings,
)
from ensemble_lsp.models.api_keys import Keyring
from ensemble_lsp.settings import ModelSettings, add_model_to_config

OWN = ModelSettings(name="gpt", provider="openai", model="gpt-4.1-mini", input_price=0.4)
OTHER = ModelSettings(
    name="mine", provider="openai", model="qwen", base_url="http://127.0.0.1:1/v1"
)


def job(base: ModelSettings = OTHER, **more: Any) -> TuningJob:
    given = {
        "name": "mine-tuned", "created": 1.0, "base": base, "model": base.model,
        "method": "supervised", "training": Upload("/x.jsonl", "0"), "state": "succeeded",
        "tuned": "ft:qwen:1",
    }  # fmt: skip
    return TuningJob(**{**given, **more})


def names(config: Path) -> list[str]:
    return [m["name"] for m in tomllib.loads(config.read_text())["models"]]


class Ring:
    """A system keyring in memory."""

    def __init__(self, **keys: str) -> None:
        self.keys = keys

    def get_password(self, service: str, user: str) -> str | None:
        return self.keys.get(user)

    def set_password(self, service: str, user: str, value: str) -> None:
        self.keys[user] = value


async def add(store: JobStore, one: TuningJob) -> TuningJob:
    return await asyncio.to_thread(store.add, one)


async def configure(config: Path, model: ModelSettings) -> None:
    await asyncio.to_thread(add_model_to_config, config, model)


def test_a_job_is_read_as_it_was_written_and_only_by_the_user(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    first = store.add(job(validation=Upload("/v.jsonl", "1", 3, "file-1"), seed=4))
    second = store.add(job(created=2.0, hyperparameters={"n_epochs": 2, "beta": 0.1}))
    assert (first.name, second.name) == ("mine-tuned", "mine-tuned-2")
    assert JobStore(tmp_path).all() == [first, second]
    modes = {stat.S_IMODE(p.stat().st_mode) for p in store.folder.iterdir()}
    assert modes == {0o600}
    assert store.add(job(name="../a b/c")).name == "a-b-c"


def test_a_damaged_file_is_named_and_the_others_stay(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    kept = store.add(job())
    (store.folder / "broken.json").write_text('{"name": "x"')
    assert store.all() == [kept]
    assert "broken.json" in store.notices[0]


def test_the_latest_unfinished_job_is_meant_where_none_is_named(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    with pytest.raises(FineTuningError, match="no fine-tuning jobs"):
        store.get(None)
    store.add(job(created=1.0, state="running", job_id="ftjob-1"))
    store.add(job(created=2.0))
    assert store.get(None).state == "running"
    assert store.get("ftjob-1").name == "mine-tuned"
    with pytest.raises(FineTuningError, match="mine-tuned, mine-tuned-2"):
        store.get("other")


async def test_a_tuned_model_joins_once_with_its_bases_settings(tmp_path: Path) -> None:
    config, store = tmp_path / "config.toml", JobStore(tmp_path)
    base = OTHER.model_copy(update={"timeout": 44.0, "tasks": ("complete",)})
    await configure(config, base)
    one = await add(store, job(base))
    joined = await register_model(one, store, ConfigTarget(config, {}))
    assert joined.joined == "mine-tuned"
    # Killed between the two writes: the next one finds the model there.
    again = await register_model(one, store, ConfigTarget(config, {}))
    assert again.joined == "mine-tuned"
    assert names(config) == ["mine", "mine-tuned"]
    tuned = tomllib.loads(config.read_text())["models"][1]
    assert (tuned["timeout"], tuned["tasks"], tuned["model"]) == (44.0, ["complete"], "ft:qwen:1")
    other = await add(store, job(base, tuned="ft:qwen:2"))
    assert (
        await register_model(replace(other, name="mine"), store, ConfigTarget(config, {}))
    ).joined == "mine-2"


async def test_models_that_were_merely_found_are_not_lost(tmp_path: Path) -> None:
    config, store = tmp_path / "config.toml", JobStore(tmp_path)
    found = [OTHER, ModelSettings(name="recall", provider="recall")]
    await register_model(await add(store, job()), store, ConfigTarget(config, {}, found))
    assert names(config) == ["mine", "recall", "mine-tuned"]


async def test_a_key_of_the_base_serves_the_tuned_model_too(tmp_path: Path) -> None:
    config, store, ring = tmp_path / "config.toml", JobStore(tmp_path), Ring(mine="sk-secret-key-1")
    await configure(config, OTHER)
    await register_model(
        await add(store, job()), store, ConfigTarget(config, {}, (), Keyring(lambda: ring))
    )
    assert ring.keys["mine-tuned"] == "sk-secret-key-1"
    assert "sk-secret" not in config.read_text()


async def test_only_tuned_models_are_retired(tmp_path: Path) -> None:
    config, store = tmp_path / "config.toml", JobStore(tmp_path)
    await configure(config, OTHER)
    home = ConfigTarget(config, {})
    await register_model(await add(store, job()), store, home)
    with pytest.raises(FineTuningError, match="'mine'; choose from mine-tuned"):
        await retire_model(store, "mine", home)
    assert (await retire_model(store, "mine-tuned", home)).retired
    assert names(config) == ["mine"]
    with pytest.raises(FineTuningError, match="begin with `ensemble-lsp finetune prepare`"):
        await retire_model(store, "mine-tuned", home)


def test_a_tuned_model_of_openais_own_costs_what_it_costs() -> None:
    priced = tuned_settings(job(OWN), "x")
    assert (priced.input_price, priced.output_price) == (0.8, 3.2)
    unpriced = OWN.model_copy(update={"input_price": 0.0})
    assert tuned_settings(job(unpriced), "x").input_price == 0
    elsewhere = OTHER.model_copy(update={"model": "gpt-4.1-mini", "input_price": 0.1})
    assert tuned_settings(job(elsewhere), "x").input_price == 0.1


@pytest.mark.parametrize(
    ("provider", "method", "said"),
    [
        ("anthropic", "supervised", "no public fine-tuning endpoint"),
        ("recall", "supervised", "no weights"),
        ("llamacpp", "dpo", "its provider offers supervised training only"),
        ("llamacpp", "supervised", None),
        ("openai", "dpo", None),
    ],
)
def test_what_cannot_be_fine_tuned_says_so(provider: Any, method: Any, said: str | None) -> None:
    told = no_jobs(ModelSettings(name="x", provider=provider, model="y"), method)
    assert told is None if said is None else said in (told or "")


def test_missing_libraries_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    told = missing_libraries() or ""
    assert "torch, transformers, peft, gguf" in told
    assert "ensemble-lsp[finetune-local]" in told


def test_data_are_the_latest_that_were_prepared(tmp_path: Path) -> None:
    with pytest.raises(FineTuningError, match="no prepared data"):
        open_data(None, tmp_path)
    with pytest.raises(FineTuningError, match=r"has no training\.jsonl"):
        open_data(tmp_path, tmp_path)
