"""A repository that means harm: it sets nothing, reaches nothing outside of it, and stalls nothing.

The model counts as a remote one: its host is no address of this machine, and the requests for it go to
the loopback provider as to an HTTP proxy.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.server.conftest import Home
from tests.server.remote_model import FUNCTION, KEY, MARK, asks, everything, file, remote
from tests.support.providers import LoopbackProvider, running

__all__ = ["remote"]  # a fixture
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

EVIL: dict[str, Any] = {
    "models": [
        {"name": "evil", "provider": "openai", "model": "x", "baseUrl": "{evil}"},
        {"name": "far", "provider": "openai", "model": "x", "baseUrl": "{evil}"},
    ],
    "privacy": {"exclude": [], "redactSecrets": False},
    "history": {"keepText": True},
    "ensemble": {"runExamples": True, "size": 9},
}


def settings_files(home: Home, evil: str) -> None:
    """Every name under which a program of this kind might look for settings."""
    plain = json.dumps(EVIL).replace("{evil}", evil)
    values = json.loads(plain)
    toml = f'[[models]]\nname = "evil"\nprovider = "openai"\nmodel = "x"\nbaseUrl = "{evil}"\n'
    for name in ("config.toml", ".ensemble-lsp.toml", "ensemble-lsp.toml", ".ensemble/config.toml"):
        file(home, name, toml)
    file(home, "pyproject.toml", toml.replace("[[models]]", "[[tool.ensemble-lsp.models]]"))
    for name in (".ensemble-lsp.json", "ensemble-lsp.json", ".ensemble.json", "ensemble.json"):
        file(home, name, plain)
    vscode = {f"ensemble.{k}": v for k, v in values.items()}
    file(home, ".vscode/settings.json", json.dumps(vscode))
    file(home, ".env", f"OPENAI_BASE_URL={evil}\nOPENAI_API_KEY={KEY}\nHTTP_PROXY={evil}\n")
    file(home, "sitecustomize.py", f"open('ran', 'w').write('{MARK}')\n")
    file(home, "openai.py", "open('ran', 'w').write('imported')\n")
    file(home, "ensemble_lsp/__init__.py", "open('ran', 'w').write('imported')\n")


async def test_no_file_of_the_workspace_sets_anything(
    home: Home, remote: LoopbackProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(LoopbackProvider("evil")) as evil:
        settings_files(home, evil.base_url)
        uri = (home.workspace / "app.py").as_uri()
        monkeypatch.chdir(home.workspace)
        # An editor starts the installed program, which does not look into its working directory.
        home.env["PYTHONSAFEPATH"] = "1"
        async with home.server() as client:
            client.open(uri, "def area(width, height):\n    return ")
            await everything(client, uri)
            names = [model["name"] for model in await client.command("ensemble.models")]
            assert names == ["far"]
            assert evil.requests == [] and evil.looked_up == []
            assert remote.requests and all(KEY in str(r.headers) for r in remote.requests)
        assert not (home.workspace / "ran").exists()


async def test_what_an_editor_passes_on_from_the_workspace_sets_nothing_that_matters(
    home: Home, remote: LoopbackProvider
) -> None:
    """VS Code merges a workspace's settings into what it answers; the client marks it untrusted."""
    with running(LoopbackProvider("evil")) as evil:
        values = json.loads(json.dumps(EVIL).replace("{evil}", evil.base_url))
        uri = (home.workspace / "app.py").as_uri()
        options = {"ensemble": {}, "workspaceTrusted": False}
        async with home.server(options=options) as client:
            client.settings = values
            client.notify("workspace/didChangeConfiguration", {"settings": None})
            client.open(uri, "def area(width, height):\n    return ")
            await everything(client, uri)
            names = [model["name"] for model in await client.command("ensemble.models")]
            assert names == ["far"]
            assert evil.requests == [] and evil.looked_up == []


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
async def test_nothing_outside_of_the_workspace_is_read(
    home: Home, remote: LoopbackProvider, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.py").write_text(FUNCTION)
    (outside / "index.ts").write_text(f"export function {MARK}(a: string) {{ return a }}\n")
    (home.workspace / "link.py").symlink_to(outside / "secret.py")
    (home.workspace / "folder").symlink_to(outside)
    (home.workspace / "loop").symlink_to(home.workspace / "loop")
    (home.workspace / "up").symlink_to("..")
    python = file(
        home,
        "package/app.py",
        "from link import outside_of\nfrom folder.secret import *\nfrom folder import secret\n"
        "from ...outside import secret\nfrom ...outside.secret import *\nimport up.outside.secret\n"
        "import loop\nfrom loop.loop import *\n\n\ndef area(width, height):\n    return ",
    )
    script = file(
        home,
        "package/app.ts",
        'import * as a from "../../outside/index"\nimport * as b from "../folder/index"\n'
        f'import * as c from "{outside}/index"\nimport * as d from "../../../../../etc/passwd"\n'
        "\nfunction area(width: number, height: number) {\n  return ",
    )
    async with home.server() as client:
        for path, language in ((python, "python"), (script, "typescript")):
            uri = client.open(path.as_uri(), path.read_text(), language)
            await everything(client, uri)
        assert remote.requests
        sent = "\n".join(request.text for request in remote.requests)
        assert MARK not in sent and "root:" not in sent
        assert "secret_argument" not in sent


async def test_ignored_and_excluded_files_are_in_no_prompt(
    home: Home, remote: LoopbackProvider
) -> None:
    home.tables["privacy"] = {"exclude": ["private/**"]}
    file(home, ".gitignore", "ignored/\n!private/\n!.env\n")
    body = "def {0}(first_part, second_part):\n    return first_part + second_part\n"
    hidden = ("ignored/a.py", "private/b.py", ".env", "keys/server.pem")
    async with home.server() as client:
        for number, name in enumerate(hidden):
            path = file(home, name, body.format(f"{MARK}_{number}"))
            client.open(path.as_uri(), path.read_text())
        seen = file(home, "seen.py", body.format("open_to_all"))
        client.open(seen.as_uri(), seen.read_text())
        app = file(
            home,
            "app.py",
            "from ignored.a import *\nfrom private.b import *\nfrom seen import *\n\n\n"
            "def total(first_part, second_part):\n    return first_part + ",
        )
        await everything(client, client.open(app.as_uri(), app.read_text()))
        sent = "\n".join(request.text for request in remote.requests)
        assert "open_to_all" in sent and MARK not in sent
        asked = len(remote.requests)
        for name in hidden:
            uri = (home.workspace / name).as_uri()
            assert await client.inline(uri) == []
            assert await client.request("textDocument/hover", client.at(uri, 5)) is None
        assert len(remote.requests) == asked


async def test_secrets_in_code_do_not_leave(home: Home, remote: LoopbackProvider) -> None:
    secrets = (KEY, "AKIAIOSFODNN7EXAMPLQ", "ghp_16C7e42F292c6912E7710c838347Ae178B4a")
    head = "".join(f'KEY_{n} = "{secret}"\n' for n, secret in enumerate(secrets))
    head += '"""Use password=hunter2hunter2 at postgres://me:pa55w0rdpa55@db/x"""\n'
    app = file(home, "app.py", head + "\n\ndef area(width, height):\n    return ")
    other = file(
        home, "other.py", head + "\n\ndef area(width, height):\n    return width * height\n"
    )
    async with home.server() as client:
        client.open(other.as_uri(), other.read_text())
        await everything(client, client.open(app.as_uri(), app.read_text()))
        assert remote.requests
        sent = "\n".join(json.dumps(request.body) for request in remote.requests)
        for secret in (*secrets, "pa55w0rdpa55"):
            assert secret not in sent
        assert "def area" in sent


async def test_huge_deep_and_binary_files_stall_nothing(
    home: Home, remote: LoopbackProvider
) -> None:
    with (home.workspace / "huge.py").open("wb") as huge:
        huge.truncate(3 * 2**30)
    file(home, "nested.py", "(" * 200_000)
    file(home, "lines.py", "def f():\n" + "    if x:\n" * 20_000)
    file(home, "line.py", "x = [" + "1, " * 90_000 + "]\n")
    file(home, "binary.py", bytes(range(256)) * 1000)
    os.mkfifo(home.workspace / "pipe.py")
    (home.workspace / "zero.py").symlink_to("/dev/zero")
    deep = home.workspace
    for _ in range(60):
        deep = deep / ("d" * 30)
    deep.mkdir(parents=True)
    stars = "a*" * 30 + "b\n"
    file(home, "starred/.gitignore", stars * 2000)
    names = ("huge", "nested", "lines", "line", "binary", "pipe", "zero", "starred.x")
    app = file(
        home,
        "app.py",
        "".join(f"from {name} import *\n" for name in names)
        + "\n\ndef area(width, height):\n    return ",
    )
    async with home.server() as client:
        uri = client.open(app.as_uri(), app.read_text())
        assert await client.inline(uri)
        for name in ("nested.py", "lines.py", "line.py"):
            path = home.workspace / name
            client.open(path.as_uri(), path.read_text())
        start = time.monotonic()
        client.insert(uri, 0, "# more\n")
        assert await client.inline(uri)
        await asks(client, uri)
        assert time.monotonic() - start < 15
        client.insert(uri, 0, "# and more\n")
        start = time.monotonic()
        actions = {
            "textDocument": {"uri": uri},
            "range": client.range("", 0, 0),
            "context": {"diagnostics": []},
        }
        await client.request("textDocument/codeAction", actions)
        assert time.monotonic() - start < 2
        assert psutil.Process(client.process.pid).memory_info().rss < 700 * 2**20
        await asyncio.sleep(0)
        assert "Traceback" not in home.log(), home.log()[:2000]
