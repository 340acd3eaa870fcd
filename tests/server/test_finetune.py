"""``ensemble-lsp finetune``: the life of a job, whose program or provider may fail in between."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from tests.support.finetune_command import (
    KEY,
    PROGRAM,
    START,
    Command,
    chat,
    command,
    data,
    jsonl,
    provider,
)
from tests.support.tuning import SUCCESS, TuningProvider

__all__ = ["command", "data", "provider"]  # fixtures
pytestmark = pytest.mark.e2e  # a process for each: not for `make test`


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


def test_retire_can_remove_the_model_for_good(
    command: Command, provider: TuningProvider, data: Path
) -> None:
    command.ok("start", str(data), *START)
    assert command.run("retire", "gpt-tuned", "--delete").returncode == 2
    command.ok("retire", "gpt-tuned")  # a model that was removed can still be deleted
    command.ok("retire", "gpt-tuned", "--delete", "--yes")
    assert provider.deleted_models == [provider.jobs[0].tuned]
