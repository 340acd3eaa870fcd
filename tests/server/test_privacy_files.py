"""Ignored files, and other addresses of them, reach no remote model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.server.conftest import Home
from tests.server.remote_model import APP, LIKE, MARK, everything, file, remote, sent
from tests.support.git_repository import git
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider

__all__ = ["remote"]  # a fixture
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.name != "posix", reason="paths of POSIX"),
]


@pytest.fixture
def quiet_git(home: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own for Git."""
    user = home.path / "user"
    user.mkdir()
    for name, value in (("HOME", str(user)), ("XDG_CONFIG_HOME", str(user / ".config"))):
        monkeypatch.setenv(name, value)
        home.env[name] = value
    return user


async def hidden(client: LspClient, remote: LoopbackProvider, uri: str) -> None:
    """Nothing of a document is sent, whatever is asked."""
    before = len(remote.requests)
    client.open(uri, LIKE.format(MARK) + "\n" + APP)
    assert await client.inline(uri) == []
    assert await client.request("textDocument/hover", client.at(uri, 5)) is None
    assert len(remote.requests) == before


async def test_without_a_root_a_files_own_repository_decides(
    home: Home, remote: LoopbackProvider, quiet_git: Path
) -> None:
    git(home.workspace, "init")
    file(home, ".gitignore", b"\xef\xbb\xbffirst.py\r\n/deep/*/gone.py\n*.gen.py\n!kept.gen.py\n")
    (home.workspace / ".git" / "info" / "exclude").write_text("excluded.py\n")
    (quiet_git / ".gitconfig").write_text("[core]\n\texcludesFile = ~/mine\n")
    (quiet_git / "mine").write_text("globally.py\n")
    names = ("first.py", "deep/a/gone.py", "x.gen.py", "excluded.py", "globally.py")
    async with home.server(initialize=False) as client:
        await client.initialize(None)
        for name in names:
            path = file(home, name, LIKE.format(MARK))
            await hidden(client, remote, path.as_uri())
        kept = file(home, "kept.gen.py", LIKE.format("kept"))
        client.open(kept.as_uri(), kept.read_text())
        app = file(home, "app.py", APP)
        await everything(client, client.open(app.as_uri(), app.read_text()))
        assert "def kept" in sent(remote) and MARK not in sent(remote)
        file(home, ".gitignore", "app.py\nkept.gen.py\n")
        before = len(remote.requests)
        client.append(app.as_uri(), " ")
        assert await client.inline(app.as_uri()) == []
        new = file(home, "new.py", APP)
        await everything(client, client.open(new.as_uri(), new.read_text()))
        later = "\n".join(request.text for request in remote.requests[before:])
        assert later and "def kept" not in later


async def test_files_of_other_repositories_and_work_trees(
    home: Home, remote: LoopbackProvider, quiet_git: Path
) -> None:
    (quiet_git / ".config" / "git").mkdir(parents=True)
    (quiet_git / ".config" / "git" / "ignore").write_text("everywhere.py\n")
    other, tree = home.path / "other", home.path / "tree"
    other.mkdir()
    git(other, "init")
    git(other, "commit", "--allow-empty", "-m", "x")
    git(other, "worktree", "add", str(tree))
    (other / ".git" / "info" / "exclude").write_text("shared.py\n")
    for folder in (other, tree):
        (folder / ".gitignore").write_text("ignored.py\n")
    async with home.server() as client:
        for folder in (other, tree):
            for name in ("ignored.py", "shared.py", "everywhere.py"):
                (folder / name).write_text(LIKE.format(MARK))
                await hidden(client, remote, (folder / name).as_uri())
        app = file(home, "app.py", APP)
        await everything(client, client.open(app.as_uri(), app.read_text()))
        assert remote.requests and MARK not in sent(remote)


@pytest.mark.parametrize(
    "address",
    [
        "FILE://{0}", "file://localhost{0}", "untitled:{0}", "untitled://{0}", "git:{0}?%7B%22ref%22%3A%22~%22%7D",
        "git:{0}.git?%7B%22path%22%3A%22{0}%22%7D", "vscode-notebook-cell:{0}#W0sZmlsZQ%3D%3D", "vscode-remote://ssh-remote%2Bbox{0}",
        "vscode-userdata:{0}", "zipfile://{0}::inner.py", "jar:file://{0}!/inner.py", "oil://{0}", "gitsigns://{1}/.git/:0:{2}",
        "gitsigns://{1}/.git//HEAD:{2}", "gitsigns://{1}/.git//main~1:{2}", "scp://host/{0}", "sudo:root@localhost:{0}",
        "file://127.0.0.1{0}",
        "fugitive://{1}/.git//0/{2}", "diffview://{1}/.git/abc123/{2}", "x:/other.py?%7B%22path%22%3A%22{0}%22%7D",
        "file://{1}/a/../{2}", "view-source:file://{0}", "VSCODE-VFS://github{0}", "output:{0}", "term://{0}//1:sh",
    ],
)  # fmt: skip
async def test_any_address_with_the_path_of_a_hidden_file_is_judged_by_it(
    home: Home, remote: LoopbackProvider, quiet_git: Path, address: str
) -> None:
    git(home.workspace, "init")
    file(home, ".gitignore", "ignored/\n")
    home.tables["privacy"] = {"exclude": ["private/**"]}
    async with home.server() as client:
        for name in ("ignored/a.py", "private/b.py"):
            path = file(home, name, LIKE.format(MARK))
            await hidden(client, remote, address.format(path, home.workspace, name))
        app = file(home, "app.py", APP)
        await everything(client, client.open(app.as_uri(), app.read_text()))
        assert remote.requests and MARK not in sent(remote)


async def test_a_new_document_and_other_addresses_are_completed(
    home: Home, remote: LoopbackProvider
) -> None:
    async with home.server() as client:
        for address in ("untitled:Untitled-1", f"untitled:{home.workspace}/new.py", "output:log"):
            client.open(address, APP)
            assert await client.inline(address), address


@pytest.mark.parametrize(
    "name", [".envrc", "kubeconfig", "wp-config.php", "appsettings.Production.json", "AuthKey.p8"]
)
async def test_files_with_names_of_secrets(home: Home, remote: LoopbackProvider, name: str) -> None:
    async with home.server() as client:
        await hidden(client, remote, file(home, f"deep/{name}", LIKE.format(MARK)).as_uri())
