"""Recall completes from the workspace's files on disk, not only from open documents."""

from __future__ import annotations

import pytest

from tests.server.conftest import Home
from tests.support.recalled_code import CART, REST, SHOP, completed

pytestmark = pytest.mark.e2e


async def test_a_file_that_was_never_opened_is_completed_from(home: Home) -> None:
    home.models.append({"name": "recall", "provider": "recall"})
    (home.workspace / "shop.py").write_text(SHOP)
    (home.workspace / "ignored.py").write_text(SHOP.replace("catalogue", "secret_list"))
    (home.workspace / ".gitignore").write_text("ignored.py\n")
    async with home.server() as client:
        uri = client.open((home.workspace / "a.py").as_uri(), CART)
        assert await completed(client, uri) == REST
        hidden = CART.replace("catalogue.", "secret_list.")
        other = client.open((home.workspace / "b.py").as_uri(), hidden)
        assert await client.inline(other) == []


async def test_a_saved_file_is_remembered_after_it_is_closed(home: Home) -> None:
    home.models.append({"name": "recall", "provider": "recall"})
    async with home.server() as client:
        saved = client.open((home.workspace / "shop.py").as_uri(), SHOP)
        await client.inline(saved)  # by then the server has read its settings and the ignore rules
        client.notify("textDocument/didSave", {"textDocument": {"uri": saved}})
        client.close_document(saved)
        uri = client.open((home.workspace / "a.py").as_uri(), CART)
        assert await completed(client, uri) == REST
