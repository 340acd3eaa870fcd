"""A small language client for the demo: one server over stdio, one document.

pygls' own client is not used: it pipes the server's standard error without reading it, so that warnings would be
lost and could block the server.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-32"]},
    "textDocument": {
        "inlineCompletion": {},
        "hover": {"contentFormat": ["markdown"]},
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": [""]}},
            "resolveSupport": {"properties": ["edit"]},
        },
    },
    "workspace": {"applyEdit": True},
    "window": {"workDoneProgress": True},
}


class DemoClient:
    """A client that keeps its documents as texts."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._next = 0
        self._texts: dict[str, str] = {}
        self._versions: dict[str, int] = {}
        self.chosen = ""
        """The answer that was chosen when the server asked."""
        self.applied = asyncio.Event()
        """Set when the server has applied an edit."""
        self._reader = asyncio.ensure_future(self._read())

    @classmethod
    async def start(cls, env: Mapping[str, str]) -> DemoClient:
        """Start this program as a server."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ensemble_lsp",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=dict(env),
            limit=2**24,
        )
        return cls(process)

    async def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        while header := await stdout.readline():
            await stdout.readline()
            message = json.loads(await stdout.readexactly(int(header.partition(b":")[2])))
            if "method" in message and "id" in message:
                result = self._answer(message["method"], message.get("params") or {})
                self._send({"id": message["id"], "result": result})
            elif "id" in message and (future := self._waiting.pop(message["id"], None)):
                if "error" in message:
                    future.set_exception(RuntimeError(message["error"]["message"]))
                else:
                    future.set_result(message.get("result"))
        for future in self._waiting.values():
            future.cancel()

    def _answer(self, method: str, params: dict[str, Any]) -> Any:
        """Answer a request of the server; of several answers, take the first."""
        if method == "window/showMessageRequest":
            self.chosen = params["actions"][0]["title"]
            return params["actions"][0]
        if method == "workspace/applyEdit":
            self.apply(params["edit"])
            self.applied.set()
            return {"applied": True}
        return None

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def notify(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._send({"method": method, "params": params})

    async def request(self, method: str, params: Any, timeout: float = 120) -> Any:
        """Send a request and return its result."""
        self._next += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[self._next] = future
        self._send({"id": self._next, "method": method, "params": params})
        return await asyncio.wait_for(future, timeout)

    async def command(self, name: str, argument: Any) -> Any:
        """Run a command and return its result."""
        params = {"command": name, "arguments": [argument]}
        return await self.request("workspace/executeCommand", params)

    async def initialize(self) -> None:
        """Initialize the server."""
        params = {"processId": None, "rootUri": None, "capabilities": CAPABILITIES}
        await self.request("initialize", params)
        self.notify("initialized", {})

    async def shutdown(self) -> None:
        """Shut the server down."""
        await self.request("shutdown", None)
        self.notify("exit", None)
        await asyncio.wait_for(self._process.wait(), 10)

    async def close(self) -> None:
        """End the process if it still runs."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reader

    def text(self, uri: str) -> str:
        """Return the text of a document."""
        return self._texts[uri]

    def open(self, uri: str, text: str) -> None:
        """Open a Python document."""
        self._texts[uri], self._versions[uri] = text, 1
        item = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def append(self, uri: str, text: str) -> None:
        """Append text to a document."""
        self._replace(uri, len(self._texts[uri]), len(self._texts[uri]), text)

    def _replace(self, uri: str, start: int, end: int, text: str) -> None:
        range_ = {"start": self._position(uri, start), "end": self._position(uri, end)}
        self._texts[uri] = self._texts[uri][:start] + text + self._texts[uri][end:]
        self._versions[uri] += 1
        identifier = {"uri": uri, "version": self._versions[uri]}
        changes = [{"range": range_, "text": text}]
        params = {"textDocument": identifier, "contentChanges": changes}
        self.notify("textDocument/didChange", params)

    async def replace(self, uri: str, start: int, end: int, text: str) -> None:
        """Type a text over another, key by key: deleting, then inserting."""
        for offset in range(end, start, -1):
            self._replace(uri, offset - 1, offset, "")
            await asyncio.sleep(0.01)
        for index, char in enumerate(text):
            self._replace(uri, start + index, start + index, char)
            await asyncio.sleep(0.01)

    def versioned(self, uri: str) -> dict[str, Any]:
        """Return the document's identifier with its version."""
        return {"uri": uri, "version": self._versions[uri]}

    def _position(self, uri: str, offset: int) -> dict[str, int]:
        before = self._texts[uri][:offset].split("\n")
        return {"line": len(before) - 1, "character": len(before[-1])}

    def _offset(self, uri: str, position: dict[str, int]) -> int:
        lines = self._texts[uri].split("\n")
        return sum(len(line) + 1 for line in lines[: position["line"]]) + position["character"]

    def at(self, uri: str, offset: int | None = None) -> dict[str, Any]:
        """Return the params for a position, by default the end."""
        place = len(self._texts[uri]) if offset is None else offset
        return {"textDocument": {"uri": uri}, "position": self._position(uri, place)}

    async def inline(self, uri: str, automatic: bool = False) -> list[dict[str, Any]]:
        """Request inline completions at the end."""
        params = {**self.at(uri), "context": {"triggerKind": 2 if automatic else 1}}
        return (await self.request("textDocument/inlineCompletion", params))["items"]

    def apply(self, edit: dict[str, Any]) -> None:
        """Apply a workspace edit."""
        for uri, edits in edit["changes"].items():
            for one in edits:
                self.apply_one(uri, one["range"], one["newText"])

    def apply_one(self, uri: str, range_: dict[str, Any], text: str) -> int:
        """Replace a range; return the offset after the new text."""
        start = self._offset(uri, range_["start"])
        self._replace(uri, start, self._offset(uri, range_["end"]), text)
        return start + len(text)
