"""Notebooks over the wire: completions, explanations and code in a cell, with the other cells around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.client_capabilities import CAPABILITIES
from tests.support.lsp_client import LspClient, LspError
from tests.support.providers import LoopbackProvider
from tests.support.recalled_code import CART, REST, SHOP, completed

pytestmark = pytest.mark.e2e

IMPORTS = "import pandas as pd\nprices = pd.read_csv('prices.csv')"
PLOT = "prices.plot()"
CODE, MARKUP = 2, 1


class Notebook:
    """A notebook that an editor has open."""

    def __init__(self, client: LspClient, path: Path, *texts: str) -> None:
        self.client = client
        self.uri = path.as_uri()
        self.version = 1
        self.cells = [f"vscode-notebook-cell:{path}#W{n}sZmlsZQ" for n in range(len(texts))]
        documents = [self._item(uri, text) for uri, text in zip(self.cells, texts, strict=True)]
        notebook = {
            "uri": self.uri,
            "notebookType": "jupyter-notebook",
            "version": 1,
            "cells": [self._cell(item) for item in documents],
        }
        params = {"notebookDocument": notebook, "cellTextDocuments": documents}
        client.notify("notebookDocument/didOpen", params)

    def _item(self, uri: str, text: str) -> dict[str, Any]:
        language = "markdown" if text.startswith("# ") else "python"
        self.client.documents[uri] = (1, text)
        return {"uri": uri, "languageId": language, "version": 1, "text": text}

    @staticmethod
    def _cell(item: dict[str, Any]) -> dict[str, Any]:
        kind = MARKUP if item["languageId"] == "markdown" else CODE
        return {"kind": kind, "document": item["uri"]}

    def change(self, cells: dict[str, Any]) -> None:
        self.version += 1
        params = {
            "notebookDocument": {"uri": self.uri, "version": self.version},
            "change": {"cells": cells},
        }
        self.client.notify("notebookDocument/didChange", params)

    def insert(self, index: int, text: str) -> str:
        uri = f"{self.cells[0]}-{self.version}"
        item = self._item(uri, text)
        array = {"start": index, "deleteCount": 0, "cells": [self._cell(item)]}
        self.change({"structure": {"array": array, "didOpen": [item]}})
        self.cells.insert(index, uri)
        return uri

    def delete(self, index: int) -> None:
        uri = self.cells.pop(index)
        array = {"start": index, "deleteCount": 1}
        self.change({"structure": {"array": array, "didClose": [{"uri": uri}]}})

    def move_to_front(self, index: int) -> None:
        """Report a move as VS Code does: the cells up to the moved one are replaced."""
        self.cells.insert(0, self.cells.pop(index))
        cells = [{"kind": CODE, "document": uri} for uri in self.cells[: index + 1]]
        array = {"start": 0, "deleteCount": index + 1, "cells": cells}
        self.change({"structure": {"array": array}})

    def type(self, uri: str, text: str) -> None:
        """Type at the end of a cell."""
        version, old = self.client.documents[uri]
        place = self.client.range(old, len(old), len(old))
        self.client.documents[uri] = (version + 1, old + text)
        change = {"range": place, "text": text}
        document = {"uri": uri, "version": version + 1}
        self.change({"textContent": [{"document": document, "changes": [change]}]})


def capabilities(editor: str) -> dict[str, Any]:
    sync = {"dynamicRegistration": True, "executionSummarySupport": True}
    return {**CAPABILITIES[editor], "notebookDocument": {"synchronization": sync}}


def texts(provider: LoopbackProvider) -> str:
    """The messages of the last request, as the model reads them."""
    body = provider.requests[-1].body
    return "\n".join(str(message["content"]) for message in body["messages"])


async def test_a_cell_is_completed_with_the_other_cells_around_it(
    home: Home, provider: LoopbackProvider
) -> None:
    provider.reply = "ices.describe()"
    home.model("gpt", provider.base_url)
    async with home.server("vscode", capabilities=capabilities("vscode")) as client:
        sync = client.capabilities["notebookDocumentSync"]
        assert sync == {"notebookSelector": [{"notebook": "*"}], "save": True}
        path = home.workspace / "prices.ipynb"
        book = Notebook(client, path, "# The prices\nof today", IMPORTS, "pr", PLOT)
        items = await client.inline(book.cells[2])
        assert items[0]["insertText"] == "prices.describe()"[2:]
        assert items[0]["range"]["start"]["line"] == 0
        prompt = texts(provider)
        assert "# %% [markdown]\n# # The prices\n# of today\n# %%\nimport pandas" in prompt
        assert "prices.csv')\n# %%\npr<|CURSOR|>" in prompt
        assert "<after>\n\n# %%\nprices.plot()" in prompt
        assert "prices.ipynb.py" in prompt
        assert prompt.count("read_csv") == 1, "no cell is among the related code again"
        assert provider.requests[-1].body["stop"] == ["\n# %%"]


async def test_an_accepted_completion_of_a_cell_is_recorded(
    home: Home, provider: LoopbackProvider
) -> None:
    provider.reply = "ices.describe()"
    home.model("gpt", provider.base_url)
    async with home.server("vscode", capabilities=capabilities("vscode")) as client:
        book = Notebook(client, home.workspace / "prices.ipynb", IMPORTS, "pr")
        cell = book.cells[1]
        item = (await client.inline(cell))[0]
        book.type(cell, item["insertText"])
        await client.command("ensemble.models")
        book.type(cell, "\n")
        client.notify("notebookDocument/didSave", {"notebookDocument": {"uri": book.uri}})
        stats = (await client.command("ensemble.models"))[0]["stats"]["complete"]
        assert stats["accepted"] + stats.get("typed", 0) == 1


async def test_cells_that_are_added_moved_changed_and_removed(
    home: Home, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server("vscode", capabilities=capabilities("vscode")) as client:
        book = Notebook(client, home.workspace / "prices.ipynb", IMPORTS, PLOT)
        new = book.insert(1, "answer = 42")
        book.type(book.cells[0], "\nlimit = 7")
        await client.inline(new)
        assert "prices.csv')\nlimit = 7\n# %%\nanswer = 42<|CURSOR|>" in texts(provider)
        book.move_to_front(2)
        book.type(new, " + ")
        await client.inline(new)
        assert "# %%\nprices.plot()\n# %%\nimport pandas" in texts(provider)
        book.delete(0)
        book.type(new, "1 + ")
        await client.inline(new)
        assert "prices.plot()" not in texts(provider)
        params = {
            "notebookDocument": {"uri": book.uri},
            "cellTextDocuments": [{"uri": uri} for uri in book.cells],
        }
        client.notify("notebookDocument/didClose", params)
        with pytest.raises(LspError, match="is not open"):
            place = client.range("", 0, 0)
            await client.command("ensemble.explain", {"uri": new, "range": place})


async def test_explanations_and_code_see_the_other_cells(
    home: Home, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server("vscode", capabilities=capabilities("vscode")) as client:
        ask = "# Return the mean of the prices"
        book = Notebook(client, home.workspace / "prices.ipynb", IMPORTS, PLOT, "x = 1\n" + ask)
        provider.reply = "It draws the prices."
        place = client.range(PLOT, 0, len(PLOT))
        await client.command("ensemble.explain", {"uri": book.cells[1], "range": place})
        assert "read_csv" in texts(provider)
        provider.reply = "prices.mean()"
        place = client.range("x = 1\n" + ask, 8, 8)
        await client.command("ensemble.generate", {"uri": book.cells[2], "range": place})
        assert "read_csv" in texts(provider)
        edit = next(p["edit"] for m, p in client.requests if m == "workspace/applyEdit")
        (change,) = edit["documentChanges"]
        assert change["textDocument"]["uri"] == book.cells[2]
        assert change["edits"][0]["range"]["start"]["line"] == 1


async def test_no_cell_of_an_excluded_notebook_is_sent(
    home: Home, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url, local=False)
    (home.workspace / ".gitignore").write_text("private.ipynb\n")
    async with home.server("vscode", capabilities=capabilities("vscode")) as client:
        book = Notebook(client, home.workspace / "private.ipynb", IMPORTS, "pr")
        assert await client.inline(book.cells[1]) == []
        with pytest.raises(LspError, match="is not sent to gpt"):
            place = client.range("pr", 0, 2)
            await client.command("ensemble.explain", {"uri": book.cells[1], "range": place})
        other = client.open((home.workspace / "other.py").as_uri(), "import pandas as pd\npr")
        await client.inline(other)
        assert "read_csv" not in texts(provider), "not as related code either"


async def test_an_address_of_a_cell_that_hides_its_notebook_is_excluded_all_the_same(
    home: Home, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url, local=False)
    (home.workspace / ".gitignore").write_text("private.ipynb\n")
    async with home.server("vscode", capabilities=capabilities("vscode")) as client:
        book = Notebook(client, home.workspace / "private.ipynb", IMPORTS)
        uri = "cell:17"
        item = {"uri": uri, "languageId": "python", "version": 1, "text": "pr"}
        client.documents[uri] = (1, "pr")
        array = {"start": 1, "deleteCount": 0, "cells": [{"kind": CODE, "document": uri}]}
        book.change({"structure": {"array": array, "didOpen": [item]}})
        assert await client.inline(uri) == []
        assert provider.requests == []


async def test_secrets_of_the_other_cells_are_redacted(
    home: Home, provider: LoopbackProvider
) -> None:
    key = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vW7" * 2
    home.model("gpt", provider.base_url, local=False)
    async with home.server("vscode", capabilities=capabilities("vscode")) as client:
        secret = f'password = "hunter2-klm"\nclient = OpenAI(api_key="{key}")'
        note = f"# The key\nis {key}"
        book = Notebook(client, home.workspace / "prices.ipynb", note, secret, "answer = cl")
        await client.inline(book.cells[2])
        prompt = texts(provider)
        assert "client = OpenAI(" in prompt
        assert key not in prompt
        assert "hunter2" not in prompt


async def test_a_change_that_cannot_be_decoded_closes_the_notebook(
    home: Home, provider: LoopbackProvider
) -> None:
    home.model("gpt", provider.base_url)
    async with home.server("vscode", capabilities=capabilities("vscode")) as client:
        book = Notebook(client, home.workspace / "prices.ipynb", IMPORTS, "pr")
        book.change({"textContent": [{"document": 3, "changes": None}]})
        await client.until(lambda: any("notebook" in m for m in client.messages()))
        assert await client.inline(book.cells[1]) == []


async def test_recall_completes_a_cell_from_the_other_cells(home: Home) -> None:
    home.models.append({"name": "recall", "provider": "recall"})
    async with home.server("vscode", capabilities=capabilities("vscode")) as client:
        book = Notebook(client, home.workspace / "shop.ipynb", SHOP, "x = 1")
        book.type(book.cells[1], "\n" + CART)
        assert await completed(client, book.cells[1]) == REST
