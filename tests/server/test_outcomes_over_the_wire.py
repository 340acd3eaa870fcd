"""Outcomes of suggestions in documents that are only edited, without our commands or notifications."""

from __future__ import annotations

import asyncio
import copy
import re
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.server.outcomes import outcomes, three_items, three_models
from tests.support.client_capabilities import CAPABILITIES
from tests.support.lsp_client import LspClient
from tests.support.providers import LoopbackProvider

pytestmark = pytest.mark.e2e  # a process for each: not for `make test`

CODE = 'def größe(höhe, breite):\n    rand = "🎈"; return '
REPLY = 'höhe * breite + len("🎈🎈") - rand_0'
"""Characters of two and of four bytes, before and inside the suggestion."""

Fate = Callable[[LspClient, str, dict[str, Any]], Awaitable[None]]


async def whole(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Accept with one key."""
    client.accept(uri, item)


async def word_by_word(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Accept word by word as in VS Code (with the space before it), with a request after each."""
    for word in re.findall(r"\s*\S+", item["insertText"]):
        client.append(uri, word)
        await client.inline(uri)


async def two_words(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Accept two words, then type something else."""
    for word in ("höhe", " *"):
        client.append(uri, word)
    for key in " 4711 ** 2":
        client.append(uri, key)


async def undone(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Accept, then undo at once."""
    before = len(client.text(uri))
    client.accept(uri, item)
    client.insert(uri, before, "", delete=len(client.text(uri)) - before)


async def by_hand(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Type it key by key, without another request."""
    for key in item["insertText"]:
        client.append(uri, key)


async def formatted(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Accept; then a formatter changes the line and adds an import above."""
    client.accept(uri, item)
    text = client.text(uri)
    client.insert(uri, text.index("; return"), "\n   ", delete=1)
    client.insert(uri, 0, "import math\n\n\n")


async def written_over(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Type something else."""
    for key in "None if rand else 4711":
        client.append(uri, key)


FATES: dict[str, tuple[Fate, set[str], float]] = {
    "whole": (whole, {"accepted"}, 1.0),
    "word by word": (word_by_word, {"accepted"}, 1.0),
    "two words": (two_words, {"partial"}, 0.15),
    "undone": (undone, {"rejected"}, 0.0),
    "by hand": (by_hand, {"typed"}, 1.0),
    "formatted": (formatted, {"accepted"}, 1.0),
    "written over": (written_over, {"rejected", "ignored"}, 0.0),
}
"""Each case with its right outcomes and the accepted share."""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
async def test_fates_are_told_from_edits_in_every_encoding(
    home: Home, provider: LoopbackProvider, uri: str, encoding: str
) -> None:
    provider.reply = REPLY
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"candidates": 1, "budgetMs": 20000}
    capabilities = copy.deepcopy(CAPABILITIES["neovim"])
    capabilities["general"]["positionEncodings"] = [encoding]
    followed: dict[str, str] = {}
    async with home.server(capabilities=capabilities) as client:
        assert client.capabilities["positionEncoding"] == encoding
        for number, (name, (play, _, _)) in enumerate(FATES.items()):
            client.open(f"{uri}.{number}.py", CODE)
            item = (await client.inline(f"{uri}.{number}.py"))[0]
            assert item["insertText"] == REPLY
            await play(client, f"{uri}.{number}.py", item)
            client.close_document(f"{uri}.{number}.py")
            followed[name] = str(item["command"]["arguments"][0]["id"])
        assert await client.shutdown() == 0
    settled = outcomes(home.path)
    told = {name: settled[id_] for name, id_ in followed.items()}
    for name, (_, kinds, share) in FATES.items():
        kind, source, taken, reward, survival = told[name]
        if name == "word by word":
            # A newer request took the rest over: its own outcome tells of the whole.
            assert kind in {"accepted", "superseded"}, told
            continue
        assert kind in kinds, (name, told)
        assert source == "document"
        if kind != "rejected":
            assert abs(taken - share) < 0.1, (name, told)
        if name in ("whole", "formatted"):
            assert reward > 0.9, (name, told)
            assert survival == 1.0
        if name == "undone":
            assert reward == 0
    kinds = [kind for kind, *_ in settled.values()]
    assert kinds.count("accepted") == 3, settled


async def test_an_accept_reported_after_a_partial_outcome_is_not_overwritten(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = REPLY
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"candidates": 1, "budgetMs": 20000}
    async with home.server() as client:
        client.open(uri, CODE)
        item = (await client.inline(uri))[0]
        id_ = item["command"]["arguments"][0]["id"]
        await two_words(client, uri, item)
        while outcomes(home.path).get(id_, ("",))[0] != "partial":
            await asyncio.sleep(0.05)
        await client.command("ensemble.accept", {"id": id_})
        kind, source, share, _, _ = outcomes(home.path)[id_]
        assert (kind, source, share) == ("accepted", "command", 1.0)
        client.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
        while outcomes(home.path)[id_][4] is None:
            await asyncio.sleep(0.05)
        kind, source, share, reward, survival = outcomes(home.path)[id_]
        assert (kind, source, share) == ("accepted", "command", 1.0)
        assert reward == pytest.approx(survival)


IF = "class A {\n    🎈if ()\n}\n"
IF_CURSOR = IF.index(")")
IF_REPLY = "!sf) return result;"
"""Replaces the bracket that the editor closed."""


async def in_smallest_form(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Accept as Neovim reports it: what differs between the old and the new lines."""
    client.insert(uri, IF_CURSOR, IF_REPLY, 1)


async def as_a_line(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Accept as an editor reports it that sends whole lines."""
    start = IF.index("    ")
    client.insert(uri, start, f"    🎈if ({IF_REPLY}", IF_CURSOR + 1 - start)


async def in_two_insertions(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Accept as an editor reports it that keeps the bracket."""
    client.insert(uri, IF_CURSOR, "!sf")
    client.insert(uri, IF_CURSOR + 4, " return result;")


async def over_the_bracket(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Type it key by key, over the bracket, with a request after each key."""
    for place, key in enumerate(IF_REPLY, IF_CURSOR):
        if key != ")":
            client.insert(uri, place, key)
        rest = IF_REPLY[place + 1 - IF_CURSOR :]
        if rest:
            items = await client.inline(uri, place + 1, kind=2)
            assert [one["insertText"] for one in items] == [rest], key


async def only_the_condition(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Accept the first word."""
    client.insert(uri, IF_CURSOR, "!sf")


async def undone_bracket(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Accept, then undo."""
    client.accept(uri, item)
    client.insert(uri, IF_CURSOR, ")", delete=len(IF_REPLY))


REPLACING: dict[str, tuple[Fate, str, float, float]] = {
    "whole": (whole, "accepted", 1.0, 1.0),
    "smallest": (in_smallest_form, "accepted", 1.0, 1.0),
    "line": (as_a_line, "accepted", 1.0, 1.0),
    "two insertions": (in_two_insertions, "accepted", 1.0, 1.0),
    "typed over": (over_the_bracket, "typed", 1.0, 1.0),
    "first word": (only_the_condition, "partial", 3 / 16, 1.0),
    "undone": (undone_bracket, "rejected", 1.0, 0.0),
}
"""Each case with its outcome, the share of the new characters, and the survival."""


async def test_an_accept_that_replaces_text_behind_the_cursor_is_an_accept(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = IF_REPLY
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"candidates": 1, "budgetMs": 20000, "debounceMs": 1}
    followed: dict[str, str] = {}
    async with home.server("vscode") as client:
        for name, (play, *_) in REPLACING.items():
            one = f"{uri}.{name.replace(' ', '_')}.java"
            client.open(one, IF, "java")
            item = (await client.inline(one, IF_CURSOR))[0]
            assert item["insertText"] == IF_REPLY
            assert item["range"] == client.range(IF, IF_CURSOR, IF_CURSOR + 1)
            await play(client, one, item)
            if name not in ("undone", "first word"):
                assert client.text(one) == IF.replace("()", f"({IF_REPLY}")
            client.close_document(one)
            followed[name] = str(item["command"]["arguments"][0]["id"])
        assert await client.shutdown() == 0
    settled = outcomes(home.path)
    for name, (_, kind, share, survival) in REPLACING.items():
        found = settled[followed[name]]
        if name == "typed over":
            # The last of the suggestions that continue it has the outcome of the whole.
            assert (kind, 1.0) in {(k, taken) for k, _, taken, _, _ in settled.values()}
            continue
        assert (found[0], found[1]) == (kind, "document"), (name, settled)
        assert found[2] == pytest.approx(share), (name, settled)
        if kind != "rejected":
            assert found[4] == survival
    with sqlite3.connect(home.path / "data" / "history.sqlite3") as database:
        chars = {row[0] for row in database.execute("select chars from suggestions")}
    database.close()
    assert max(chars) == len(IF_REPLY) - 1


MEMBER = "const path = file.fil"


async def popup(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """The editor's popup replaces the word under the cursor."""
    client.insert(uri, len(MEMBER) - 3, "fileName", delete=3)


async def popup_in_smallest_form(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """The same, as an editor sends it that compares lines."""
    client.append(uri, "eName")


async def name_by_command(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Accept; the client runs the command."""
    client.accept(uri, item)
    await client.command("ensemble.accept", item["command"]["arguments"][0])


async def opposite(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Paste nearly the same, soon after it was offered."""
    client.append(uri, ">= b + c")


async def redone(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Accept, undo, redo."""
    await undone(client, uri, item)
    client.accept(uri, item)


async def reloaded(client: LspClient, uri: str, item: dict[str, Any]) -> None:
    """Accept, then throw the change away: ``:e!`` closes the document and opens it again."""
    text = client.text(uri)
    client.accept(uri, item)
    client.close_document(uri)
    client.open(uri, text)


REAL: dict[str, tuple[str, str, Fate, str]] = {
    "popup, smallest form": (MEMBER, "eName", popup_in_smallest_form, "typed"),
    "popup": (MEMBER, "eName", popup, "typed"),
    # From here on the client is known to send edits as they are made: this is no popup's.
    "a name": (MEMBER, "eName", whole, "accepted"),
    "a name by command": (MEMBER, "eName", name_by_command, "accepted"),
    "an opposite": ("return a ", "<= b + c", opposite, "ignored"),
    "redone": ("x = ", "first + second", redone, "accepted"),
    "reloaded": ("x = ", "first + second", reloaded, "rejected"),
}
"""Each case with its line, the offered text, and its outcome."""


async def test_outcomes_where_people_really_edit(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"candidates": 1, "budgetMs": 20000}
    followed: dict[str, str] = {}
    async with home.server("vscode") as client:
        for number, (name, (code, reply, act, _)) in enumerate(REAL.items()):
            provider.reply, one = reply, f"{uri}.{number}.ts"
            client.open(one, code, "typescript")
            [item] = await client.inline(one)
            assert item["insertText"] == reply, name
            await act(client, one, item)
            client.close_document(one)
            followed[name] = str(item["command"]["arguments"][0]["id"])
        assert await client.shutdown() == 0
    settled = outcomes(home.path)
    found = {name: settled[id_][0] for name, id_ in followed.items()}
    assert found == {name: kind for name, (*_, kind) in REAL.items()}


@pytest.mark.parametrize(("shown", "rewarded"), [((), {0}), ((1,), {0, 1}), ((2,), {0, 2})])
async def test_items_that_nobody_saw_teach_nothing(
    home: Home, uri: str, shown: tuple[int, ...], rewarded: set[int]
) -> None:
    with three_models(home):
        async with home.server() as client:
            client.open(uri, CODE)
            items = await three_items(client, uri)
            ids = [str(item["command"]["arguments"][0]["id"]) for item in items]
            await asyncio.sleep(0.9)
            for number in shown:
                client.notify("ensemble/didShow", {"id": ids[number]})
                await asyncio.sleep(0.9)
            for key in "None if rand else 4711":
                client.append(uri, key)
            client.close_document(uri)
            assert await client.shutdown() == 0
    settled = outcomes(home.path)
    assert {number for number, id_ in enumerate(ids) if settled[id_][3] is not None} == rewarded


async def test_a_refused_text_does_not_come_back_from_the_cache(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = REPLY
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"candidates": 1, "budgetMs": 20000, "debounceMs": 1}
    async with home.server() as client:
        client.open(uri, CODE)
        await client.inline(uri, kind=2)
        item = (await client.inline(uri, kind=2))[0]
        assert (item["insertText"], len(provider.requests)) == (REPLY, 1)
        await client.command("ensemble.reject", item["command"]["arguments"][0])
        provider.reply = "rand + höhe"
        item = (await client.inline(uri, kind=2))[0]
        assert (item["insertText"], len(provider.requests)) == ("rand + höhe", 2)
