"""Code with like methods, from which recall completes a call in another file."""

from __future__ import annotations

import asyncio

from .lsp_client import LspClient

METHOD = """    def {0}(self, parcel, customer):
        parcel_price = self.catalogue.price_of(parcel, customer.country)
        self.{0}_list.append(Order(parcel, customer, parcel_price))
        return parcel_price

"""
NAMES = ("order", "restock", "offer", "lend", "sell", "hire", "rent", "swap")
SHOP = "class Shop:\n" + "".join(METHOD.format(n) for n in NAMES)
CART = "class Cart:\n    def add(self, parcel, customer):\n        parcel_price = self.catalogue."
REST = "price_of(parcel, customer.country)"
"""The completion of ``CART``."""


async def completed(client: LspClient, uri: str) -> str:
    """The first suggestion, asked for until recall has read the files."""
    for _ in range(100):
        if items := await client.inline(uri):
            return items[0]["insertText"]
        await asyncio.sleep(0.05)
    return ""
