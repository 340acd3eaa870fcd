"""Nothing leaves that should not: keys, ignored files, other addresses of them, proxies on this machine."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.faults.test_hostile_repositories import KEY, MARK, asks, everything, file, remote
from tests.server.conftest import Home
from tests.server.test_recall_files import CART, REST, SHOP
from tests.server.test_reports import cli
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider, running

__all__ = ["remote"]  # a fixture
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

RAW = base64.b64encode(random.Random(7).randbytes(49 * 48)).decode()
BODY = [RAW[at : at + 64] for at in range(0, len(RAW), 64)]
PEM = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(BODY) + "\n-----END PRIVATE KEY-----\n"
LIKE = "def {0}(first_part, second_part):\n    return first_part + second_part\n"
APP = "def total(first_part, second_part):\n    return first_part + "


def sent(provider: LoopbackProvider) -> str:
    return "\n".join(json.dumps(request.body) for request in provider.requests)


def git(folder: Path, *arguments: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


def no_part_of_the_key(text: str) -> None:
    for line in BODY:
        assert line not in text
        for at in range(0, 64 - 12, 4):
            assert line[at : at + 12] not in text


# -- secrets ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [1, 20, 49])
async def test_a_key_around_the_cursor_does_not_leave(
    home: Home, remote: LoopbackProvider, line: int
) -> None:
    text = f"settings = '''\n{PEM}'''\n\n" + LIKE.format("area") + "\n" + APP
    path = file(home, "app.py", text)
    async with home.server() as client:
        uri = client.open(path.as_uri(), text)
        inside = sum(len(each) + 1 for each in text.split("\n")[: line + 1]) + 30
        client.insert(uri, inside, "\n")
        await client.inline(uri, inside)
        client.insert(uri, inside, "", delete=1)
        await client.inline(uri, inside)
        span = client.range(text, inside, inside + 700)
        arguments: dict[str, Any] = {"uri": uri, "range": span}
        await client.command("ensemble.explain", arguments)
        await client.command(
            "ensemble.generate", {**arguments, "instruction": "shorten", "apply": False}
        )
        await everything(client, uri)
        assert remote.requests
        no_part_of_the_key(sent(remote))


async def test_a_key_in_another_file_does_not_leave_in_a_passage(
    home: Home, remote: LoopbackProvider
) -> None:
    words = " ".join(f"first_part_{n} second_part_{n}" for n in range(12))
    keys = "".join(f"{each}  \n" for each in BODY[5:45])
    text = f"# {words}\nKEYS = '''\n{keys}'''\n# {words}\n" + LIKE.format("area")
    other = file(home, "other.py", text)
    app = file(home, "app.py", f"# {words}\n{APP}")
    async with home.server() as client:
        client.open(other.as_uri(), text)
        await everything(client, client.open(app.as_uri(), app.read_text()))
        assert "def area" in sent(remote)
        no_part_of_the_key(sent(remote))


@pytest.mark.parametrize("form", ['key += "{0}\\n";', "| {1} | {0} |", "echo {0} >> key.pem"])
async def test_a_named_model_gets_no_key_that_code_writes_line_by_line(
    home: Home, remote: LoopbackProvider, form: str
) -> None:
    lines = [form.format(line, number) for number, line in enumerate(BODY[4:44])]
    text = "\n".join(lines) + f"\n\n{APP}"
    path = file(home, "app.py", text)
    async with home.server() as client:
        uri = client.open(path.as_uri(), text)
        span = client.range(text, 300, 1500)
        arguments: dict[str, Any] = {"uri": uri, "range": span, "model": "far"}
        await client.command("ensemble.explain", arguments)
        await client.command(
            "ensemble.generate", {**arguments, "instruction": "shorten", "apply": False}
        )
        await client.inline(uri, 900)
        await everything(client, uri)
    assert remote.requests
    no_part_of_the_key(sent(remote))


async def test_what_recall_reads_from_disk_reaches_no_remote_prompt(
    home: Home, remote: LoopbackProvider
) -> None:
    home.models[0]["tasks"] = ["explain", "generate"]
    home.models.append({"name": "recall", "provider": "recall"})
    file(home, "shop.py", f"{SHOP}\n\ndef {MARK}(login):\n    return login('{KEY}')\n")
    async with home.server() as client:
        uri = client.open((home.workspace / "app.py").as_uri(), CART)
        for _ in range(100):
            if items := await client.inline(uri):
                break
            await asyncio.sleep(0.1)
        assert items and items[0]["insertText"] == REST  # the file was read
        client.append(uri, "login('" + KEY[:24])
        await client.inline(uri)
        await asks(client, uri)
    assert remote.requests
    assert KEY[:20] not in sent(remote) and MARK not in sent(remote)


async def test_a_secret_is_not_cut_into_what_no_rule_knows(
    home: Home, remote: LoopbackProvider
) -> None:
    """By the window, by an imported constant's 120 characters, by a join, or by the typing."""
    secret = "q7Rf9Zk2LmX4vB8nT1cW6yH3pD5sJ0aGu8Vb"
    long = "x" * 70
    file(home, "conf.py", f'{long} = "aa", "{secret}"\nAPI_TOKEN = ("{" " * 78}{secret}")\n')
    joined = (
        f'first = "{KEY[:16]}" + "{KEY[16:]}"\nsecond = (\n    "{KEY[:16]}"\n    "{KEY[16:]}"\n)\n'
    )
    text = f"from conf import *\n{joined}\n{APP}"
    app = file(home, "app.py", text)
    async with home.server() as client:
        uri = client.open(app.as_uri(), text)
        await everything(client, uri)
        client.append(uri, '0\n\n\nclient.login(password="')
        for at in range(0, len(secret), 3):
            client.append(uri, secret[at : at + 3])
            await client.inline(uri)
        text = sent(remote)
        assert len(remote.requests) > 6
        assert secret[:20] not in text and secret[12:24] not in text
        assert KEY[:16] not in text and KEY[16:] not in text


LISTED = """\
PASSWORDS = [
    "kangaroo12",
    "Giraffe!99",
]
users = [("alice", "opossum-77"), ("bob", "Numbat#2024")]
login, password = "admin", "wombat4711"
TABLE = '''
user,password,role
carol,Quokka-31,root
'''
PASSPHRASE = "eager beaver builds dams"
client_key = bytes([0x3f, 0xa2, 0x11, 0x90, 0x4c, 0xee, 0x71, 0x08, 0x9b, 0x20, 0xd5, 0x66])


"""


async def test_a_secret_that_a_name_elsewhere_shows_does_not_leave(
    home: Home, remote: LoopbackProvider
) -> None:
    text = LISTED + APP
    other = file(home, "other.py", LISTED + LIKE.format("area"))
    app = file(home, "app.py", text)
    async with home.server() as client:
        client.open(other.as_uri(), other.read_text())
        uri = client.open(app.as_uri(), text)
        await everything(client, uri)
        span = client.range(text, 0, len(LISTED))
        arguments: dict[str, Any] = {"uri": uri, "range": span}
        await client.command("ensemble.explain", arguments)
        await client.command(
            "ensemble.generate", {**arguments, "instruction": "shorten", "apply": False}
        )
        await client.inline(uri, text.index('"Giraffe'))
    shown = sent(remote)
    assert "def total" in shown and "PASSWORDS" in shown
    secrets = ("kangaroo12", "Giraffe!99", "opossum-77", "Numbat#2024", "wombat4711", "Quokka-31")
    assert not [each for each in (*secrets, "eager beaver", "0x3f, 0xa2") if each in shown]


async def test_a_remote_judge_sees_no_secret_in_the_candidates(
    home: Home, remote: LoopbackProvider
) -> None:
    home.models[0]["tasks"] = ["explain", "generate"]
    remote.reply = "A"
    with running(LoopbackProvider()) as one, running(LoopbackProvider()) as other:
        one.reply = f"    token = '{KEY}'\n    return login(token, first)\n"
        other.reply = f"    return post('{KEY}', headers=second_part, retry=True)\n"
        # A stream that differs early is stopped once the other answer is there.
        other.delay_first = 2.0
        home.model("one", one.base_url)
        home.model("other", other.base_url)
        home.tables["ensemble"] = {"judge": "far", "threshold": 1.0, "size": 3, "budgetMs": 30000}
        app = file(home, "app.py", "def send(first, second_part):\n    pass\n")
        async with home.server() as client:
            uri = client.open(app.as_uri(), app.read_text())
            span = client.range(app.read_text(), 34, 38)
            await client.command(
                "ensemble.generate",
                {"uri": uri, "range": span, "instruction": "log in", "apply": False},
                timeout=60,
            )
    judged = [r.text for r in remote.requests if "=== candidate A ===" in r.text]
    assert judged and "login(token" in judged[0] and "post(" in judged[0]  # each held the key
    assert KEY not in sent(remote)


# -- files -----------------------------------------------------------------------------------------


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
    git(other, "init")
    git(other, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-m", "x")
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


# -- models ----------------------------------------------------------------------------------------


class Proxy(LoopbackProvider):
    """A server on this machine that says of itself what ``pages`` has."""

    def __init__(self, pages: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__("width * height")
        self.pages = pages
        self.headers = headers or {}

    async def _list_models(self, request: web.Request) -> web.Response:
        if request.path in self.pages:
            return web.json_response(self.pages[request.path], headers=self.headers)
        answer = await super()._list_models(request)
        answer.headers.update(self.headers)
        return answer

    async def _list_tags(self, request: web.Request) -> web.Response:
        if request.path in self.pages:
            return web.json_response(self.pages[request.path])
        return await super()._list_tags(request)


def listed(**more: Any) -> dict[str, Any]:
    return {"/v1/models": {"object": "list", "data": [{"id": "near", "object": "model", **more}]}}


PROXIES: dict[str, Proxy] = {
    "litellm": Proxy(listed(owned_by="openai")),
    "copilot": Proxy(listed(owned_by="Azure OpenAI", vendor="Azure OpenAI")),
    "openrouter": Proxy(listed(pricing={"prompt": "0.1"}, top_provider={"context_length": 1})),
    "ollama": Proxy(
        {"/api/tags": {"models": [{"name": "near", "remote_host": "https://ollama.com:443"}]}}
    ),
    "others": Proxy({"/v1/models": {"data": [{"id": "near"}, {"id": "anthropic/claude-opus-4"}]}}),
    "headers": Proxy({}, {"openai-processing-ms": "12"}),
    "network": Proxy(listed(owned_by="me"), {"cf-ray": "8"}),
    "names": Proxy({"/v1/models": {"data": ["near", "gpt-4o"]}}),
    "engine": Proxy(listed(engine="anthropic")),
    "upstream": Proxy(listed(meta={"endpoint": "https://gateway.example/v1"})),
}


@pytest.fixture(params=sorted(PROXIES))
def proxy(request: pytest.FixtureRequest) -> Iterator[LoopbackProvider]:
    with running(PROXIES[request.param]) as provider:
        yield provider
        provider.requests.clear()


async def secrets_sent(home: Home, provider: LoopbackProvider) -> str:
    """What a model at that server gets of a file with a key, and of one that is ignored."""
    file(home, ".gitignore", "ignored.py\n")
    ignored = file(home, "ignored.py", LIKE.format(MARK) + APP)
    app = file(home, "app.py", f'KEY = "{KEY}"\n\n{APP}')
    async with home.server() as client:
        await client.inline(client.open(ignored.as_uri(), ignored.read_text()))
        uri = client.open(app.as_uri(), app.read_text())
        await everything(client, uri)
    assert provider.requests
    return sent(provider)


async def test_a_proxy_on_this_machine_counts_as_remote(
    home: Home, proxy: LoopbackProvider
) -> None:
    home.model("near", proxy.base_url)
    text = await secrets_sent(home, proxy)
    assert KEY not in text and MARK not in text and "def total" in text


async def test_a_setting_overrides_what_a_server_says(home: Home, proxy: LoopbackProvider) -> None:
    home.model("near", proxy.base_url, local=True)
    assert KEY in await secrets_sent(home, proxy)


@pytest.mark.parametrize("model", ["gpt-oss:120b-cloud", "glm-4.6:cloud", "gpt-4.1", "o3"])
async def test_models_that_no_machine_has_are_remote_behind_any_address(
    home: Home, provider: LoopbackProvider, model: str
) -> None:
    home.model("near", provider.base_url)
    home.models[0]["model"] = model
    text = await secrets_sent(home, provider)
    assert KEY not in text and MARK not in text


async def test_an_ordinary_server_is_local_unless_the_user_says_otherwise(
    home: Home, provider: LoopbackProvider
) -> None:
    home.model("near", provider.base_url)
    text = await secrets_sent(home, provider)
    assert KEY in text and MARK in text
    provider.requests.clear()
    home.models[0]["local"] = False
    text = await secrets_sent(home, provider)
    assert KEY not in text and MARK not in text


async def test_a_proxy_that_starts_after_the_editor_gets_nothing_before_it_is_known(
    home: Home,
) -> None:
    provider = Proxy(listed(owned_by="anthropic"))
    with running(provider):
        port = provider.port
    home.model("near", f"http://127.0.0.1:{port}/v1")
    app = file(home, "app.py", f'KEY = "{KEY}"\n\n{APP}')
    async with home.server() as client:
        uri = client.open(app.as_uri(), app.read_text())
        assert await client.command("ensemble.models")
        late = Proxy(listed(owned_by="anthropic"))
        late._port = port
        async with late:
            for _ in range(4):
                client.append(uri, " ")
                await client.inline(uri)
                await asyncio.sleep(0.1)
            await asks(client, uri)
            assert late.requests and KEY not in sent(late)


def test_doctor_and_the_list_of_models_say_what_an_address_cannot_tell(
    home: Home, proxy: LoopbackProvider
) -> None:
    with running(LoopbackProvider("1")) as plain:
        home.model("near", proxy.base_url)
        home.model("plain", plain.base_url)
        told = cli(home, "doctor").stdout
        listed_models = cli(home, "models", "list").stderr
    for text in (told, listed_models):
        assert "it counts as remote: its server" in text and "local = true" in text
        assert "if its server forwards to a service, set `local = false`" in text


async def test_the_preview_is_what_is_sent(home: Home, remote: LoopbackProvider) -> None:
    text = f"settings = '''\n{PEM}'''\ntoken = '{KEY}'\n{APP}"
    app = file(home, "app.py", text)
    place = f"{app}:{text.count(chr(10)) + 1}:{len(text.rpartition(chr(10))[2]) + 1}"
    shown = await asyncio.to_thread(cli, home, "doctor", "--show-prompt", place, "--json")
    body = json.loads(shown.stdout)[0]["request"]
    done = await asyncio.to_thread(cli, home, "complete", place, "--json")
    assert done.returncode == 0, done.stderr
    assert [request.body for request in remote.requests] == [body]
    no_part_of_the_key(json.dumps(body))
    assert KEY not in json.dumps(body)


if os.name != "posix":
    pytest.skip("paths of POSIX", allow_module_level=True)
