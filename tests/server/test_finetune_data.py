"""``ensemble-lsp finetune``: the training data, from files and the history, before a job is created."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.finetune_command import (
    PROGRAM,
    START,
    Command,
    chat,
    command,
    data,
    jsonl,
    provider,
)
from tests.support.providers import LoopbackProvider
from tests.support.providers import running as running_models
from tests.support.tuning import TuningProvider

__all__ = ["command", "data", "provider"]  # fixtures
pytestmark = pytest.mark.e2e  # a process for each: not for `make test`


def test_faults_are_named_by_line_and_nothing_is_sent(
    command: Command, provider: TuningProvider, tmp_path: Path
) -> None:
    lines: list[Any] = [chat(n) for n in range(12)]
    lines[2] = "{not json"
    lines[5] = {"messages": [{"role": "user", "content": "x"}]}
    lines[7] = chat(7, "a <|fim_suffix|> b")
    path = jsonl(tmp_path / "faulty.jsonl", lines)
    for action in ("prepare", "start"):
        done = command.run(action, str(path), "--model", "gpt", *(["--yes"] * (action == "start")))
        assert done.returncode == 1
        told = done.stderr.splitlines()
        assert [line.split(":")[0] for line in told[:3]] == ["line 3", "line 6", "line 8"]
        assert "<|fim_suffix|>" in told[2]
        assert told[-1].startswith("ensemble-lsp: ")
    assert provider.requests == []


def test_preferences_are_sent_as_dpo(
    command: Command, provider: TuningProvider, tmp_path: Path
) -> None:
    lines = [
        {
            "file": f"f{n % 4}.py",
            "input": {"messages": [{"role": "user", "content": f"def f{n}("}]},
            "preferred_output": [{"role": "assistant", "content": f"a{n}): ..."}],
            "non_preferred_output": [{"role": "assistant", "content": "x"}],
        }
        for n in range(20)
    ]
    path = jsonl(tmp_path / "pairs.jsonl", lines)
    summary = command.json("prepare", str(path), "--model", "gpt", "--method", "dpo")
    assert summary["validation"]["files"] == 1
    command.ok("start", *START, "--beta", "0.2", "--batch-size", "4")
    asked = provider.jobs[0].asked
    assert asked["method"] == {
        "type": "dpo",
        "dpo": {"hyperparameters": {"beta": 0.2, "batch_size": 4}},
    }
    assert b'"file"' not in provider.files[0].data


def test_nothing_is_sent_without_a_yes(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    done = command.run("start", str(data), "--model", "gpt")
    assert (done.returncode, "--yes" in done.stderr) == (2, True)
    dry = command.json("start", str(data), "--model", "gpt", "--dry-run")
    assert dry["estimate"]["epochs"] == 10
    assert "send 10 examples of your code; price: about $" in command.ok(
        "start", str(data), "--model", "gpt", "--dry-run"
    )
    written = command.ok(
        "prepare", str(data), "--model", "gpt", "--out", str(command.home / "my data")
    )
    # The sentence names this data: without it the latest prepared folder would be sent.
    assert f"`ensemble-lsp finetune start '{command.home / 'my data'}'` trains on it" in written
    assert provider.requests == []
    assert command.job_files() == []


def test_a_file_is_started_with_the_examples_that_prepare_shows(
    command: Command, provider: TuningProvider, tmp_path: Path
) -> None:
    lines = [chat(n, file=f"part_{n % 6}.py") for n in range(24)]
    path = jsonl(tmp_path / "mine.jsonl", [*lines, *lines[:3]])
    options = ("--model", "gpt", "--epochs", "2")
    shown = command.json("prepare", str(path), *options, "--dry-run")
    held = shown["validation"]["examples"]
    assert shown["training"]["examples"] + held == 24 and held
    dry = command.run("start", str(path), *options, "--dry-run")
    assert f"send 24 examples of your code ({held} of them for validation)" in dry.stdout
    assert f"{shown['trainedTokens']:,} tokens" in dry.stdout
    assert "skipped: repeated examples (3)" in dry.stderr
    assert not (command.data / "finetuning").exists()
    command.ok("start", str(path), *START, "--epochs", "2")
    sent = [file.data.count(b"\n") for file in provider.files]
    assert sent == [shown["training"]["examples"], held]
    assert b'"file"' not in provider.files[0].data


def test_too_few_lines_are_one_sentence_with_what_was_left_out(
    command: Command, tmp_path: Path
) -> None:
    lines = [chat(n) for n in range(9)]
    path = jsonl(tmp_path / "few.jsonl", [*lines, *lines[:3]])
    for action in ("prepare", "start"):
        done = command.run(action, str(path), "--model", "gpt")
        sentence = (
            f"{path} cannot be used: 9 valid examples; at least 10 are needed. "
            "Left out: repeated examples (3)."
        )
        assert sentence in done.stderr.splitlines()[-1]
        assert "9 valid examples" not in "".join(done.stderr.splitlines()[:-1])


def test_the_price_is_that_of_the_command_that_prepare_names(command: Command, data: Path) -> None:
    written = command.ok("prepare", str(data), "--model", "gpt", "--epochs", "2", "--price", "7.5")
    assert "--epochs 2 --price 7.5` trains on it" in written
    assert "validation: no examples" in written


def test_data_that_changed_after_the_start_are_not_sent(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    provider.refuse("POST", "/files$", 400, "try later")
    assert command.run("start", str(data), *START).returncode == 1
    stored = json.loads(command.job_files()[0].read_text())["training"]["path"]
    jsonl(Path(stored), [chat(n, "other") for n in range(12)])
    done = command.run("status", "--follow")
    assert (done.returncode, "has changed" in done.stderr) == (1, True)
    assert provider.files == []
    command.ok("cancel", "gpt-tuned")


async def test_what_was_accepted_in_the_editor_becomes_training_data(
    home: Home, provider: TuningProvider
) -> None:
    replies = iter(range(1000))
    with running_models(LoopbackProvider(lambda _: f"amount * {next(replies)}")) as models:
        home.model("gpt", models.base_url)
        home.tables["history"] = {"keepText": True}
        home.tables["complete"] = {"candidates": 1}
        (home.workspace / ".gitignore").write_text("hidden.py\n")
        async with home.server() as client:
            for n in range(14):
                name = "hidden.py" if n == 13 else f"part_{n % 4}_{n}.py"
                uri = (home.workspace / name).as_uri()
                client.open(uri, f"def scaled_{n}(amount):\n    return ")
                (item,) = await client.inline(uri)
                client.accept(uri, item)
                await client.command("ensemble.accept", item["command"]["arguments"][0])
                if n == 12:
                    client.replace_all(uri, "nothing of it stayed\n")
                client.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
                client.close_document(uri)
            await client.shutdown()
    env = {
        **os.environ, "HOME": str(home.path), "ENSEMBLE_LSP_CONFIG": str(home.path / "config.toml"),
        "ENSEMBLE_LSP_DATA_DIR": str(home.path / "data"),
    }  # fmt: skip
    command = [PROGRAM, "finetune", "prepare", "--model", "gpt", "--json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["training"]["examples"] + summary["validation"]["examples"] == 12
    assert summary["leftOut"]["suggestions in files excluded from remote models"] == 1
    assert summary["leftOut"]["suggestions not accepted"] == 1  # undone at once
    lines = (Path(summary["folder"]) / "training.jsonl").read_text().splitlines()
    asked, answer = (m["content"] for m in json.loads(lines[0])["messages"][1:])
    assert "def scaled_" in asked
    assert answer.startswith("amount * ")
