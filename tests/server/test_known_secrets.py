"""A secret stays one: after its name was changed, its lines were taken apart, or its document was closed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import Home, cli
from tests.server.remote_model import KEY, MARK, file, remote, sent
from tests.support.git_repository import git
from tests.support.lsp_client import LspClient
from tests.support.private_key import BODY, no_part_of_the_key
from tests.support.providers import LoopbackProvider

__all__ = ["remote"]  # a fixture
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PASSWORD = "hunter2-Zx9"
TOKEN = "q7Rf9Zk2LmX4vB8nT1cW6yH3pD5sJ0aGu8Vb"
CODE = (
    "def area(width, height):\n    return width * height\n\n\nprint(area(1, 2))\ntotal = area(3, 4)"
)
CALL = "print(area(1, 2))\n"
STATEMENTS = {
    "password": (f'password = "{PASSWORD}"\n', PASSWORD),
    "token": (f'api_token = "{TOKEN}"\n', TOKEN),
    "address": (f'url = "postgres://app:{PASSWORD}@db.internal/shop"\n', PASSWORD),
    "two lines": (f'api_token = (\n    "{TOKEN[:18]}"\n    "{TOKEN[18:]}"\n)\n', TOKEN),
    "form": (f'value = "{KEY}"\n', KEY),
}


@pytest.fixture
def predicting(home: Home, remote: LoopbackProvider) -> LoopbackProvider:
    """The remote model, for next edits too."""
    home.models[0]["tasks"] = ["complete", "explain", "generate", "edit"]
    home.tables["nextEdit"] = {"budgetMs": 20000, "debounceMs": 0, "locator": False}
    return remote


async def next_edit(client: LspClient, uri: str, offset: int, **more: Any) -> None:
    at = client.at(uri, offset)
    at["textDocument"]["version"] = client.documents[uri][0]
    asked = {**at, "context": {"triggerKind": 1}, **more}
    await client.request("textDocument/copilotInlineEdit", asked, timeout=40)


async def every_task(client: LspClient, uri: str, offset: int) -> None:
    text = client.text(uri)
    await next_edit(client, uri, offset)
    await client.inline(uri, offset)
    await client.inline(uri, len(text))
    for start in (0, text.index("print")):
        span = client.range(text, start, min(len(text), start + 90))
        arguments: dict[str, Any] = {"uri": uri, "range": span}
        await client.command("ensemble.explain", arguments)
        await client.command(
            "ensemble.generate", {**arguments, "instruction": "shorten", "apply": False}
        )


def no_part_of(secret: str, provider: LoopbackProvider) -> None:
    text = sent(provider)
    assert "def area" in text
    for at in range(len(secret) - 9):
        assert secret[at : at + 10] not in text


@pytest.mark.parametrize(
    ("statement", "change"),
    [
        ("password", "rename"),
        ("password", "delete"),
        ("two lines", "take apart"),
        ("two lines", "rename"),
        ("token", "front"),
        ("address", "back"),
        ("form", "delete"),
    ],
)
async def test_an_edit_does_not_uncover_a_secret(
    home: Home, predicting: LoopbackProvider, statement: str, change: str
) -> None:
    line, secret = STATEMENTS[statement]
    text = f"import os\n{line}\n{CODE}"
    path, at = file(home, "app.py", text), len("import os\n")
    async with home.server() as client:
        uri = client.open(path.as_uri(), text)
        await client.inline(uri, len(text))
        if change == "delete":
            client.insert(uri, at, "", delete=len(line))
        elif change == "take apart":
            for each in line.splitlines(True):
                client.insert(uri, at, "", delete=len(each))
                await next_edit(client, uri, at)
        elif change == "rename":
            client.insert(uri, at, "v", delete=line.index(" "))
        else:
            start, end = text.index(secret[:8]), text.index(secret[-6:]) + 6
            for step in range(1, 4):
                place = start if change == "front" else end - 2 * step
                client.insert(uri, place, "", delete=2)
                await next_edit(client, uri, place)
                await client.inline(uri, place)
        await every_task(client, uri, at)
    no_part_of(secret, predicting)


@pytest.mark.parametrize("change", ["delete", "interleave"])
async def test_a_key_that_is_taken_apart_does_not_leave(
    home: Home, predicting: LoopbackProvider, change: str
) -> None:
    text = "key = '''\n" + "".join(f"{line}\n" for line in BODY[5:21]) + f"'''\n{CODE}"
    path, first = file(home, "app.py", text), len("key = '''\n")
    async with home.server() as client:
        uri = client.open(path.as_uri(), text)
        await client.inline(uri, len(text))
        for step in range(14):
            at = first if change == "delete" else first + step * (65 + len(CALL))
            if change == "delete":
                client.insert(uri, at, "", delete=65)
            else:
                client.insert(uri, at, CALL)
            if step % 4 == 1 or step > 11:
                await next_edit(client, uri, at)
        await every_task(client, uri, first)
    assert "def area" in sent(predicting)
    no_part_of_the_key(sent(predicting))


@pytest.mark.parametrize("source", ["settings.py", ".env", "private/keys.py"])
async def test_a_secret_that_is_pasted_elsewhere_does_not_leave(
    home: Home, predicting: LoopbackProvider, source: str
) -> None:
    git(home.workspace, "init")
    file(home, ".gitignore", "private/\n")
    text = f'PASSWORD="{PASSWORD}"\nSECRET="correct-horse-7battery"\n'
    one, other = file(home, source, text), file(home, "app.py", CODE)
    async with home.server() as client:
        uri = client.open(other.as_uri(), CODE)
        from_ = client.open(one.as_uri(), text)
        await client.inline(from_, 3)
        await client.inline(uri, len(CODE))
        client.close_document(from_)
        client.insert(uri, 0, f'use("{PASSWORD}")\nuse("correct-horse-7battery")\n')
        await every_task(client, uri, 5)
    no_part_of(PASSWORD, predicting)
    no_part_of("correct-horse-7battery", predicting)


async def test_what_tools_and_users_quote_of_a_secret_does_not_leave(
    home: Home, predicting: LoopbackProvider
) -> None:
    text = f'api_token = "{TOKEN}"\npassword: int = "{PASSWORD}"\npin_secret = "aB3-x"\n{CODE}'
    git(home.workspace, "init")
    file(home, ".gitignore", "private/\n")
    hidden = file(home, "private/keys.py", f"def {MARK}(): pass\n")
    path = file(home, "app.py", text)
    async with home.server() as client:
        uri = client.open(path.as_uri(), text)
        near = client.range(text, text.index("total"), text.index("total") + 5)
        place = {"uri": hidden.as_uri(), "range": near}
        problem = {
            "range": near,
            "severity": 1,
            "message": f'"{PASSWORD}" and "aB3-x" are no int',
            "relatedInformation": [{"location": place, "message": f"def {MARK}()"}],
        }
        client.insert(uri, text.index("height"), "my_")
        await next_edit(client, uri, text.index("height"), diagnostics=[problem])
        action: dict[str, Any]
        context = {"diagnostics": [problem]}
        asked = {"textDocument": {"uri": uri}, "range": near, "context": context}
        for action in await client.request("textDocument/codeAction", asked):
            if action["title"] == "Fix with ensemble":
                await client.request("codeAction/resolve", action, timeout=40)
        whole = client.range(text, 0, len(text))
        first: dict[str, Any] = {"uri": uri, "range": whole, "question": f"why {TOKEN[:20]}?"}
        answer = await client.command("ensemble.explain", first)
        again = {**first, "question": f"and {TOKEN[12:]}?", "previous": answer["id"]}
        await client.command("ensemble.explain", again)
        draft = {"draft": f'use("{TOKEN[8:30]}")', "followUp": f"without {TOKEN[4:26]}"}
        request = {"uri": uri, "range": near, "instruction": "shorten", "apply": False, **draft}
        await client.command("ensemble.generate", request)
    no_part_of(TOKEN, predicting)
    no_part_of(PASSWORD, predicting)
    assert "aB3-x" not in sent(predicting) and MARK not in sent(predicting)
    assert "are no int" in sent(predicting)


LOGIN = '''\
password = "{password}"


def login_{number}(user):
    """Log in.

    >>> 1 + 1
    2
    """
    name = user.name
    print(name)
    return check(name, "{password}", "{token}")
'''


@pytest.mark.parametrize("task", ["complete", "generate"])
def test_a_hole_in_a_comparison_does_not_uncover_a_secret(
    home: Home, remote: LoopbackProvider, task: str
) -> None:
    home.models[0]["tasks"] = [task]
    for number in range(4):
        text = LOGIN.format(number=number, password=PASSWORD, token=TOKEN)
        file(home, f"login_{number}.py", text)
    arguments = ("--task", task, "--out", "out", "--samples", "12", "--yes", "--json")
    done = cli(home, "compare", "workspace", *arguments)
    assert done.returncode == 0, done.stderr
    assert remote.requests
    assert PASSWORD not in sent(remote)
    assert not any(TOKEN[at : at + 10] in sent(remote) for at in range(len(TOKEN) - 9))


PATCH = f"""\
--- a/private/x.py
+++ b/private/x.py
@@ -1 +1 @@
-def {MARK}(a):
+def {MARK}_b(a):
--- a/../workspace/private/x.py
+++ b/../workspace/private/x.py
@@ -1 +1 @@
-def {MARK}(c):
+def {MARK}_d(c):
--- a/.env~
+++ b/.env~
@@ -1 +1 @@
-{MARK}=1
+{MARK}=2
--- a/other.py
+++ b/other.py
@@ -1,2 +1,2 @@
-password = "{PASSWORD}"
+v = "{PASSWORD}"
 x = 1
--- a/app.py
+++ b/app.py
@@ -1,2 +1,2 @@
-def area(breadth, height):
+def area(width, height):
     return width * height
"""


def test_a_patch_shows_no_ignored_file_and_no_secret(
    home: Home, predicting: LoopbackProvider
) -> None:
    git(home.workspace, "init")
    file(home, ".gitignore", "private/\n")
    file(home, "private/x.py", "x\n")
    file(home, "app.py", CODE)
    (home.path / "last.patch").write_text(PATCH)
    cli(home, "edit", "workspace/app.py:2:7", "--history", "last.patch")
    assert "breadth" in sent(predicting) and "other.py" in sent(predicting)
    assert MARK not in sent(predicting) and PASSWORD not in sent(predicting)
