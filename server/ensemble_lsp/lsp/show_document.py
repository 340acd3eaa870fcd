"""Show Markdown to the user in an editor that has no view of ours."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

from lsprotocol import types

from .server import EnsembleServer


def _write(markdown: str) -> Path:
    import tempfile  # with what it brings, 3 ms that ``initialize`` need not wait for

    handle, name = tempfile.mkstemp(prefix="ensemble-", suffix=".md")  # 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(markdown + "\n")
    return Path(name)


async def show_markdown(ls: EnsembleServer, markdown: str) -> None:
    """As a document where the client can show one, else as a message."""
    window = ls.client_capabilities.window
    can_show = bool(window and window.show_document and window.show_document.support)
    if can_show:
        path = await asyncio.to_thread(_write, markdown)
        params = types.ShowDocumentParams(uri=path.as_uri(), take_focus=False)
        with contextlib.suppress(asyncio.TimeoutError):
            result = await asyncio.wait_for(ls.window_show_document_async(params), 5)
            if result.success:
                return
    ls.tell(markdown, types.MessageType.Info)
