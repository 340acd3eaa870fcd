"""What a hostile model writes: nothing of it renders, runs, hides, or leaves the document asked about."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import sys
from typing import Any

import pytest

from tests.server.conftest import Home
from tests.support.lsp_client import LspClient, LspError
from tests.support.providers import LoopbackProvider
from tests.support.sources import CODE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

PROSE = """The function `area` multiplies.

<img src="http://127.0.0.1:9/p.png"> <script>alert(1)</script> <iframe src=x></iframe>
![tracker](http://127.0.0.1:9/pixel.png) ![ref][pic]
[run](command:workbench.action.terminal.new) [go](javascript:alert(1)) [f](file:///etc/passwd)
[enc](&#x63;ommand:x) [v](vscode://x/y) <command:evil> <https://evil.example/?q=1>
[fine](https://docs.python.org/3/)

[pic]: http://127.0.0.1:9/pixel.png
[cmd]: command:evil
"""
ESCAPES = "\x1b]0;pwned\x07\x1b[2J\x1b]52;c;cHduZWQ=\x07\x9b31m\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\"
HIDDEN = "\x85\u2028\u2029\x0b\x0c\x1c\x1e\u202e\u2066\u2069\u200b\u2060\ufeff\u00ad\U000e0041\u115f\x00\x08\x7f"
BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u2028-\u202e"
                 "\u2060-\u206f\ufeff\U000e0000-\U000e007f\u115f]")  # fmt: skip


def harmless(markdown: str) -> None:
    """No HTML, no image, no link but to the web, nothing hidden."""
    assert not BAD.search(markdown), ascii(markdown)
    markdown = re.sub(r"\\[\[\]<>`*!&]", "", markdown)  # what is escaped is text
    assert not re.search(r"<[a-zA-Z/!]", markdown), markdown
    assert "![" not in markdown, markdown
    for target in re.findall(r"\]\(\s*<?([^)>\s]*)", markdown):
        assert re.match("https?://", target), target
    for scheme in ("command:", "javascript:", "file:", "vscode:", "&#x63;"):
        assert f"]({scheme}" not in markdown and f"<{scheme}" not in markdown
        assert f"]: {scheme}" not in markdown


def whole(client: LspClient, uri: str) -> dict[str, Any]:
    text = client.text(uri)
    return {"uri": uri, "range": client.range(text, 0, len(text))}


async def test_hovers_explanations_and_messages_are_harmless_markdown(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = PROSE + ESCAPES + HIDDEN
    home.model("gpt", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        hover = await client.request("textDocument/hover", client.at(uri, 5))
        assert hover["contents"]["kind"] == "markdown"
        harmless(hover["contents"]["value"])
        assert "multiplies" in hover["contents"]["value"]
        assert "https://docs.python.org/3/" in hover["contents"]["value"]
        told = await client.command("ensemble.explain", whole(client, uri))
        harmless(told["markdown"])


async def test_model_names_cannot_smuggle_markdown_either(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = "It multiplies."
    home.model("[x](command:evil) <img src=x>", provider.base_url)
    async with home.server() as client:
        client.open(uri, CODE)
        hover = await client.request("textDocument/hover", client.at(uri, 5))
        if hover is not None:
            harmless(hover["contents"]["value"])


async def test_a_suggestion_does_not_break_out_of_its_documentation(
    home: Home, provider: LoopbackProvider, uri: str
) -> None:
    provider.reply = "width * height # ````\n    ``````\n    [x](command:evil) ![y](http://z)"
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"budgetMs": 30000}
    async with home.server("plain") as client:
        client.open(uri, CODE)
        result = await client.request("textDocument/completion", client.at(uri))
        item = result["items"][0]
        item["data"]["text"] = provider.reply  # whatever post-processing leaves of it
        resolved = await client.request("completionItem/resolve", item)
        shown = resolved["documentation"]["value"]
        fence = re.match("`+", shown)
        assert fence is not None
        assert shown.split(f"\n{fence[0]}\n")[1].strip() == "Written by gpt."
        assert fence[0] not in shown.split("\n", 1)[1].split(f"\n{fence[0]}\n")[0]


@pytest.mark.parametrize(
    "reply",
    [
        "width * " + HIDDEN + "height",
        "width * height" + ESCAPES,
        "width /*\u202e } \u2066if (admin)\u2069 \u2066 begin */ * height",
    ],
)
async def test_suggestions_hold_nothing_invisible(
    home: Home, provider: LoopbackProvider, uri: str, reply: str
) -> None:
    provider.reply = reply
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"budgetMs": 30000}
    async with home.server() as client:
        client.open(uri, CODE)
        for item in await client.inline(uri):
            assert not BAD.search(item["insertText"]), ascii(item["insertText"])
        arguments = {**whole(client, uri), "instruction": "x", "apply": False}
        try:
            result = await client.command("ensemble.generate", arguments)
        except LspError:
            return
        for text in (result["text"], *(c["text"] for c in result["candidates"])):
            assert not BAD.search(text), ascii(text)


HOSTILE_CODE = (
    "```diff\n--- /etc/passwd\n+++ /etc/passwd\n@@ -1 +1 @@\n-root\n+evil\n```",
    '```json\n{"changes": {"file:///etc/passwd": [{"range": 1, "newText": "x"}]}}\n```',
    "FILE: ../../other.py\n```python\nevil = 1\n```",
    "$(touch ran)`touch ran`; import os; os.system('touch ran')",
    "x" * 300_000,
    "\n" * 50_000 + "1",
)


@pytest.mark.parametrize("reply", HOSTILE_CODE)
async def test_an_edit_stays_in_its_document_and_runs_nothing(
    home: Home, provider: LoopbackProvider, uri: str, reply: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home.workspace)
    provider.reply = reply
    home.model("gpt", provider.base_url)
    home.tables["complete"] = {"budgetMs": 30000}
    before = "first = 1\n# Return the area\n\nlast = 2\n"
    other = (home.workspace / "other.py").as_uri()
    async with home.server() as client:
        client.open(other, "untouched\n")
        client.open(uri, before)
        place = client.position(before, before.index("\n\nlast") + 1)
        arguments = {"uri": uri, "range": {"start": place, "end": place}}
        edits: list[Any] = []
        client.answer["workspace/applyEdit"] = lambda p: (
            edits.append(p["edit"]) or {"applied": True}
        )
        try:
            await client.command("ensemble.generate", {**arguments, "instruction": "area"})
        except LspError as error:
            assert len(error.message) < 400
        for edit in edits:
            for change in edit["documentChanges"]:
                assert set(change) == {"textDocument", "edits"}
                assert change["textDocument"]["uri"] == uri
                for one in change["edits"]:
                    assert one["range"]["start"]["line"] >= 1 and one["range"]["end"]["line"] <= 2
                    assert len(one["newText"]) < 110_000
        items = await client.inline(uri, before.index("\n\nlast") + 1)
        for item in items:
            assert item["command"]["command"] == "ensemble.accept"
            assert len(item["insertText"].split("\n")) < 200
        assert client.text(other) == "untouched\n"
    assert [p.name for p in home.workspace.iterdir()] == []


async def in_terminal(home: Home, *arguments: str) -> bytes:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_API_KEY")}
    environment |= {
        "ENSEMBLE_LSP_CONFIG": str(home.path / "config.toml"),
        "ENSEMBLE_LSP_DATA_DIR": str(home.path / "data"),
        "TERM": "xterm-256color",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ensemble_lsp", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment,
    )  # fmt: skip
    os.close(theirs)

    def read() -> bytes:
        parts: list[bytes] = []
        try:
            while part := os.read(ours, 65536):
                parts.append(part)
        except OSError:  # how Linux tells that the other side is closed
            pass
        return b"".join(parts)

    shown = await asyncio.to_thread(read)
    await process.wait()
    os.close(ours)
    return shown


def about_the_file(home: Home, command: str) -> tuple[str, ...]:
    """Write a file and the config; return the command's arguments about that file."""
    home.write()
    path = home.workspace / "app.py"
    path.write_text(CODE)
    return {
        "complete": (f"{path}:2:12",),
        "explain": (f"{path}:1",),
        "generate": ("the area", "--at", f"{path}:2"),
    }[command]


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("command", ["complete", "explain", "generate"])
@pytest.mark.parametrize("delay", [0.0, 0.01])
async def test_no_escape_sequence_of_a_model_reaches_the_terminal(
    home: Home, provider: LoopbackProvider, command: str, delay: float
) -> None:
    text = f"width {ESCAPES}* {HIDDEN}height" if command != "explain" else PROSE + ESCAPES
    provider.reply, provider.delay_chunk = text, delay
    home.model("gpt", provider.base_url)
    shown = await in_terminal(home, command, *about_the_file(home, command))
    assert (provider.requests and b"width" in shown) or b"multiplies" in shown, shown
    for wrong in (b"\x1b]", b"\x1b[2J", b"\x9b", b"pwned\x07", "\u202e".encode(), b"\x07"):
        assert wrong not in shown, shown


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("command", ["complete", "explain", "generate"])
async def test_json_holds_nothing_hidden(
    home: Home, provider: LoopbackProvider, command: str
) -> None:
    provider.reply = f"width {ESCAPES}* {HIDDEN}height"
    home.model("gpt", provider.base_url)
    shown = await in_terminal(home, command, *about_the_file(home, command), "--json")
    start = shown.index(b"{")
    result, _ = json.JSONDecoder().raw_decode(shown[start:].decode())
    assert "width" in result["text"]
    assert not BAD.search(result["text"]), ascii(result["text"])


@pytest.mark.e2e
async def test_one_huge_line_is_not_offered(home: Home, provider: LoopbackProvider) -> None:
    huge = " + ".join(f"value_{n}" for n in range(780))
    assert len(huge) > 9216
    home.model("one", provider.base_url)
    async with home.server() as client:
        uri = client.open((home.workspace / "app.py").as_uri(), "def total(a, b):\n    return ")
        provider.reply = lambda _: "a + b"
        assert await client.inline(uri)
        before = len(provider.requests)
        for reply in (huge[:9216], f"[\n{huge}\n]", "x" * 9216):
            provider.reply = lambda _, reply=reply: reply
            client.append(uri, "0 +\\\n        ")
            for item in await client.inline(uri):
                assert max(map(len, item["insertText"].split("\n"))) < 1000
        assert len(provider.requests) > before
