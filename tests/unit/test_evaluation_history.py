"""The report from the history, and tests that judge answers in a copy."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ensemble_lsp.app import AppContext, open_app
from ensemble_lsp.errors import SettingsError
from ensemble_lsp.evaluation.history_report import summarise_history, week_of
from ensemble_lsp.evaluation.reports.history_page import write_history
from ensemble_lsp.finetuning.jobs import JobStore, TuningJob, Upload
from ensemble_lsp.history import CallRecord, SuggestionRecord
from ensemble_lsp.sandbox import process
from ensemble_lsp.sandbox.process import ResourceLimits
from ensemble_lsp.sandbox.scratch_repo import ScratchRepo
from ensemble_lsp.types import Outcome

DAY = 86400
CONFIG = """
[[models]]
name = "one"
provider = "openai"
model = "gpt-4.1-mini"
baseUrl = "http://127.0.0.1:9/v1"
[[models]]
name = "two"
provider = "openai"
model = "gpt-4.1-mini"
baseUrl = "http://127.0.0.1:9/v1"
"""


async def app_at(tmp_path: Path) -> AppContext:
    config = tmp_path / "config.toml"
    await asyncio.to_thread(config.write_text, CONFIG)
    return await open_app(config_path=config, data_dir=tmp_path / "data", env={})


def offer(
    app: AppContext, number: int, model: str, accepted: bool, when: float, **more: Any
) -> None:
    """One suggestion of ten characters, and what became of it."""
    history = app.history
    features = {"task": "complete", "complexity": more.get("complexity", 1)}
    record = SuggestionRecord(
        f"s{number}", when, "complete", (model,), "python", 10, 1, features=features
    )
    history.add_suggestion(record)
    kind = "accepted" if accepted else "rejected"
    lasts = 0.5 if accepted else None
    outcome = Outcome(record.id, kind, "command", float(accepted), float(accepted), 2000, lasts)
    history.add_outcome(outcome, when)
    history.add_call(CallRecord(when, "complete", model, "openai", 100, 200, 10, 10, 0, 0.001))


async def test_the_report_counts_what_the_history_holds(tmp_path: Path) -> None:
    app = await app_at(tmp_path)
    try:
        now = time.time()
        for n in range(20):
            offer(app, n, "one", n % 4 == 0, now - n * DAY, complexity=1 + n)
        await app.history.ready()
        summary = await summarise_history(app)
        row = summary.rows[0]
        assert (row.count.offered, row.count.judged, row.count.accepted) == (20, 20, 5)
        assert row.stats.shown == 20 and row.stats.accepted == 5
        assert row.count.rate is not None and row.count.rate.value == 0.25
        assert row.count.rate.low == pytest.approx(0.112, abs=0.001)  # Wilson, 5 of 20
        assert row.count.survival is not None and row.count.survival.value == 0.5
        assert row.per_thousand == pytest.approx(1000 * 20 * 0.001 / 50)
        bands = {b: c["one"].judged for b, c in summary.breakdowns["complexity"].items()}
        assert bands == {"simple": 5, "moderate": 5, "complex": 10}
        written = await asyncio.to_thread(write_history, summary, tmp_path / "reports")
        assert written.html is not None
        page = await asyncio.to_thread(written.html.read_text)
        assert "25 % (11–47)" in page and "<script" not in page
        assert not (await summarise_history(app, "explain")).rows
    finally:
        await app.close()


async def test_the_report_says_since_when_another_model_is_preferred(tmp_path: Path) -> None:
    """First the one is accepted, later only the other: the change is dated to its weeks."""
    app = await app_at(tmp_path)
    try:
        now = time.time()
        start = now - 80 * DAY
        for n in range(400):
            when = start + n * 80 * DAY / 400
            model = ("one", "two")[n % 2]
            early = when < start + 40 * DAY
            good = (model == "one") == early
            offer(app, n, model, good and n % 5 > 0, when)
        await app.history.ready()
        summary = await summarise_history(app)
        preferred = summary.preferred[0]
        assert preferred.model == "two" and preferred.band == "simple"
        assert preferred.since is not None
        assert start + 33 * DAY < preferred.since < start + 66 * DAY
    finally:
        await app.close()


async def test_a_tuned_model_stands_beside_its_base_over_the_same_days(tmp_path: Path) -> None:
    app = await app_at(tmp_path)
    try:
        start = (time.time() // DAY - 20) * DAY
        for n in range(50):  # before there was a tuned one: does not count
            offer(app, n, "two", True, start - 5 * DAY)
        for n in range(50, 250):
            offer(app, n, ("one", "two")[n % 2], n % 2 == 0 or n % 5 == 0, start + n * 3600)
        base = app.settings.models[1]
        files = Upload(path="x.jsonl", sha256="0")
        job = TuningJob(name="j", created=start, base=base, model="gpt-4.1-mini", method="supervised",
                  training=files, state="succeeded", joined="one")  # fmt: skip
        store = JobStore(app.data_dir)
        await asyncio.to_thread(store.add, job)
        await app.history.ready()
        summary = await summarise_history(app)
        [pair] = summary.pairs
        assert (pair.tuned.model, pair.base.model, pair.task) == ("one", "two", "complete")
        assert (pair.tuned.count.judged, pair.base.count.judged) == (100, 100)
        assert pair.since == (start + 50 * 3600) // DAY * DAY
        assert pair.tuned.stats is not None and pair.tuned.stats.cost == pytest.approx(0.1)
        assert pair.difference is not None and pair.difference.value == pytest.approx(0.8)
        # Newcombe's method 10 of 100/100 and 20/100.
        assert pair.difference.low == pytest.approx(0.705, abs=0.002)
        assert pair.difference.high == pytest.approx(0.867, abs=0.002)
        written = await asyncio.to_thread(write_history, summary, tmp_path / "reports")
        assert written.html is not None
        for file in (written.html, written.markdown):
            told = await asyncio.to_thread(file.read_text)
            assert "one is accepted more often than two." in told and "0.80 (0.7" in told
        assert summary.to_json()["tuned"][0]["base"]["judged"] == 100
    finally:
        await app.close()


async def test_an_empty_history_gives_a_page_that_says_so(tmp_path: Path) -> None:
    app = await app_at(tmp_path)
    try:
        summary = await summarise_history(app)
        written = await asyncio.to_thread(write_history, summary, tmp_path / "r")
        assert written.html is not None
        assert "No suggestions yet" in await asyncio.to_thread(written.html.read_text)
    finally:
        await app.close()


def test_a_week_begins_on_its_monday() -> None:
    assert week_of(1_700_000_000) == "2023-11-13"  # a Tuesday
    assert week_of(1_700_438_400) == "2023-11-20"


# -- tests that judge ------------------------------------------------------------------------------

CHECK = f"{sys.executable} check.py"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "shop.py").write_text("def one():\n    return 1\n\n\ndef two():\n    return 2\n")
    (root / "check.py").write_text("import shop\nassert shop.one() == 1\n")
    return root


async def repo_of(root: Path, seconds: float = 20) -> ScratchRepo:
    if reason := await process.unavailable_reason():
        pytest.skip(reason)
    limits, files = ResourceLimits(seconds), [root / "shop.py"]
    repo = await ScratchRepo.open(root, CHECK, limits=limits, files=files)
    try:
        await repo.check_baseline()
    except BaseException:
        await repo.close()
        raise
    return repo


async def test_tests_judge_what_they_cover_and_nothing_else(repository: Path) -> None:
    repo = await repo_of(repository)
    file = repository / "shop.py"
    original = await asyncio.to_thread(file.read_text)
    stubbed = original.replace("return 1", "raise NotImplementedError")
    try:
        assert await repo.passes("a", file, stubbed, original.replace("return 1", "return 3 - 2"))
        assert (
            await repo.passes("a", file, stubbed, original.replace("return 1", "return 4")) is False
        )
        uncovered = original.replace("return 2", "raise NotImplementedError")
        assert await repo.passes("b", file, uncovered, original) is None
    finally:
        await repo.close()
    assert await asyncio.to_thread(file.read_text) == original
    assert not await asyncio.to_thread(repo.tree.exists)


@pytest.mark.parametrize(
    "deed",
    [
        "open({outside!r}, 'w')",
        "import socket; socket.create_connection(('127.0.0.1', {port}), 2)",
        "bytearray(6 << 30)",
        "import time; time.sleep(60)",
        "import os; assert 'SECRET_API_KEY' not in os.environ; raise SystemExit(3)",
    ],
)
async def test_what_a_model_wrote_reaches_neither_disk_nor_network_nor_memory(
    repository: Path, deed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_API_KEY", "s")
    reached = asyncio.Event()
    server = await asyncio.start_server(lambda r, w: reached.set(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    outside = str(repository / "written-by-model")
    repo = await repo_of(repository, seconds=8)
    try:
        code = deed.format(outside=outside, port=port)
        text = f"def one():\n    return 1\n{code}\n"
        file = repository / "shop.py"
        assert await repo.passes("a", file, "raise ValueError", text) is False
    finally:
        await repo.close()
        server.close()
        await server.wait_closed()
    assert not await asyncio.to_thread(Path(outside).exists) and not reached.is_set()


async def test_tests_that_fail_before_any_change_are_an_error(repository: Path) -> None:
    await asyncio.to_thread((repository / "check.py").write_text, "raise SystemExit('no database')")
    with pytest.raises(SettingsError, match=r"In an unchanged copy of .* fail: no database"):
        await repo_of(repository)
