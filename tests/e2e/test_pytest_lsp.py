"""A session of pytest-lsp: a client that we did not write, with the capabilities of editors it knows."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from tests.support.providers import LoopbackProvider, running
from tests.support.sources import CODE

pytest_lsp = pytest.importorskip("pytest_lsp", reason="pip install -e '.[e2e]'")
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

URI = "file:///w/a.py"
EDITORS = ("visual_studio_code", "neovim", "emacs")


@pytest.fixture(params=EDITORS)
async def session(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Any]:
    with running(LoopbackProvider("width * height")) as provider:
        config = tmp_path / "config.toml"
        config.write_text(
            '[[models]]\nname = "gpt"\nprovider = "openai"\nmodel = "gpt"\n'
            f'baseUrl = "{provider.base_url}"\n[complete]\nbudgetMs = 30000\n'
        )
        places = ["--config", str(config), "--data-dir", str(tmp_path / "data")]
        command = [sys.executable, "-m", "ensemble_lsp", *places, "serve"]
        configured = pytest_lsp.ClientServerConfig(server_command=command)
        one = await configured.start()
        capabilities = pytest_lsp.client_capabilities(request.param)
        began = await one.initialize_session(types.InitializeParams(capabilities=capabilities))
        yield one, began.capabilities
        await one.shutdown_session()
        await one.stop()


async def test_a_session_as_pytest_lsp_leads_it(session: Any) -> None:
    client, served = session
    item = types.TextDocumentItem(URI, "python", 1, CODE)
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))
    document, place = types.TextDocumentIdentifier(URI), types.Position(1, 11)
    if served.inline_completion_provider:
        result = await client.text_document_inline_completion_async(
            types.InlineCompletionParams(
                text_document=document,
                position=place,
                context=types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked),
            )
        )  # fmt: skip
        written, command = result.items[0].insert_text, result.items[0].command
    else:
        result = await client.text_document_completion_async(
            types.CompletionParams(text_document=document, position=place)
        )
        edit, command = result.items[0].text_edit, result.items[0].command
        written = edit.new_text if edit else result.items[0].insert_text
    assert written.endswith("width * height")
    shown = await client.text_document_hover_async(
        types.HoverParams(text_document=document, position=types.Position(0, 5))
    )
    assert "gpt" in shown.contents.value
    await client.workspace_execute_command_async(
        types.ExecuteCommandParams(command.command, command.arguments)
    )
