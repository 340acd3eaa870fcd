"""``initialize``: the workspace's folders, and the editor's process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from ensemble_lsp.bootstrap import create_server
from ensemble_lsp.lsp.handlers import lifecycle
from ensemble_lsp.lsp.server import EnsembleServer


def initialized(**params: Any) -> EnsembleServer:
    server = create_server()
    given = types.InitializeParams(types.ClientCapabilities(), **params)
    lifecycle.initialize(server, given)
    return server


async def exit_code(process_id: int | None, seconds: float) -> int | None:
    """The code with which a server of this editor ends by itself in a time; None if it does not."""
    server = create_server()
    running = asyncio.ensure_future(server.run_until_exit())
    await asyncio.sleep(0)
    params = types.InitializeParams(types.ClientCapabilities(), process_id=process_id)
    lifecycle.initialize(server, params)
    done, _ = await asyncio.wait({running}, timeout=seconds)
    if not done:
        server.request_exit(0)
        await running
        return None
    return running.result()


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not looked for there")
@pytest.mark.parametrize("process_id", [None, 0, 2**31 - 1, 2**40])
async def test_an_editor_outside_of_the_container_does_not_end_the_server(
    process_id: int | None,
) -> None:
    assert await exit_code(process_id, 0.1) is None


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not looked for there")
async def test_an_editor_that_is_not_seen_at_the_start_is_not_waited_for() -> None:
    assert await exit_code(ended_process(), 0.1) is None


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not looked for there")
async def test_the_server_leaves_with_an_editor_that_it_saw(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = iter([True, False])
    monkeypatch.setattr(lifecycle, "_alive", lambda pid: next(seen))
    assert await exit_code(77, 2) == 1


def test_the_obsolete_root_path_is_a_folder(tmp_path: Path) -> None:
    uri = tmp_path.as_uri()
    assert initialized(root_path=str(tmp_path)).folders == (uri,)
    assert initialized(root_path=str(tmp_path), root_uri="file:///w").folders == ("file:///w",)
    assert initialized(root_path="relative", workspace_folders=[]).folders == ()
    assert initialized(root_path="", root_uri=None).folders == ()
