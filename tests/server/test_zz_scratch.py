from __future__ import annotations
import asyncio, json, os
from pathlib import Path
from typing import Any
import pytest
from tests.faults.test_hostile_repositories import KEY, MARK, asks, everything, file, remote
from tests.server.conftest import Home, home, provider, uri
from tests.server.test_notebooks import Notebook
from tests.server.test_privacy import (
    BODY,
    PEM,
    LIKE,
    APP,
    sent,
    git,
    no_part_of_the_key,
    hidden,
    quiet_git,
)
from tests.server.test_known_secrets import next_edit, predicting
from tests.server.test_reports import cli

pytestmark = [pytest.mark.timeout(180)]
S = {"pw": "hunter2-Zx9q", "tok": "q7Rf9Zk2LmX4vB8nT1cW6yH3pD5sJ0aGu8Vb"}


async def test_3_every_caller(home: Home, predicting):
    remote = predicting
    remote.reply = lambda body: f"token = '{KEY}'"
    code = f"import os\npassword = '{S['pw']}'\ntoken = '{S['tok']}'\n\n\ndef area(a, b):\n    return a * b\n\n\nprint(area(1, 2))\n"
    path = file(home, "app.py", code)
    async with home.server() as client:
        uri = client.open(path.as_uri(), code)
        sp = client.range(code, code.index("def area"), len(code))
        leak = f"why does {S['pw']} and {S['tok']} and {KEY} fail? {BODY[3]}\n{BODY[4]}\n{BODY[5]}\n{BODY[6]}"
        diag = {
            "range": sp,
            "message": f"login failed for {S['pw']} with {S['tok'][:20]}",
            "severity": 1,
            "source": f"x {S['tok']}",
            "code": KEY,
        }
        A: dict[str, Any] = {"uri": uri, "range": sp}
        r = await client.command("ensemble.generate", {**A, "instruction": leak, "apply": False})
        for name, more in [
            ("ensemble.explain", {}),
            ("ensemble.explain", {"instruction": leak}),
            ("ensemble.explain", {"question": leak}),
            ("ensemble.fix", {"diagnostics": [diag]}),
            ("ensemble.generate", {"instruction": leak, "apply": False, "size": 3}),
            (
                "ensemble.generate",
                {
                    "instruction": leak,
                    "apply": False,
                    "previous": [{"instruction": leak, "text": leak}],
                },
            ),
            ("ensemble.generate", {"instruction": leak, "apply": False, "draft": leak}),
        ]:
            try:
                await client.command(name, {**A, **more})
            except Exception as e:
                print(name, list(more), str(e)[:200])
        await client.inline(uri, len(code))
        await client.inline(
            uri,
            code.index("return"),
            selectedCompletionInfo={
                "range": client.range(code, code.index("return"), code.index("return")),
                "text": S["tok"],
            },
        )
        try:
            acts = await client.request(
                "textDocument/codeAction",
                {"textDocument": {"uri": uri}, "range": sp, "context": {"diagnostics": [diag]}},
            )
            for a in acts or []:
                if a.get("data") is not None:
                    try:
                        await client.request("codeAction/resolve", a)
                    except Exception as e:
                        print("resolve", str(e)[:100])
        except Exception as e:
            print("codeAction", e)
        await next_edit(client, uri, code.index("return"), diagnostics=[diag])
        client.insert(uri, 0, f"# was {S['tok']}\n")
        client.insert(uri, 0, "", delete=len(f"# was {S['tok']}\n"))
        await next_edit(client, uri, code.index("return"))
        await client.request("textDocument/hover", client.at(uri, code.index("area")))
    for c in (
        ["explain", f"{path}:1-8"],
        ["complete", f"{path}:7:12"],
        ["generate", leak, "--at", f"{path}:7"],
        [
            "compare",
            str(home.workspace),
            "--yes",
            "--models",
            "far",
            "--samples",
            "3",
            "--out",
            str(home.path / "out"),
        ],
        ["models", "test"],
        ["edit", f"{path}:7:5"],
    ):
        p = await asyncio.to_thread(cli, home, *c)
        print(c[0], p.returncode, p.stderr[-200:])
    text = sent(remote)
    print(len(remote.requests))
    for s in (S["pw"], S["tok"], KEY, S["tok"][:20], BODY[4]):
        assert s not in text, [
            r.text[max(0, r.text.find(s) - 200) :][:400] for r in remote.requests if s in r.text
        ][:1]


CELLS = {
    "split token": (f"token = '{S['tok'][:18]}' \\", f"    '{S['tok'][18:]}'"),
}


async def test_6_notebook(home: Home, remote):
    pem = PEM.split("\n")
    cells = [
        "import os",
        f"password = '{S['pw']}'",
        f"# note\ntoken = '{S['tok']}'",
        "key = '''\n" + "\n".join(pem[:20]),
        "\n".join(pem[20:]) + "'''",
        "def area(a, b):\n    return ",
    ]
    async with home.server() as client:
        nb = Notebook(client, home.workspace / "n.ipynb", *cells)
        uri = nb.cells[-1]
        await everything(client, uri)
        await client.inline(nb.cells[4], 100)
        await client.inline(nb.cells[3], 100)
    text = sent(remote)
    assert remote.requests
    assert S["pw"] not in text and S["tok"] not in text
    no_part_of_the_key(text)


NB_ADDR = [
    "vscode-notebook-cell:{0}#X",
    "vscode-notebook-cell://ssh-remote%2Bbox{0}#X",
    "VSCODE-NOTEBOOK-CELL:{0}#X",
    "vscode-interactive-input:{0}",
    "deepnote-notebook-cell:{0}#X",
    "jupyter-notebook-cell:{0}?x",
    "file://{0}#cell1",
    "file://{0}?line=3",
    "FILE:///{0}",
    "file:{0}",
    "file:/{1}",
    "git-index:{0}?x",
    "gitlens://abc/{0}?%7B%22ref%22%3A%22a%22%7D",
    "gitlens-git:{0}",
    "review:{0}",
    "pr:{0}?%7B%22fileName%22%3A%22{2}%22%7D",
    "vscode-local-history:/{0}?x",
    "vscode-remote://wsl%2Bubuntu{0}",
    "vscode-remote://dev-container%2B7b{0}",
    "walkThrough:{0}",
    "conflictResolution:{0}",
    "merge-conflict.conflict-diff:{0}?%7B%7D",
    "svn:{0}?%7B%7D",
    "hg:{0}",
    "perforce:{0}",
    "tramp:{0}",
    "/ssh:host:{0}",
    "ssh://host{0}",
    "sftp://host{0}",
    "rsync://host{0}",
    "dired:{0}",
    "magit:{0}~HEAD",
    "neogit://{0}",
    "octo://x{0}",
    "minifiles://1/{0}",
    "suda://{0}",
    "nvim-treesitter:{0}",
    "zed://file{0}",
    "untitled:{0}?x",
    "untitled://localhost{0}",
    "memfs:{0}",
    "vscode-test-web://mount{0}",
    "jdt://contents{0}",
    "deno:{0}",
    "kotlin:{0}",
    "tar:///x.tar?inner={0}",
    "backup:{0}",
    "local-history:{0}",
    "codeium:{0}",
    "copilot:{0}",
    "chat-editing-snapshot-text-model:{0}?%7B%7D",
    "vscode-chat-code-block:{0}",
    "search-editor:{0}",
    "{0}",
    "file://{0}%20",
    "file:%2F%2F{0}",
    "file://%2e{0}",
    "%66ile://{0}",
    "file://{3}/../{4}/{2}",
]


@pytest.mark.parametrize("batch", range(4))
async def test_6_addresses(home: Home, remote, quiet_git, batch):
    git(home.workspace, "init")
    file(home, ".gitignore", "ignored/\n")
    home.tables["privacy"] = {"exclude": ["private/**"]}
    bad = []
    async with home.server() as client:
        for a in NB_ADDR[batch::4]:
            for name in ("ignored/a.py", "private/b.py"):
                path = file(home, name, LIKE.format(MARK))
                u = a.format(path, str(path)[1:], name, home.workspace, home.workspace.name)
                before = len(remote.requests)
                try:
                    client.open(u, LIKE.format(MARK) + "\n" + APP)
                    await client.inline(u)
                    await client.request("textDocument/hover", client.at(u, 5))
                except Exception as e:
                    print(a, str(e)[:80])
                if len(remote.requests) != before:
                    bad.append((a, name))
        app = file(home, "app.py", APP)
        await everything(client, client.open(app.as_uri(), app.read_text()))
        if MARK in sent(remote):
            bad.append("passage")
    print("BAD", bad)
    assert not bad
