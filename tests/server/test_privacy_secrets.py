"""Secrets in the files of a workspace reach no remote model."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import pytest

from tests.server.conftest import Home, cli
from tests.server.remote_model import APP, KEY, LIKE, MARK, asks, everything, file, remote, sent
from tests.support.private_key import BODY, PEM, no_part_of_the_key
from tests.support.providers import LoopbackProvider, running
from tests.support.recalled_code import CART, REST, SHOP

__all__ = ["remote"]  # a fixture
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.name != "posix", reason="paths of POSIX"),
]


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
