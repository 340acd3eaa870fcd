"""A real PostgreSQL for a team's history, and a history with records at random."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ensemble_lsp.history import CallRecord, History, SuggestionRecord
from tests.support.history_rows import NOW, outcome
from tests.support.postgres import Postgres, folder_of_programs


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    programs = folder_of_programs()
    if programs is None:
        pytest.skip("there is no PostgreSQL here (Debian: apt-get install postgresql)")
    pytest.importorskip("sqlalchemy", reason="the extra [team] is not installed")
    pytest.importorskip("psycopg", reason="the extra [team] is not installed")
    cluster = Postgres(programs)
    yield cluster
    cluster.close()


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.new_database()


def opened(tmp_path: Path, url: str, name: str = "one", **more: Any) -> History:
    """One member's server: its own data folder, the team's database."""
    return History.open(tmp_path / name / "history.sqlite3", url=url, retention_days=99999, **more)


def write_at_random(history: History, seed: int) -> None:
    """Make some hundred writes of all kinds, the same for the same seed."""
    rng = random.Random(seed)
    kinds = ["accepted", "partial", "typed", "rejected", "ignored", "superseded", "cancelled"]
    for number in range(150):
        models = tuple(rng.sample(["a", "b", "ö'\"%:x"], rng.choice([1, 1, 2])))
        when, task = NOW + rng.random() * 1e6, rng.choice(["complete", "generate"])
        features = {"complexity": rng.random(), "language": "python", "block": rng.random() < 0.5}
        history.add_suggestion(
            SuggestionRecord(f"s{number}", when, task, models, "python", 9, 1, features=features)
        )
        for _ in range(rng.choice([0, 1, 1, 2])):
            kind = rng.choice(kinds)
            reward = None if kind in {"superseded", "cancelled"} else rng.random()
            act = rng.choice([history.add_outcome, history.add_outcome, history.revise_outcome])
            act(outcome(f"s{rng.randrange(number + 1)}", kind, reward), when)
        if rng.random() < 0.2:
            settled = f"s{rng.randrange(number + 1)}"
            lasted = outcome(settled, "accepted", rng.random(), survival=rng.random())
            history.revise_outcome(lasted, when)
        status = rng.choice(["ok", "ok", "cancelled", "TimedOutError"])
        history.add_call(
            CallRecord(when, task, models[0], "openai", rng.random() * 300, rng.random() * 3000,
                       rng.randrange(5000), rng.randrange(900), 0, rng.random() / 100, status,
                       f"c{number}")
        )  # fmt: skip
        if rng.random() < 0.1:
            history.add_preference(f"s{number}", models[:1], [["b"]], 0, when)


async def all_answers(history: History) -> Any:
    lines = [line async for line in history.export()]
    for line in lines:
        line.pop("id") if line["type"] == "preference" else None  # drawn anew each time
    changes = await history.changes_after(0, 5000)
    return {
        "lines": lines,
        "stats": await history.stats(),
        "stats of a task": await history.stats("generate", NOW + 5e5),
        "latencies": await history.latencies("a", "complete"),
        "rewards": await history.rewards_by_model("complete"),
        "preferences": [(p.time, p.chosen, p.others) for p in await history.preferences()],
        "changes": changes.rows,
        "last": (await history.load_learned("learned")).last,
        "spent": round(await history.spent_since(NOW + 3e5), 9),
    }
