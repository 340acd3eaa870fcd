"""Recall notices what another program did to the workspace's files."""

from __future__ import annotations

import asyncio
from pathlib import Path

from ensemble_lsp.app.workspace import Workspace
from ensemble_lsp.context.documents import Documents
from ensemble_lsp.context.workspace_index import WorkspaceContext
from ensemble_lsp.settings import PrivacySettings


async def until_read(workspace: Workspace) -> None:
    assert workspace._disk_reader is not None
    await asyncio.wait_for(workspace._disk_reader, 10)


async def test_deleted_moved_and_changed_files_are_noticed_after_a_while(tmp_path: Path) -> None:
    now = 0.0
    for name in ("deleted", "moved", "changed", "same", "opened"):
        (tmp_path / f"{name}.py").write_text(f"{name} = 1\n")
    context = WorkspaceContext(PrivacySettings(), [tmp_path])
    workspace = Workspace(Documents(), context, clock=lambda: now)
    read: list[str] = []
    workspace.on_file = lambda uri, language, text: read.append(Path(uri).name)
    workspace.index_files()
    await until_read(workspace)
    assert sorted(read) == ["changed.py", "deleted.py", "moved.py", "opened.py", "same.py"]

    (tmp_path / "deleted.py").unlink()
    (tmp_path / "moved.py").rename(tmp_path / "renamed.py")
    (tmp_path / "changed.py").write_text("changed = 2\n")
    read.clear()
    uri = (tmp_path / "opened.py").as_uri()
    document = workspace.documents.open(uri, 1, "python", "opened = 1\n")
    await until_read(workspace)
    assert read == []  # the folders were read a moment ago

    now = 1_000.0
    workspace.saved(document)
    await until_read(workspace)
    assert sorted(read) == ["changed.py", "renamed.py"]
    known = {name: workspace.recall.find(name) for name in ("deleted.py", "moved.py", "renamed.py")}
    assert [name for name, uri in known.items() if uri] == ["renamed.py"]
    await workspace.close()


async def test_a_file_that_is_saved_while_the_folders_are_read_keeps_its_new_text(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.py"
    path.write_text("old = 1\n")
    workspace = Workspace(Documents(), WorkspaceContext(PrivacySettings(), [tmp_path]))
    read: list[str] = []
    workspace.on_file = lambda uri, language, text: read.append(text)
    document = workspace.documents.open(path.as_uri(), 1, "python", "new = 2\n")
    await workspace.context.prepare(document)
    workspace.index_files()
    workspace.saved(document)
    await until_read(workspace)
    assert read == []
    await workspace.close()
