"""What is fuzzed: each target takes bytes, and fails by raising anything at all.

A target holds a promise, not only the absence of crashes: what is said in its docstring is asserted.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
from markdown_it import MarkdownIt

from ensemble_lsp.errors import ProviderError
from ensemble_lsp.history import History
from ensemble_lsp.lsp.transport import Garbage, read_messages
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.postprocess import clean_code, clean_completion, clean_prose
from ensemble_lsp.postprocess.explanation_text import safe_markdown
from ensemble_lsp.settings import read_config, resolve
from ensemble_lsp.types import Prompt
from tests.conformance.rig import Rig
from tests.support.adapters import APIS, adapter

_MARKDOWN = MarkdownIt("commonmark")
HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\u200b\ufeff\U000e0000-\U000e007f]"
)
LANGUAGES = ("python", "typescript", "go", "markdown", "")


@cache
def _folder() -> Path:
    # In memory where that is possible: a disk that is waited for is no use here.
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="fuzz-", dir=memory if memory.is_dir() else None))


class _Editor:
    """One server for many inputs: begun anew when an input has shut it down."""

    def __init__(self) -> None:
        self.rig: Rig | None = None
        self.count = 0

    def fresh(self) -> Rig:
        self.count += 1
        if self.rig is None or self.count % 500 == 0 or self.rig.server.protocol._shutdown:
            if self.rig is not None:
                self.rig.run(self.rig._end())
                self.rig.loop.close()
            self.rig = Rig(_folder())
        self.rig.sent.clear()
        self.rig.faults.clear()
        self.rig.asked.clear()
        return self.rig


_EDITOR = _Editor()


def json_rpc(data: bytes) -> None:
    """Bytes from a client: each request that can be told from them is answered once; what the server
    sends keeps to the meta-model; afterwards it still answers.
    """
    bodies = [m for m in read_messages(io.BytesIO(data)) if not isinstance(m, Garbage)]
    rig = _EDITOR.fresh()
    wanted: Counter[Any] = Counter()
    for body in bodies:
        if b'"exit"' in body:
            continue
        if asked := _asks(body):
            wanted[asked[0]] += 1
            # Of two requests with one id nobody can tell whose an answer is.
            rig.asked[asked[0]] = asked[1] if wanted[asked[0]] == 1 else ""
        rig.give(body)
    rig.turn()

    async def answered() -> None:
        while sum((wanted - rig.answers()).values()):
            await asyncio.sleep(0.001)

    rig.run(asyncio.wait_for(answered(), 20))
    given = rig.answers()
    assert all(given[id_] == count for id_, count in wanted.items()), (wanted, given)
    told = [f for f in rig.faults if "answered twice" not in f]  # ids may repeat: their right
    assert told == [], told


def _asks(body: bytes) -> tuple[int | str, str] | None:
    """The id and the method of a request, where it has both."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        return None
    id_ = message.get("id")
    whole = isinstance(id_, str) and not re.search("[\ud800-\udfff]", id_)
    return (id_, message["method"]) if whole or type(id_) is int else None


def sse(data: bytes) -> None:
    """A provider's stream, for each wire format: text, or one ``ProviderError`` of one sentence."""
    if not data:
        return
    api, body = APIS[data[0] % len(APIS)], data[1:]
    headers = {"content-type": "text/event-stream"}

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers=headers, content=body)

    async def ask() -> None:
        client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
        model = adapter("http://127.0.0.1:9/v1", api, http_client=client)
        try:
            await gather(model, Prompt("complete", "python", "a.py", prefix="x = "))
        except ProviderError as error:
            said = str(error)
            assert said and "\n" not in said and len(said) < 600, said
            assert "sk-proj" not in said
        finally:
            await model.close()

    _loop().run_until_complete(ask())


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def settings(data: bytes) -> None:
    """A config file and an editor's settings: always settings, and faults of one line each."""
    path = _folder() / "settings.toml"
    path.write_bytes(data)
    layers: list[tuple[str, Any]] = []
    raw, faults = read_config(path)
    layers.append(("config", raw))
    with contextlib.suppress(ValueError, RecursionError):
        layers.append(("editor", json.loads(data)))
    for untrusted in ((), ("editor", "config")):
        resolved, found = resolve(layers, untrusted=untrusted)
        for fault in (*faults, *found):
            assert "\n" not in str(fault) and len(str(fault)) < 2000, str(fault)
        if untrusted:
            assert resolved.models == () or list(resolved.models) == []
            assert not resolved.history.keep_text and not resolved.ensemble.run_examples


def jsonl(data: bytes) -> None:
    """Lines of an exported history: imported or named, and what is kept can be read again."""
    lines = data.decode("utf-8", "replace").split("\n")[:50]

    async def take() -> None:
        history = _history()
        report = await history.import_(lines)
        assert report.added <= len(lines)
        exported = [line async for line in history.export()]
        await history.stats()
        again = await history.import_(json.dumps(line) for line in exported)
        assert again.added == 0 and not again.errors, again
        assert history.notices == [], history.notices
        await history.clear()

    _loop().run_until_complete(take())


@cache
def _history() -> History:
    # What is imported may be of any year: retention must not remove it between two looks.
    return History.open(_folder() / "history.sqlite3", retention_days=10_000_000)


def model_output(data: bytes) -> None:
    """A model's text into post-processing: visible characters only, stable, never much longer."""
    if len(data) < 3:
        return
    language, flags = LANGUAGES[data[0] % len(LANGUAGES)], data[1]
    parts = data[2:].decode("utf-8", "surrogateescape").split("\x1e")
    text, prefix, suffix = (*parts, "", "")[:3]
    # What the document holds already may be in an answer: here nothing that is looked for below.
    prefix, suffix = (
        HIDDEN.sub("", p.encode("utf-8", "replace").decode("utf-8")) for p in (prefix, suffix)
    )
    multiline, finish = bool(flags & 1), "length" if flags & 2 else "stop"
    told = clean_completion(
        text, prefix=prefix, suffix=suffix, language=language, multiline=multiline, finish=finish
    )
    # A line that opens a block before a bracket of the rest keeps its lines, and a Markdown fence its block.
    opens_block = bool(suffix.partition("\n")[0].strip()) or language == "markdown"
    assert multiline or "\n" not in told or opens_block
    code = clean_code(text, language=language, prefix=prefix, suffix=suffix, indent="    ")
    prose = clean_prose(text)
    # Not ``clean_prose``: in code, a second look may take a mark for the end of a thought.
    assert safe_markdown(prose) == prose
    for cleaned in (told, code, prose):
        assert not HIDDEN.search(cleaned), ascii(cleaned)
        assert len(cleaned) < 20 * len(text) + 2000
        cleaned.encode("utf-8")
    for token in _tokens(prose):
        assert token.type not in {"html_block", "html_inline", "image"}, prose
        target = str(token.attrGet("href") or "")
        assert token.type != "link_open" or re.match("https?:", target, re.I), prose


def _tokens(markdown: str) -> list[Any]:
    """The tokens of Markdown, block and inline, by CommonMark."""
    found: list[Any] = []
    for block in _MARKDOWN.parse(markdown):
        found += [block, *(block.children or [])]
    return found


TARGETS: dict[str, Callable[[bytes], None]] = {
    "json_rpc": json_rpc,
    "sse": sse,
    "settings": settings,
    "jsonl": jsonl,
    "model_output": model_output,
}
