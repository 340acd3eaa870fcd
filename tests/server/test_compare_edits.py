"""``compare --task edit``: the commits of the user's repository, asked as in the editor."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Home, cli
from tests.support.git_repository import BODY, commit, git, renames
from tests.support.providers import LoopbackProvider

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

NAMES = ("apple", "bread", "cream", "dough", "eggs", "flour")
COMPARE = ("compare", "workspace", "--task", "edit", "--out", "out")


def renamed(body: dict[str, Any]) -> str:
    """Finish the rename in the region, or change nothing."""
    user = body["messages"][-1]["content"]
    region = user.split("<region>\n")[1].split("\n</region>")[0].replace("<|cursor|>", "")
    if "price" not in region:
        return "NO_CHANGE"
    return f"```python\n{region.replace('price', 'cost')}\n```"


def wrong(body: dict[str, Any]) -> str:
    """Offer another edit."""
    return renamed(body).replace("cost", "anything")


def summary(home: Home, *more: str) -> dict[str, Any]:
    """Run the comparison and return its JSON."""
    done = cli(home, *COMPARE, *more, "--json")
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "stderr": done.stderr}


def test_models_and_the_locator_are_compared_and_a_run_resumes(
    home: Home, provider: LoopbackProvider
) -> None:
    renames(home.workspace, NAMES)
    home.model("gpt", provider.base_url)
    home.model("silent", provider.base_url)
    provider.reply = lambda body: renamed(body) if body["model"] == "gpt" else "NO_CHANGE"
    told = summary(home)
    rows = {row["model"]: row for row in told["models"]}
    assert set(rows) == {"locator", "gpt", "silent"} and told["main"] == "right"
    assert rows["gpt"]["asked"] == 12 and told["cases"] == 12
    for name in ("gpt", "locator"):
        means = {measure: one["value"] for measure, one in rows[name]["scores"].items()}
        assert means == {"right": 1, "exact": 1, "deltaChrf": 1, "shown": 1, "quiet": 1}, name
    silent = {measure: one["value"] for measure, one in rows["silent"]["scores"].items()}
    assert silent == {"right": 0.5, "exact": 0, "deltaChrf": 0, "shown": 0, "quiet": 1}
    assert set(told["byKind"]) == {"nearby", "quiet"}
    page = (home.path / "out" / "report.html").read_text()
    assert "deltaChrf" in page and told["advice"] in page
    assert told["advice"] == "Use locator or gpt: their answers are equally good over 12 cases."
    prompts = [json.dumps(request.body) for request in provider.requests]
    assert len(prompts) == 24
    assert all("price" in prompt and "cost" in prompt for prompt in prompts)

    again = summary(home)
    assert "24 answers already there" in again["stderr"]
    assert len(provider.requests) == 24


def test_the_table_on_a_terminal_has_every_measure(home: Home) -> None:
    renames(home.workspace, NAMES[:2])
    done = cli(home, *COMPARE, "--models", "locator")
    assert done.returncode == 0, done.stderr
    head, row, *_ = done.stdout.splitlines()
    assert head.split("\t")[2:7] == ["right", "exact", "deltaChrf", "shown", "quiet"]
    assert row.startswith("locator\t2 of 4\t1.00") and row.split("\t")[3:7] == ["1.00"] * 4


async def test_the_selector_learns_from_it(home: Home, provider: LoopbackProvider) -> None:
    renames(home.workspace, tuple(f"part{number}" for number in range(11)))
    home.model("other", provider.base_url)
    home.model("gpt", provider.base_url)
    provider.reply = lambda body: renamed(body) if body["model"] == "gpt" else wrong(body)
    done = await asyncio.to_thread(cli, home, *COMPARE, "--samples", "40", "--learn")
    assert done.returncode == 0, done.stderr
    assert "expects these rewards for edit: other 0.15, gpt 0.75." in done.stderr
    async with home.server() as client:
        uri = (home.workspace / "part0.py").as_uri()
        client.open(uri, BODY.format(name="part0"))
        place = {"task": "edit", **client.at(uri), "uri": uri}
        why = await client.command("ensemble.why", place)
        first, second = why["scores"]
        assert (first["model"], second["model"]) == ("gpt", "other")
        assert "a comparison on your own code" in first["prior"]


def test_nothing_leaves_without_consent_and_nothing_excluded_at_all(
    home: Home, provider: LoopbackProvider
) -> None:
    key = "sk-proj-9fQ2mZr7LbX4tWc8VnJ5"
    hidden = BODY.format(name="hidden")
    open_file = f'API_KEY = "{key}"\n\n\n' + BODY.format(name="open")
    commit(home.workspace, {"secret/plan.py": hidden, "ignored.py": hidden, "open.py": open_file})
    changed = {
        "secret/plan.py": hidden.replace("price", "secret_cost"),
        "ignored.py": hidden.replace("price", "ignored_cost"),
        "open.py": open_file.replace("price", "cost").replace(key, "none"),
    }
    commit(home.workspace, changed)
    (home.workspace / ".gitignore").write_text("ignored.py\n")
    home.tables["privacy"] = {"exclude": ["secret/"]}
    home.model("far", provider.base_url, local=False)
    provider.reply = renamed
    refused = cli(home, *COMPARE)
    assert refused.returncode == 2 and "Add --yes to continue" in refused.stderr
    assert provider.requests == []
    told = summary(home, "--yes")
    assert {row["model"] for row in told["models"]} == {"locator", "far"}
    sent = "".join(json.dumps(request.body) for request in provider.requests)
    assert "open_total" in sent and "* cost" in sent
    for word in (key, "secret_cost", "ignored_cost", "hidden_total"):
        assert word not in sent, word


def test_the_spending_limit_holds(home: Home, provider: LoopbackProvider) -> None:
    renames(home.workspace, NAMES)
    home.model("far", provider.base_url, local=False, inputPrice=10.0, outputPrice=100.0)
    done = cli(home, *COMPARE, "--yes", "--max-cost", "0.0001", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1 and {row["asked"] for row in told["models"]} == {0}
    assert told["notes"][0] == (
        "The budget of $0.00010 allows no case: the next one might exceed it."
    )
    assert told["advice"] == "No case was asked."
    assert provider.requests == []


def test_a_folder_without_history_is_one_sentence(home: Home) -> None:
    (home.workspace / "shop.py").write_text(BODY.format(name="shop"))
    done = cli(home, *COMPARE)
    assert done.returncode == 2 and "no git history" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_repositorys_configuration_runs_nothing(home: Home) -> None:
    renames(home.workspace, NAMES[:2])
    trap, mark = home.path / "trap.sh", home.path / "ran"
    trap.write_text(f"#!/bin/sh\ntouch {mark}\n")
    trap.chmod(0o755)
    for name, value in {
        "log.showSignature": "true",
        "gpg.program": str(trap),
        "core.fsmonitor": str(trap),
        "core.pager": str(trap),
        "diff.external": str(trap),
        "diff.x.textconv": str(trap),
        "filter.x.smudge": str(trap),
        "core.sshCommand": str(trap),
    }.items():
        git(home.workspace, "config", name, value)
    (home.workspace / ".gitattributes").write_text("*.py diff=x filter=x\n")
    told = summary(home)
    assert told["cases"] == 4
    assert not Path(mark).exists()
