"""The outcomes in a server's history, and three models whose answers differ."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider, running


def outcomes(path: Path) -> dict[str, tuple[str, str, float, float | None, float | None]]:
    """Return kind, source, share, reward and survival by the suggestion's id; empty without a history."""
    file = path / "data" / "history.sqlite3"
    if not file.exists():
        return {}
    with sqlite3.connect(file) as database:
        rows = database.execute(
            "select id, kind, source, share, reward, survival from outcomes join suggestions using (n)"
        ).fetchall()
    database.close()
    return {id_: tuple(rest) for id_, *rest in rows}


@contextmanager
def three_models(home: Home) -> Iterator[None]:
    """Configure three models, and the three candidates that they give."""
    home.tables["complete"] = {"candidates": 3, "budgetMs": 20000}
    with ExitStack() as stack:
        for name in ("one", "two", "three"):
            provider = stack.enter_context(running(LoopbackProvider(f"{name}_value(x)")))
            home.model(name, provider.base_url)
        yield


async def three_items(client: LspClient, uri: str) -> list[dict[str, Any]]:
    """Ask until all three models have answered: the first answer does not wait long for the others."""
    for _ in range(40):
        items = await client.inline(uri)
        if len(items) == 3:
            return items
        await asyncio.sleep(0.2)
    raise AssertionError(items)
