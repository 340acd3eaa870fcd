"""A language client for tests: the installed server as a subprocess, driven over stdio.

It keeps the documents as an editor does, answers the server's requests and applies its edits. Every message
from the server is checked against the LSP meta-model, the results of our own commands and our notifications
against the published schema: a message that does not fit fails the test.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import sys
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from ensemble_lsp.lsp.command_schemas import COMMANDS
from ensemble_lsp.lsp.notification_schemas import FROM_SERVER
from ensemble_lsp.lsp.protocol_schema import protocol_json_schema
from tests.support.environment import clean_environment
from tests.support.metamodel import Conformance

from .client_capabilities import CAPABILITIES


@functools.cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({**protocol_json_schema(), "$ref": f"#/$defs/{name}"})


def schema_faults(name: str, value: Any) -> list[str]:
    """Return the faults of a value as an instance of one of the protocol's definitions."""
    errors = _validator(name).iter_errors(value)
    return [f"{name}: {error.json_path}: {error.message}" for error in errors]


class LspError(Exception):
    """The server answered with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = int(error["code"])
        self.message = str(error["message"])
        self.data = error.get("data")


async def assert_cancelled(answer: asyncio.Future[Any], timeout: float = 30) -> None:
    """Wait for the error that answers a cancelled request."""
    try:
        given = await asyncio.wait_for(answer, timeout)
    except LspError as error:
        assert error.code == -32800, error
    else:
        raise AssertionError(given)


class LspClient:
    """One editor, with one server."""

    def __init__(self, process: asyncio.subprocess.Process, editor: str) -> None:
        self.process = process
        self.editor = editor
        self.settings: dict[str, Any] = {}
        self.documents: dict[str, tuple[int, str]] = {}
        self.notifications: list[tuple[str, Any]] = []
        self.requests: list[tuple[str, Any]] = []
        self.answers: list[Any] = []
        self.answer: dict[str, Callable[[Any], Any]] = {}
        self.mute = False
        """Answer none of the server's requests."""
        self.invalid: list[str] = []
        self.conformance = Conformance()
        self.capabilities: dict[str, Any] = {}
        self._pending: dict[int | str, asyncio.Future[Any]] = {}
        self._methods: dict[int | str, str] = {}
        self._commands: dict[int | str, str] = {}
        self._next = 0
        self._changed = asyncio.Event()
        self._reader = asyncio.ensure_future(self._read())

    # -- wire ----------------------------------------------------------------------------------

    def send_raw(self, data: bytes) -> None:
        """Bytes as they are."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def send(self, message: Any) -> None:
        """One JSON message with its header."""
        body = json.dumps(message).encode()
        self.send_raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def notify(self, method: str, params: Any = None) -> None:
        """A notification."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def start(self, method: str, params: Any = None) -> tuple[int, asyncio.Future[Any]]:
        """A request: its id, and the future of its result."""
        self._next += 1
        future = self.expect(self._next, method)
        if isinstance(params, dict) and "workDoneToken" in params:
            self.conformance.allow(params["workDoneToken"])
        if method == "workspace/executeCommand" and isinstance(params, dict):
            self._commands[self._next] = str(params.get("command"))
        self.send({"jsonrpc": "2.0", "id": self._next, "method": method, "params": params})
        return self._next, future

    def expect(self, id_: int | str, method: str) -> asyncio.Future[Any]:
        """The future of the answer to a request that the test sends by itself."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[id_] = future
        self._methods[id_] = method
        return future

    async def request(self, method: str, params: Any = None, timeout: float = 40) -> Any:
        """A request's result; raises ``LspError``."""
        _, future = self.start(method, params)
        return await asyncio.wait_for(future, timeout)

    def cancel(self, id_: int) -> None:
        """Cancel a request."""
        self.notify("$/cancelRequest", {"id": id_})

    async def _read(self) -> None:
        stdout = self.process.stdout
        assert stdout is not None
        while header := await stdout.readline():
            length = int(header.partition(b":")[2])
            while (await stdout.readline()).strip():
                pass
            self._take(json.loads(await stdout.readexactly(length)))
            self._changed.set()
        for future in self._pending.values():
            if not future.done():
                future.set_exception(ConnectionError("the server is gone"))
        self._changed.set()

    def _take(self, message: dict[str, Any]) -> None:
        self._validate(message)
        if "method" in message and "id" in message:
            self.requests.append((message["method"], message.get("params")))
            if not self.mute:
                self._reply(message)
        elif "method" in message:
            self.notifications.append((message["method"], message.get("params")))
        else:
            self.answers.append(message["id"])
            future = self._pending.pop(message["id"], None)
            if future is None or future.done():
                if message["id"] is not None and future is None:
                    self.invalid.append(f"an answer to nothing: {message}")
            elif "error" in message:
                future.set_exception(LspError(message["error"]))
            else:
                future.set_result(message.get("result"))

    def _validate(self, message: dict[str, Any]) -> None:
        asked = None if "method" in message else self._methods.get(message.get("id", ""))
        self.invalid += self.conformance.faults(message, asked)
        command = None if "method" in message else self._commands.get(message.get("id", ""))
        method = message.get("method")
        if command in COMMANDS and "result" in message:
            name = COMMANDS[command][0].__name__.replace("Arguments", "Result")
            self.invalid += schema_faults(name, message["result"])
        elif method in FROM_SERVER:
            self.invalid += schema_faults(FROM_SERVER[method].__name__, message.get("params"))

    def _reply(self, message: dict[str, Any]) -> None:
        method, params = message["method"], message.get("params")
        if method in self.answer:
            result = self.answer[method](params)
        elif method == "workspace/configuration":
            result = [self.settings for _ in params["items"]]
        elif method == "workspace/applyEdit":
            self.apply(params["edit"])
            result = {"applied": True}
        elif method == "window/showDocument":
            result = {"success": True}
        else:
            result = None
        self.send({"jsonrpc": "2.0", "id": message["id"], "result": result})

    async def until(self, condition: Callable[[], Any], timeout: float = 40) -> Any:
        """Wait until a condition holds for what came in; its value."""

        async def wait() -> Any:
            while not (value := condition()):
                self._changed.clear()
                await self._changed.wait()
            return value

        return await asyncio.wait_for(wait(), timeout)

    def messages(self, method: str = "window/showMessage") -> list[str]:
        """The texts the server showed."""
        return [p["message"] for m, p in self.notifications if m == method]

    # -- life ----------------------------------------------------------------------------------

    async def initialize(
        self,
        folder: Path | None = None,
        options: dict[str, Any] | None = None,
        capabilities: dict[str, Any] | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """``initialize`` and ``initialized``; the server's capabilities."""
        params = {
            "processId": None,
            "clientInfo": {"name": self.editor},
            "rootUri": folder.as_uri() if folder else None,
            "workspaceFolders": [{"uri": folder.as_uri(), "name": folder.name}] if folder else None,
            "capabilities": capabilities or CAPABILITIES[self.editor],
            "initializationOptions": options,
            **more,
        }
        self.conformance.capabilities = params["capabilities"]
        result = await self.request("initialize", params)
        self.capabilities = result["capabilities"]
        self.notify("initialized", {})
        return self.capabilities

    async def shutdown(self) -> int:
        """``shutdown`` and ``exit``; the exit code."""
        await self.request("shutdown")
        self.notify("exit")
        return await asyncio.wait_for(self.process.wait(), 30)

    async def close(self) -> None:
        """End the server whatever state it is in, and the reading."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader
        if self.process.stdin is not None:
            self.process.stdin.close()

    # -- documents -----------------------------------------------------------------------------

    def open(self, uri: str, text: str, language: str = "python", version: int = 1) -> str:
        """``didOpen``."""
        self.documents[uri] = (version, text)
        item = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})
        return uri

    def close_document(self, uri: str) -> None:
        """``didClose``."""
        del self.documents[uri]
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def text(self, uri: str) -> str:
        """The text as the editor has it."""
        return self.documents[uri][1]

    def insert(self, uri: str, offset: int, text: str, delete: int = 0) -> None:
        """Replace ``delete`` characters at an offset, as one incremental change."""
        version, old = self.documents[uri]
        change = {"range": self.range(old, offset, offset + delete), "text": text}
        self.documents[uri] = (version + 1, old[:offset] + text + old[offset + delete :])
        self._change(uri, [change])

    def append(self, uri: str, text: str) -> None:
        """Type at the end."""
        self.insert(uri, len(self.text(uri)), text)

    def replace_all(self, uri: str, text: str) -> None:
        """A full change."""
        self.documents[uri] = (self.documents[uri][0] + 1, text)
        self._change(uri, [{"text": text}])

    def _change(self, uri: str, changes: list[Any]) -> None:
        identifier = {"uri": uri, "version": self.documents[uri][0]}
        params = {"textDocument": identifier, "contentChanges": changes}
        self.notify("textDocument/didChange", params)

    def apply(self, edit: dict[str, Any]) -> None:
        """A workspace edit: applied as an editor does, and reported by didChange."""
        changes = [(u, e) for u, e in (edit.get("changes") or {}).items()]
        for one in edit.get("documentChanges") or []:
            identifier = one["textDocument"]
            assert identifier["version"] in (None, self.documents[identifier["uri"]][0])
            changes.append((identifier["uri"], one["edits"]))
        for uri, edits in changes:
            for item in sorted(edits, key=lambda e: self._key(e), reverse=True):
                start = self.offset(self.text(uri), item["range"]["start"])
                end = self.offset(self.text(uri), item["range"]["end"])
                self.insert(uri, start, item["newText"], end - start)

    @staticmethod
    def _key(edit: Any) -> tuple[int, int]:
        start = edit["range"]["start"]
        return start["line"], start["character"]

    # -- positions in the negotiated encoding --------------------------------------------------

    def _units(self, text: str) -> int:
        encoding = self.capabilities.get("positionEncoding", "utf-16")
        if encoding == "utf-32":
            return len(text)
        return (
            len(text.encode("utf-8")) if encoding == "utf-8" else len(text.encode("utf-16-le")) // 2
        )

    def position(self, text: str, offset: int) -> dict[str, int]:
        """An offset in code points as an LSP position."""
        before = text[:offset].replace("\r\n", "\n").split("\n")
        return {"line": len(before) - 1, "character": self._units(before[-1])}

    def range(self, text: str, start: int, end: int) -> dict[str, Any]:
        """Two offsets as an LSP range."""
        return {"start": self.position(text, start), "end": self.position(text, end)}

    def offset(self, text: str, position: dict[str, int]) -> int:
        """An LSP position as an offset in code points."""
        lines = text.split("\n")
        offset = sum(len(line) + 1 for line in lines[: position["line"]])
        line = lines[position["line"]]
        columns = range(len(line))
        return offset + bisect_left(
            columns, position["character"], key=lambda n: self._units(line[:n])
        )

    # -- the usual requests --------------------------------------------------------------------

    def at(self, uri: str, offset: int | None = None) -> dict[str, Any]:
        """A place: the end of the document by default."""
        text = self.text(uri)
        place = len(text) if offset is None else offset
        return {"textDocument": {"uri": uri}, "position": self.position(text, place)}

    def start_inline(
        self, uri: str, offset: int | None = None, kind: int = 1, **context: Any
    ) -> tuple[int, asyncio.Future[Any]]:
        """Begin an inline completion."""
        params = {**self.at(uri, offset), "context": {"triggerKind": kind, **context}}
        return self.start("textDocument/inlineCompletion", params)

    async def inline(
        self, uri: str, offset: int | None = None, kind: int = 1, **context: Any
    ) -> list[dict[str, Any]]:
        """Inline completions; 1 is invoked, 2 automatic."""
        _, future = self.start_inline(uri, offset, kind, **context)
        return (await asyncio.wait_for(future, 20))["items"]

    def accept(self, uri: str, item: dict[str, Any]) -> None:
        """Insert an item as the editor does."""
        text = self.text(uri)
        start = self.offset(text, item["range"]["start"])
        end = self.offset(text, item["range"]["end"])
        self.insert(uri, start, item["insertText"], end - start)

    async def command(self, name: str, arguments: Any = None, timeout: float = 30) -> Any:
        """Run a command."""
        params = {"command": name, "arguments": [arguments or {}]}
        return await self.request("workspace/executeCommand", params, timeout)


@contextlib.asynccontextmanager
async def running_server(
    tmp: Path,
    editor: str = "neovim",
    *,
    env: dict[str, str] | None = None,
    arguments: tuple[str, ...] = (),
    wrapper: tuple[str, ...] = (),
    client: type[LspClient] = LspClient,
) -> AsyncIterator[LspClient]:
    """The installed server with a config and data folder of its own, and no keys from outside."""
    clean = clean_environment() | {
        "ENSEMBLE_LSP_CONFIG": str(tmp / "config.toml"),
        "ENSEMBLE_LSP_DATA_DIR": str(tmp / "data"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PYTHONWARNINGS": "default",
        **(env or {}),
    }
    log = (tmp / "server.log").open("wb")
    process = await asyncio.create_subprocess_exec(
        *wrapper,
        sys.executable,
        "-m",
        "ensemble_lsp",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=log,
        env=clean,
        limit=2**26,
    )
    made = client(process, editor)
    try:
        yield made
        assert not made.invalid, made.invalid
    finally:
        await made.close()
        log.close()
