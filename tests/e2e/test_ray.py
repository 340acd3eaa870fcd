"""A comparison over a real Ray cluster (on this machine): as the local run, only elsewhere."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Home, cli
from tests.support.providers import Fault, LoopbackProvider, Recorded
from tests.unit.test_evaluation_cases import CODE

pytest.importorskip("ray", reason="Ray is not installed: pip install 'ensemble-lsp[cluster]'")
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

KEY = "sk-cluster-0123456789abcdefghij"
DIFFERENT = ("first_ms", "total_ms", "time", "signature")
"""Fields that differ between two runs."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """One cluster for all tests, as a team's would be: started by Ray's own program."""
    ray = str(Path(sys.executable).with_name("ray"))
    folder = f"/tmp/ens-ray-{os.getpid()}"  # Ray's sockets want a short path
    env = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0"}
    done = subprocess.run(
        [ray, "start", "--head", "--port=0", "--node-ip-address=127.0.0.1", "--num-cpus=2",
         "--include-dashboard=false", f"--temp-dir={folder}", "--object-store-memory=80000000",
         "--disable-usage-stats"],
        capture_output=True, text=True, env=env, timeout=120, check=False,
    )  # fmt: skip
    found = re.search(r"--address='([^']+)'", done.stdout)
    assert done.returncode == 0 and found, done.stdout + done.stderr
    yield found.group(1)
    subprocess.run([ray, "stop", "--force"], capture_output=True, env=env, timeout=60, check=False)


@pytest.fixture
def team(home: Home, provider: LoopbackProvider, cluster: str) -> Home:
    """Two repositories, and two models that want a key."""
    for name in ("shop", "mill"):
        folder = home.path / name
        folder.mkdir()
        for number in range(3):
            text = CODE.replace("items", f"{name}_{number}").replace(
                "amount", f"sum_{name}{number}"
            )
            (folder / f"part{number}.py").write_text(text)
    provider.reply = "return items[0]"
    home.env = {"CLUSTER_KEY": KEY, "RAY_ADDRESS": cluster}
    # An address that reaches this machine, but is not known to: models here are asked from here.
    address = provider.base_url.replace("127.0.0.1", "127.1")
    for name in ("cheap", "dear"):
        home.model(name, address, apiKeyEnv="CLUSTER_KEY", inputPrice=1.0,
                   outputPrice=2.0, concurrency=2)  # fmt: skip
    return home


def compare(home: Home, out: str, *more: str) -> Any:
    return cli(
        home, "compare", str(home.path / "shop"), str(home.path / "mill"), "--samples", "12",
        "--out", str(home.path / out), "--yes", "--json", *more,
    )  # fmt: skip


def answers(home: Home, out: str) -> list[dict[str, Any]]:
    lines = (home.path / out / "results.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    kept = [
        {k: v for k, v in f.items() if k not in DIFFERENT} for f in found if f["type"] == "result"
    ]
    return sorted(kept, key=lambda f: (f["model"], f["case"]))


def most_at_once(requests: list[Recorded], model: str) -> int:
    """How many requests for a model were open at the same time, at most."""
    spans = [
        (r.at, r.finished_at or r.closed_at or r.at)
        for r in requests
        if r.body.get("model") == model
    ]
    return max(sum(a <= at < b for a, b in spans) for at, _ in spans)


def test_results_equal_those_of_the_local_run_and_keys_and_limits_hold(
    team: Home, provider: LoopbackProvider, cluster: str
) -> None:
    local = compare(team, "local")
    assert local.returncode == 0, local.stderr
    before = len(provider.requests)
    assert {r.headers.get("authorization") for r in provider.requests} == {f"Bearer {KEY}"}
    provider.delay_first = 0.1
    spread = compare(team, "ray", "--engine", "ray")
    assert spread.returncode == 0, spread.stderr
    assert "2 workers of the Ray cluster" in spread.stderr
    assert len(provider.requests) == 2 * before >= 40
    assert {r.headers.get("authorization") for r in provider.requests} == {f"Bearer {KEY}"}
    for model in ("cheap", "dear"):
        assert most_at_once(provider.requests[before:], model) == 2, "its limit, over both workers"
    assert answers(team, "ray") == answers(team, "local")
    assert json.loads(spread.stdout)["spent"] == pytest.approx(json.loads(local.stdout)["spent"])
    again = compare(team, "ray", "--engine", "ray")
    assert again.returncode == 0 and len(provider.requests) == 2 * before, "all was answered"
    assert "Ray" not in again.stderr, "nothing is left to ask, so no cluster is joined"
    # Not in the logs of Ray, not in what we wrote; nor in the cluster's own memory of workers.
    for folder in (team.path, Path(f"/tmp/ens-ray-{os.getpid()}")):
        for file in folder.rglob("*"):
            if file.is_file() and not file.is_symlink():
                assert KEY.encode() not in file.read_bytes(), file


def test_the_budget_holds_over_the_cluster(team: Home, provider: LoopbackProvider) -> None:
    provider.delay_first = 0.05
    done = compare(team, "tight", "--engine", "ray", "--max-cost", "0.02")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert 0 < told["spent"] <= 0.02
    assert "budget" in json.dumps(told)


def test_failures_are_rows_and_a_killed_run_goes_on(team: Home, provider: LoopbackProvider) -> None:
    home = team
    home.write()
    provider.delay_first = 0.2
    command = [
        sys.executable, "-m", "ensemble_lsp", "compare", str(home.path / "shop"), "--samples", "12",
        "--out", str(home.path / "killed"), "--yes", "--json", "--engine", "ray",
        "--config", str(home.path / "config.toml"), "--data-dir", str(home.path / "data"),
    ]  # fmt: skip
    env = {**os.environ, **home.env}
    running = subprocess.Popen(command, env=env, cwd=home.path, stdout=-3, stderr=-3)
    provider.wait_for(lambda p: len(p.requests) >= 6, timeout=60)
    running.send_signal(signal.SIGINT)
    assert running.wait(30) != 0
    provider.wait_for(lambda p: all(r.closed or r.finished_at for r in p.requests))
    assert any(r.closed for r in provider.requests), "a cancel closes the streams of the workers"
    provider.delay_first = 0.0
    asked, kept = len(provider.requests), len(answers(home, "killed"))
    assert kept >= 1
    provider.fault = Fault.status(400)
    failing = cli(home, *command[3:-4])
    assert failing.returncode in {0, 1} and "Traceback" not in failing.stderr, failing.stderr
    failed = [a for a in answers(home, "killed") if a["error"]]
    assert failed and {a["error_kind"] for a in failed} == {"BadRequestError"}
    assert len(provider.requests) - asked >= len(failed)
