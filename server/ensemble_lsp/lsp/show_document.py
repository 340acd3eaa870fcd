"""Show Markdown to the user in an editor without our extension."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from pathlib import Path

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from .server import EnsembleServer

SHOW_TIMEOUT = 5.0


def _write(markdown: str, suffix: str) -> Path:
    import tempfile  # its imports take 3 ms, which ``initialize`` need not wait for

    handle, name = tempfile.mkstemp(prefix="ensemble-", suffix=suffix)  # 0600
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(markdown + "\n")
    return Path(name)


def _without_filetype(markdown: str) -> str:
    """Indent the first headings by a space: Neovim takes a file with a ``#`` in its first 5 lines for ``conf``."""
    lines = markdown.split("\n")
    return "\n".join([*(re.sub(r"^#", " #", line) for line in lines[:5]), *lines[5:]])


async def show_markdown(ls: EnsembleServer, markdown: str) -> None:
    """Open Markdown as a document, or as a message if the client cannot open documents."""
    window = ls.client_capabilities.window
    if window and window.show_document and window.show_document.support:
        # Neovim starts a second server of each kind for a Markdown file outside the workspace, this one too.
        text, suffix = (_without_filetype(markdown), "") if ls.client.neovim else (markdown, ".md")
        path = await asyncio.to_thread(_write, text, suffix)
        params = types.ShowDocumentParams(uri=path.as_uri(), take_focus=False)
        with contextlib.suppress(asyncio.TimeoutError, JsonRpcException):
            result = await asyncio.wait_for(ls.window_show_document_async(params), SHOW_TIMEOUT)
            if result.success:
                return
    from ..postprocess.plain_text import plain_text

    ls.notify_user(plain_text(markdown), types.MessageType.Info)
