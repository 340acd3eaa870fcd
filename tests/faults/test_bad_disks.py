"""Disks and histories that fail: the server starts, completes, says what it did, and loses no event."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient, running_server
from tests.support.providers import LoopbackProvider, running

DAMAGES = int(os.environ.get("ENSEMBLE_LSP_SERVER_DAMAGES", "6"))
KILLS = int(os.environ.get("ENSEMBLE_LSP_SERVER_KILLS", "8"))
SEED = int(os.environ.get("ENSEMBLE_LSP_SERVER_SEED", "3"))
"""Another one is other damages, and kills at other moments."""
# A case starts a server, which takes a second or two on a busy machine.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300 + 10 * max(DAMAGES, KILLS))]

SERVERS = int(os.environ.get("ENSEMBLE_LSP_SERVERS", "10"))
SAME = "".join(f"def {n}(width, height):\n    return width * height\n\n\n" for n in ("one", "two"))
CODE = f"{SAME}def again(width, height):\n    ret"
"""Recall is sure of a line that follows the same line twice."""


def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


needs_mounts = pytest.mark.skipif(not may_mount(), reason="needs user namespaces")


@pytest.fixture
def home(home: Home) -> Home:
    home.models.append({"name": "recall", "provider": "recall", "model": "recall"})
    home.tables["complete"] = {"budgetMs": 30000, "candidates": 1}
    home.write()
    return home


def database(home: Home) -> Path:
    return home.path / "data" / "history.sqlite3"


@contextlib.asynccontextmanager
async def server(home: Home, wrapper: tuple[str, ...] = ()) -> AsyncIterator[LspClient]:
    async with running_server(home.path, wrapper=wrapper) as client:
        await client.initialize(home.workspace)
        client.open("file:///w/a.py", CODE)
        yield client


async def accept(client: LspClient, uri: str = "file:///w/a.py") -> str:
    """One suggestion, accepted; its id once the server has acknowledged that."""
    [item] = await client.inline(uri)
    assert item["insertText"] == "urn width * height"
    id_ = item["command"]["arguments"][0]["id"]
    await client.command("ensemble.accept", {"id": id_})
    return str(id_)


def accepted(path: Path) -> list[str]:
    """The ids that a history holds as accepted."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        query = "SELECT s.id FROM suggestions s JOIN outcomes o USING (n) WHERE o.kind = 'accepted'"
        return [row[0] for row in db.execute(query)]


async def told(client: LspClient, words: str, timeout: float = 20) -> str:
    """The message that holds these words."""
    found = await client.until(lambda: [m for m in client.messages() if words in m], timeout)
    return str(found[0])


async def test_a_history_that_cannot_be_made_leaves_everything_else(home: Home) -> None:
    (home.path / "data").write_text("a file where a folder should be")
    async with server(home) as client:
        await accept(client)
        said = await told(client, "history")
        assert "kept in memory" in said and "\n" not in said
        assert await client.shutdown() == 0


@needs_mounts
async def test_a_read_only_disk(home: Home) -> None:
    async with server(home) as client:
        before = await accept(client)
        await client.shutdown()
    data = home.path / "data"
    script = f"mount --bind '{data}' '{data}' && mount -o remount,ro,bind '{data}' && exec \"$@\""
    async with server(home, ("unshare", "-rm", "sh", "-c", script, "sh")) as client:
        await accept(client)
        assert "permissions" in await told(client, "history")
        models = await client.command("ensemble.models")
        assert models[0]["available"]
        assert await client.shutdown() == 0
    assert accepted(database(home)) == [before]


@needs_mounts
async def test_a_full_disk_that_has_room_again_gets_what_was_kept(home: Home) -> None:
    data = home.path / "data"
    data.mkdir()
    script = f"mount -t tmpfs -o size=400k none '{data}' && exec \"$@\""
    async with server(home, ("unshare", "-rm", "sh", "-c", script, "sh")) as client:
        inside = Path(f"/proc/{client.process.pid}/root{data}")
        done = [await accept(client)]
        with contextlib.suppress(OSError), (inside / "filling").open("wb") as filling:
            while True:
                filling.write(b"x" * 4096)
                filling.flush()
        while not [m for m in client.messages() if "free space" in m]:
            done.append(await accept(client))
        done += [await accept(client) for _ in range(3)]
        (inside / "filling").unlink()
        await told(client, "is written to again", 60)
        done.append(await accept(client))
        copies = [
            shutil.copy(each, home.path / each.name) for each in inside.glob("history.sqlite3*")
        ]
        assert copies
        await client.shutdown()
    assert sorted(accepted(home.path / "history.sqlite3")) == sorted(done)


async def test_damage_at_a_random_byte(home: Home) -> None:
    rng = random.Random(SEED)
    path = database(home)
    async with server(home) as client:
        for _ in range(5):
            await accept(client)
        await client.shutdown()
    whole = path.read_bytes()
    for _ in range(DAMAGES):
        broken = bytearray(whole)
        for _ in range(rng.choice((1, 40))):
            broken[rng.randrange(len(broken))] ^= rng.randrange(1, 256)
        path.write_bytes(broken)
        async with server(home) as client:
            mine = await accept(client)
            assert await client.shutdown() == 0
            assert mine in accepted(path)
            for notice in client.messages():
                assert "was damaged; it is kept as" in notice
        for aside in path.parent.glob("history.sqlite3?*"):
            aside.unlink()


async def test_a_history_that_another_program_holds(home: Home) -> None:
    path = database(home)
    async with server(home) as client:
        before = await accept(client)
        await client.shutdown()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    try:
        async with server(home) as client:
            mine = await accept(client)
            assert "locked" in await told(client, "history")
            holder.execute("COMMIT")
            assert await client.shutdown() == 0
    finally:
        holder.close()
    assert sorted(accepted(path)) == sorted([before, mine])


async def test_a_history_from_a_newer_version_is_left_alone(home: Home) -> None:
    path = database(home)
    async with server(home) as client:
        before = await accept(client)
        await client.shutdown()
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO migrations VALUES ('9999-from-the-future', 1)")
        db.commit()
    async with server(home) as client:
        await accept(client)
        assert "newer ensemble-lsp" in await told(client, "history")
        assert await client.shutdown() == 0
    assert accepted(path) == [before]


async def test_a_history_deleted_while_running_is_begun_anew(home: Home) -> None:
    async with server(home) as client:
        await accept(client)
        for each in database(home).parent.glob("history.sqlite3*"):
            each.unlink()
        after = await accept(client)
        assert "removed while it was in use" in await told(client, "history")
        assert await client.shutdown() == 0
    assert after in accepted(database(home))


async def test_nothing_acknowledged_is_lost_by_kill_9(home: Home) -> None:
    rng = random.Random(SEED)
    done: list[str] = []
    for _ in range(KILLS):
        async with server(home) as client:
            for _ in range(rng.randrange(1, 12)):
                done.append(await accept(client))
            # In the middle of more of the same.
            params = {**client.at("file:///w/a.py"), "context": {"triggerKind": 1}}
            for _ in range(rng.randrange(6)):
                client.start("textDocument/inlineCompletion", params)
            await asyncio.sleep(rng.random() * 0.02)
            client.process.send_signal(signal.SIGKILL)
            await client.process.wait()
    kept = accepted(database(home))
    assert set(done) <= set(kept)
    assert len(kept) == len(set(kept))


async def test_ten_servers_at_once_lose_and_double_nothing(home: Home, tmp_path: Path) -> None:
    async def one(number: int) -> list[str]:
        async with server(home) as client:
            ids = [await accept(client) for _ in range(10)]
            assert await client.shutdown() == 0
            assert client.messages() == [], number
            return ids

    done = [id_ for ids in await asyncio.gather(*map(one, range(SERVERS))) for id_ in ids]
    kept = accepted(database(home))
    assert sorted(kept) == sorted(done) and len(done) == SERVERS * 10
    assert "locked" not in home.log()


async def test_the_files_are_for_the_user_alone(home: Home) -> None:
    async with server(home) as client:
        await accept(client)
        made = [p for p in (home.path / "data").rglob("*") if p.is_file()]
        assert made and {p.stat().st_mode & 0o077 for p in made} == {0}
        assert (home.path / "data").stat().st_mode & 0o077 == 0


async def test_a_machine_that_slept_goes_on(home: Home) -> None:
    with running(LoopbackProvider("urn 1", delay_first=1.0)) as provider:
        home.models.clear()
        home.model("gpt", provider.base_url)
        home.write()
        async with server(home) as client:
            _, asked = client.start_inline("file:///w/a.py")
            await provider.until(lambda p: p.requests)
            client.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(4)
            client.process.send_signal(signal.SIGCONT)
            assert await asyncio.wait_for(asked, 20) is not None
            client.insert("file:///w/a.py", 0, "# awake\n")
            assert await client.inline("file:///w/a.py")
            assert await client.shutdown() == 0
