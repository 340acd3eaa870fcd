"""Recall completes from the workspace's files on disk, not only from open documents."""

from __future__ import annotations

import asyncio

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient

pytestmark = pytest.mark.e2e

METHOD = """    def {0}(self, parcel, customer):
        parcel_price = self.catalogue.price_of(parcel, customer.country)
        self.{0}_list.append(Order(parcel, customer, parcel_price))
        return parcel_price

"""
NAMES = ("order", "restock", "offer", "lend", "sell", "hire", "rent", "swap")
SHOP = "class Shop:\n" + "".join(METHOD.format(n) for n in NAMES)
CART = "class Cart:\n    def add(self, parcel, customer):\n        parcel_price = self.catalogue."
REST = "price_of(parcel, customer.country)"


async def completed(client: LspClient, uri: str) -> str:
    """The first suggestion, asked for until recall has read the files."""
    for _ in range(100):
        if items := await client.inline(uri):
            return items[0]["insertText"]
        await asyncio.sleep(0.05)
    return ""


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
