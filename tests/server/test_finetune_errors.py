"""``ensemble-lsp finetune``: refusals and failures of a provider, and models that cannot be tuned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.finetune_command import KEY, START, Command, chat, command, data, jsonl, provider
from tests.support.tuning import SUCCESS, TuningProvider

__all__ = ["command", "data", "provider"]  # fixtures
pytestmark = pytest.mark.e2e  # a process for each: not for `make test`


def test_a_file_that_the_provider_refuses_is_told_with_its_reason(
    command: Command, provider: TuningProvider, tmp_path: Path
) -> None:
    lines = [chat(n) for n in range(12)]
    lines[4] = chat(4, "REFUSE-ME")
    done = command.run("start", str(jsonl(tmp_path / "bad.jsonl", lines)), *START)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "Invalid file format. Line 5, message 2 is not allowed (training_file)" in last
    assert set(command.models()) == {"gpt", "claude", "copy"}
    assert provider.files[0].deleted
    status = command.run("status")
    assert (status.returncode, "Line 5" in status.stderr) == (1, True)


def test_a_job_that_fails_while_it_runs_is_told_with_its_reason(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    provider.script = [*SUCCESS[:3], ("failed", ["You exceeded your fine-tuning quota"])]
    done = command.run("start", str(data), *START, "--json")
    assert done.returncode == 1
    row = json.loads(done.stdout)
    assert (row["state"], row["message"]) == ("failed", "You exceeded your fine-tuning quota")


def test_refusals_are_quoted_and_nothing_is_tried_again(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    said = f"Fine-tuning is no longer available to new customers; key {KEY}"
    provider.refuse("POST", "/fine_tuning/jobs$", 403, said)
    done = command.run("start", str(data), *START)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "no longer available to new customers" in last
    assert "delete the uploaded files with `ensemble-lsp finetune cancel gpt-tuned`" in last
    status = command.ok("status")
    assert status.startswith("gpt-tuned: not started; ") and "finetune cancel gpt-tuned" in status
    assert provider.count("POST", "/fine_tuning/jobs$") == 1
    # Mended at the provider's: the same job goes on, with the file that is there already.
    command.ok("status", "--follow", "--every", "0.05")
    assert provider.count("POST", "/files$") == 1


def test_a_wrong_key_is_one_sentence(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    command.env["TUNING_KEY"] = "sk-wrong-0123456789abcdef"
    done = command.run("start", str(data), *START)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "TUNING_KEY" in last
    assert "sk-wrong" not in done.stderr


@pytest.mark.parametrize(("name", "said"), [("claude", "Anthropic has no"), ("copy", "no weights")])
def test_providers_without_fine_tuning_say_so_in_one_sentence(
    command: Command, data: Path, name: str, said: str
) -> None:
    for action in ("prepare", "start"):
        done = command.run(action, str(data), "--model", name, "--yes")
        assert done.returncode == 1
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_where_no_model_can_be_tuned_it_says_what_to_add(command: Command, data: Path) -> None:
    command.config.write_text(
        '[[models]]\nname = "copy"\nprovider = "recall"\nmodel = "recall"\n', encoding="utf-8"
    )
    done = command.run("prepare", str(data))
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "none of your models can be fine-tuned; add a model of OpenAI" in done.stderr


def test_a_server_without_these_endpoints_is_told_apart(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    provider.refuse("POST", "/files$", 404, "<html>not here</html>")
    done = command.run("start", str(data), *START)
    assert done.returncode == 1
    assert "status 404" in done.stderr.splitlines()[-1]
