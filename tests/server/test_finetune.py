"""``ensemble-lsp finetune`` as a program, against files and jobs endpoints that go wrong."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomllib

from tests.server.conftest import Home
from tests.support.providers import LoopbackProvider, running
from tests.support.providers import running as running_models
from tests.support.tuning import SUCCESS, TuningProvider

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`

PROGRAM = Path(sys.executable).with_name("ensemble-lsp")
KEY = "sk-test-0123456789abcdef0123456789abcdef"


class Command:
    """The program with a home of its own."""

    def __init__(self, home: Path, base_url: str) -> None:
        self.home, self.data = home, home / "data"
        self.config = home / "config.toml"
        self.env = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
        self.env |= {
            "HOME": str(home), "TUNING_KEY": KEY, "ENSEMBLE_LSP_CONFIG": str(self.config),
            "ENSEMBLE_LSP_DATA_DIR": str(self.data), "COLUMNS": "200",
        }  # fmt: skip
        self.config.write_text(
            "# mine\n[[models]]\nname = 'gpt'\nprovider = 'openai'\nmodel = 'gpt-4.1-mini'\n"
            f"baseUrl = '{base_url}'\napiKeyEnv = 'TUNING_KEY'\ntimeout = 33.0\ncontextTokens = 16000\n"
            "[[models]]\nname = 'claude'\nprovider = 'anthropic'\nmodel = 'claude-sonnet-5'\n"
            "[[models]]\nname = 'copy'\nprovider = 'recall'\n"
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [PROGRAM, "finetune", *arguments], env=self.env, cwd=self.home, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=50)
        assert KEY not in out + err
        assert "Traceback" not in err
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))

    def models(self) -> dict[str, dict[str, Any]]:
        return {m["name"]: m for m in tomllib.loads(self.config.read_text())["models"]}

    def job_files(self) -> list[Path]:
        return sorted((self.data / "finetuning" / "jobs").glob("*.json"))


def chat(number: int, answer: str | None = None, **more: Any) -> dict[str, Any]:
    messages = [
        {"role": "system", "content": "Complete."},
        {"role": "user", "content": f"def f{number}(a):"},
        {"role": "assistant", "content": answer or f"return a + {number}"},
    ]
    return {"messages": messages, **more}


def jsonl(path: Path, lines: list[Any]) -> Path:
    path.write_text("".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines))
    return path


@pytest.fixture
def provider() -> Iterator[TuningProvider]:
    with running(TuningProvider(keys=[KEY])) as one:
        yield one


@pytest.fixture
def command(tmp_path: Path, provider: TuningProvider) -> Command:
    return Command(tmp_path, provider.base_url)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Just enough lines: all of them are for training."""
    return jsonl(tmp_path / "training.jsonl", [chat(n) for n in range(10)])


START = ("--model", "gpt", "--yes", "--every", "0.05")


def test_from_a_repository_to_one_of_the_models_and_out_again(
    command: Command, provider: TuningProvider, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    for n in range(8):
        body = "".join(
            f"def add_{n}_{k}(first, second):\n    total = first + second * {k}\n    return total\n\n\n"
            for k in range(4)
        )
        (repository / f"module_{n}.py").write_text(body)
    (repository / ".gitignore").write_text("hidden.py\n")
    (repository / "hidden.py").write_text("def hidden_thing(first):\n    return first + 12345\n")
    (repository / "keys.py").write_text('API_KEY = "sk-proj-aaaaBBBBccccDDDD1234567890"\n')

    dry = command.json("prepare", str(repository), "--model", "gpt", "--dry-run")
    assert dry["training"]["examples"] >= 10
    assert not (command.data / "finetuning").exists()
    summary = command.json("prepare", str(repository), "--model", "gpt")
    assert summary["price"] > 0
    assert summary["validation"]["files"] >= 1
    folder = Path(summary["folder"])
    texts = (folder / "training.jsonl").read_text() + (folder / "validation.jsonl").read_text()
    assert "12345" not in texts
    assert "aaaaBBBB" not in texts
    assert stat.S_IMODE((folder / "training.jsonl").stat().st_mode) == 0o600

    done = command.run("start", *START, "--suffix", "mine", "--seed", "7", "--epochs", "2")
    assert done.returncode == 0, done.stderr
    assert "about $" in done.stderr
    assert "Step 2/3: training loss=0.80" in done.stderr
    assert "gpt-tuned (ft:gpt-4.1-mini:org:mine:" in done.stdout

    (job,) = provider.jobs
    assert job.asked["seed"] == 7
    assert job.asked["suffix"] == "mine"
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}}
    assert job.asked["method"] == method
    assert [f.name.split("-")[-1] for f in provider.files] == ["training.jsonl", "validation.jsonl"]
    assert provider.files[0].data == (folder / "training.jsonl").read_bytes()
    assert all(f.deleted for f in provider.files), "the user's code stays at the provider"

    tuned, base = command.models()["gpt-tuned"], command.models()["gpt"]
    assert tuned == {**base, "name": "gpt-tuned", "model": job.tuned}
    assert command.config.read_text().startswith("# mine")
    listed = json.loads(
        subprocess.run(
            [PROGRAM, "models", "list", "--json"], env=command.env, capture_output=True, check=True
        ).stdout
    )
    assert next(m for m in listed if m["name"] == "gpt-tuned")["available"]
    (row,) = command.json("list")
    assert (row["state"], row["trainedTokens"], row["joined"]) == ("succeeded", 4242, "gpt-tuned")

    assert "was removed from your models" in command.ok("retire", "gpt-tuned")
    assert set(command.models()) == {"gpt", "claude", "copy"}
    again = command.run("retire", "gpt-tuned")
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)


def test_a_killed_program_goes_on_where_it_was(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    provider.hold_at = "queued"
    process = command.start("start", str(data), *START)
    provider.wait_for(lambda p: p.jobs and p.jobs[0].status == "queued")
    seen = provider.count("GET", "/events$")
    provider.wait_for(lambda p: p.count("GET", "/events$") > seen + 2)
    process.kill()
    process.communicate()
    (file,) = command.job_files()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert KEY not in file.read_text()

    provider.hold_at = None
    done = command.run("status", "--follow", "--every", "0.05")
    assert done.returncode == 0, done.stderr
    assert len(provider.jobs) == 1
    assert provider.count("POST", "/files$") == 1
    assert "Validating training file" not in done.stderr, "events are told once"
    assert "Step 3/3" in done.stderr
    assert command.models()["gpt-tuned"]["model"] == provider.jobs[0].tuned


def test_killed_before_the_answer_to_the_creation_makes_no_second_job(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    provider.delay = 0.4
    process = command.start("start", str(data), *START)
    provider.wait_for(lambda p: p.files)
    provider.wait_for(lambda p: p.jobs)  # made, but the answer is not here yet
    process.kill()
    process.communicate()
    provider.delay = 0.0
    assert json.loads(command.job_files()[0].read_text())["job_id"] in ("", provider.jobs[0].id)
    command.ok("status", "--follow", "--every", "0.05")
    assert len(provider.jobs) == 1
    assert len(provider.files) == 1


@pytest.mark.parametrize("metadata", [True, False])
def test_lost_answers_cost_nothing_twice(
    command: Command, provider: TuningProvider, data: Path, metadata: bool
) -> None:
    provider.keep_metadata = metadata
    provider.lose("POST", "/files$")
    provider.lose("POST", "/fine_tuning/jobs$")
    provider.drop("GET", "/ftjob-", 3)
    provider.refuse("GET", "/events$", 503, "overloaded")
    provider.refuse("GET", "/ftjob-", 502, "<html>bad gateway</html>")
    done = command.run("start", str(data), *START)
    assert done.returncode == 0, done.stderr
    assert (len(provider.jobs), len(provider.files)) == (1, 1)
    assert "Trying again" in done.stderr
    assert "gpt-tuned" in command.models()


def test_many_events_over_several_pages_are_each_told_once(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    provider.page = 2
    steps = [f"Step {n}/9: training loss=0.1" for n in range(1, 10)]
    provider.script = [SUCCESS[0], ("running", steps), SUCCESS[-1]]
    done = command.run("start", str(data), *START)
    told = [line for line in done.stderr.splitlines() if line.startswith("Step")]
    assert told == steps


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


def test_cancel_ends_the_job_and_takes_the_files_away(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    provider.hold_at = "queued"
    row = command.json("start", str(data), *START, "--no-follow", "--name", "mine")
    assert row["name"] == "mine"
    assert "status mine --follow" in command.ok("status", "mine")
    assert "cancelled" in command.ok("cancel", "mine")
    assert provider.jobs[0].status == "cancelled"
    assert provider.files[0].deleted
    again = command.run("cancel", "mine")
    assert (again.returncode, "already ended" in again.stderr) == (1, True)


def test_control_c_leaves_the_job_running(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    provider.hold_at = "running"
    process = command.start("start", str(data), *START)
    provider.wait_for(lambda p: p.jobs and p.jobs[0].status == "running")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert provider.jobs[0].status == "running"


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


def test_cancel_finds_a_file_whose_upload_was_not_answered(
    command: Command, provider: TuningProvider, tmp_path: Path
) -> None:
    data = jsonl(tmp_path / "mine.jsonl", [chat(n) for n in range(20)])
    provider.lose("POST", "/files$")
    provider.refuse("GET", "/files$", 401, "the key was revoked")
    assert command.run("start", str(data), *START).returncode == 1
    assert [file.deleted for file in provider.files] == [False]
    assert "the uploaded files were deleted" in command.ok("cancel", "gpt-tuned")
    assert [file.deleted for file in provider.files] == [True]


def test_files_that_could_not_be_deleted_are_named_and_cancel_deletes_them(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    provider.script = [*SUCCESS[:3], ("failed", ["You exceeded your fine-tuning quota"])]
    provider.refuse("DELETE", "/files/", 503, "later")
    done = command.run("start", str(data), *START)
    assert "still with the provider; `ensemble-lsp finetune cancel gpt-tuned`" in done.stderr
    assert not provider.files[0].deleted
    assert "failed; the uploaded files were deleted" in command.ok("cancel", "gpt-tuned")
    assert provider.files[0].deleted
    again = command.run("cancel", "gpt-tuned")
    assert (again.returncode, "already ended" in again.stderr) == (1, True)


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


def test_jobs_that_were_begun_elsewhere_can_be_listed(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    command.ok("start", str(data), *START)
    (mine,) = command.json("list", "--model", "gpt")
    assert mine["name"] == "gpt-tuned"
    for file in command.job_files():
        file.unlink()
    (other,) = command.json("list", "--model", "gpt")
    assert (other["name"], other["state"]) == (provider.jobs[0].id, "succeeded")


def test_a_server_without_these_endpoints_is_told_apart(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    provider.refuse("POST", "/files$", 404, "<html>not here</html>")
    done = command.run("start", str(data), *START)
    assert done.returncode == 1
    assert "status 404" in done.stderr.splitlines()[-1]


def test_retire_can_remove_the_model_for_good(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    command.ok("start", str(data), *START)
    assert command.run("retire", "gpt-tuned", "--delete").returncode == 2
    command.ok("retire", "gpt-tuned")  # a model that was removed can still be deleted
    command.ok("retire", "gpt-tuned", "--delete", "--yes")
    assert provider.deleted_models == [provider.jobs[0].tuned]


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
