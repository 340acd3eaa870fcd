"""What comparison and fine-tuning send: never an ignored file, an excluded one, or a secret."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.server.conftest import Home, cli
from tests.server.remote_model import FUNCTION, KEY, MARK, file, remote
from tests.support.finetune_command import Command
from tests.support.providers import LoopbackProvider, running
from tests.support.tuning import TuningProvider

__all__ = ["remote"]  # a fixture
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

MAILCHIMP = "8f3a9c1e5b7d2f4a6c8e0b1d3f5a7c9e-us17"
"""Of a kind that the maintained detector knows, and our own rules do not."""
AWS = "AKIAIOSFODNN7EXAMPLQ"
SECRETS = (KEY, AWS, MAILCHIMP, "pa55w0rdpa55", "hunter2hunter2")
HIDDEN = ("ignored/a.py", "private/b.py", "secrets.py", ".env", "keys/server.pem", "deep/x.gen.py")


def shop(number: int) -> str:
    return f'''"""Of {MAILCHIMP} and postgres://me:pa55w0rdpa55@db/x"""

KEY_{number} = "{KEY}"
LINK_{number} = ("{AWS}", "b")  # {MAILCHIMP}
password = "hunter2hunter2"


def total_{number}(prices, discount):
    """The sum of the prices, less the discount."""
    amount = sum(prices) * {number}
    if discount > amount:
        return 0
    return amount - discount


def largest_{number}(prices, otherwise):
    """The largest price, or another value."""
    found = otherwise
    for price in prices:
        if price > found:
            found = price
    return found


def send_{number}(client):
    """Uses what must not be seen."""
    token = "{KEY}"
    client.login(token, "{MAILCHIMP}")
    return client.send("{AWS}", password)
'''


@pytest.fixture
def repository(home: Home) -> Path:
    """Code to learn from, and what must not be seen: hidden by rules, names, links and in plain text."""
    file(home, ".gitignore", "ignored/\n!private/\n!.env\n!*.gen.py\n")
    file(home, "deep/.gitignore", "*.gen.py\n")
    for name in HIDDEN:
        file(home, name, FUNCTION * 8)
    outside = home.path / "outside"
    outside.mkdir()
    (outside / "far.py").write_text(FUNCTION * 8)
    (home.workspace / "far.py").symlink_to(outside / "far.py")
    (home.workspace / "folder").symlink_to(outside)
    for number in range(6):
        file(home, f"shop_{number}.py", shop(number))
    home.tables["privacy"] = {"exclude": ["private/**", "secrets.py"]}
    return home.workspace


def nothing_hidden(sent: str) -> None:
    assert "def total_" in sent and "largest_" in sent
    assert MARK not in sent and "secret_argument" not in sent
    for secret in SECRETS:
        assert secret not in sent, sent[max(0, sent.find(secret) - 300) :][:600]


@pytest.mark.parametrize("task", ["complete", "generate", "explain"])
def test_a_comparison(home: Home, remote: LoopbackProvider, repository: Path, task: str) -> None:
    done = cli(
        home, "compare", str(repository), "--task", task, "--samples", "40", "--models", "far",
        "--out", "out", "--yes", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(remote.requests) >= 6
    nothing_hidden("\n".join(json.dumps(each.body) for each in remote.requests))


@pytest.fixture
def tuning(home: Home) -> Command:
    with running(TuningProvider()) as provider:
        command = Command(home.path, provider.base_url)
        with command.config.open("a") as config:
            config.write("[privacy]\nexclude = ['private/**', 'secrets.py']\n")
        command.provider = provider
        yield command


def uploaded(command: Command) -> str:
    """What the provider was sent for a job with the data that was prepared last."""
    command.ok("start", "--model", "gpt", "--yes", "--every", "0.05")
    return "\n".join(each.data.decode() for each in command.provider.files)


def test_training_data_of_a_repository(tuning: Command, repository: Path) -> None:
    summary = tuning.json("prepare", str(repository), "--model", "gpt")
    assert summary["redacted"] > 0
    assert summary["leftOut"]["examples with a secret in the answer"] > 0
    nothing_hidden(uploaded(tuning))


def test_training_data_of_a_file(tuning: Command, tmp_path: Path) -> None:
    def line(asked: str, answer: str) -> str:
        told = {"system": "Complete.", "user": asked, "assistant": answer}
        return json.dumps({"messages": [{"role": r, "content": c} for r, c in told.items()]})

    rows = [line(f"def total_{n}(): # largest_", f"return {n}") for n in range(12)]
    rows += [line(f"# {secret}\ndef f_{n}():", "1") for n, secret in enumerate(SECRETS[:3])]
    rows += [line(f"def f_{n}():", f"return '{secret}'") for n, secret in enumerate(SECRETS[:3])]
    data = tmp_path / "rows.jsonl"
    data.write_text("\n".join(rows) + "\n")
    summary = tuning.json("prepare", str(data), "--model", "gpt")
    assert summary["leftOut"] == {"examples with a secret in the answer": 3}
    nothing_hidden(uploaded(tuning))


@pytest.mark.parametrize("of_ours", [True, False])
def test_a_file_that_was_edited_is_redacted_when_it_is_uploaded(
    tuning: Command, tmp_path: Path, of_ours: bool
) -> None:
    def line(number: int, secret: str) -> str:
        texts = {
            "user": f"# {secret}\ndef total_{number}(): # largest_",
            "assistant": f"'{secret}'",
        }
        return json.dumps({"messages": [{"role": r, "content": c} for r, c in texts.items()]})

    rows = "".join(line(n, SECRETS[n % 3] if n > 11 else "x") + "\n" for n in range(16))
    data = tmp_path / "rows.jsonl"
    data.write_text(rows)
    if of_ours:
        data.write_text("".join(line(n, "x") + "\n" for n in range(16)))
        tuning.ok("prepare", str(data), "--model", "gpt")
        (data,) = tuning.data.rglob("training.jsonl")
        data.write_text(rows)
    tuning.ok(
        "start", str(data.parent if of_ours else data), "--model", "gpt", "--yes", "--every", "0.05"
    )
    nothing_hidden("\n".join(each.data.decode() for each in tuning.provider.files))


async def test_training_data_of_the_history(
    tuning: Command, home: Home, repository: Path, provider: LoopbackProvider
) -> None:
    provider.reply = "sum(prices)"
    config = tuning.config.read_text()
    home.model("gpt", provider.base_url)
    home.tables["history"] = {"keepText": True}
    home.tables["complete"] = {"budgetMs": 30000, "candidates": 1}
    async with home.server() as client:
        names = [*HIDDEN, *(f"shop_{number}.py" for number in range(6))]
        for name in names:
            path = repository / name
            text = path.read_text() + "\n\ndef more(prices):\n    # largest_\n    amount = "
            uri = client.open(path.as_uri(), text)
            for answer in ("sum(prices)", "max(prices)", f'"{KEY}"'):
                provider.reply = answer
                for item in await client.inline(uri):
                    client.accept(uri, item)
                    id_ = item["command"]["arguments"][0]["id"]
                    await client.command("ensemble.accept", {"id": id_})
                client.append(uri, "\n    amount = ")
        assert await client.shutdown() == 0
    await asyncio.to_thread(tuning.config.write_text, config)
    summary = await asyncio.to_thread(tuning.json, "prepare", "--model", "gpt")
    assert summary["training"]["examples"] >= 8 and summary["redacted"] > 0
    sent = await asyncio.to_thread(uploaded, tuning)
    nothing_hidden(sent)
