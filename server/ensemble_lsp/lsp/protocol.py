"""pygls' protocol, held to what we promise: each request answered exactly once, nothing leaked.

What differs from pygls 2.1, and why:

- messages are decoded here, so that one that cannot be is still answered (-32602, -32700);
- requests before ``initialize`` get -32002, those after ``shutdown`` -32600;
- numbers out of LSP's bounds and halves of characters are mended (``mending``); a change that cannot be
  read closes its document, because what the editor holds is then not known;
- documents are ours (``context.documents``), not pygls' workspace, whose changes cost the whole file;
- commands are cancelled like any request, and an error carries no traceback to the client;
- a finished notification leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams, JsonRpcMethodNotFound
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.json_rpc import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
)
from pygls.protocol.language_server import lsp_method

from .error_responses import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST
from .message_repair import bounded, load
from .transport import Garbage

if TYPE_CHECKING:
    from .server import EnsembleServer

logger = logging.getLogger(__name__)

PARSE_ERROR = -32700
NOT_INITIALIZED = -32002
UNKNOWN_METHOD = -32601


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _malformed(data: dict[str, Any]) -> str:
    """Why an object is no message; empty for one that is."""
    method, msg_id = data.get("method"), data.get("id")
    if data.get("jsonrpc", "2.0") != "2.0":
        return "only JSON-RPC 2.0 is spoken"
    if msg_id is not None and not _is_id(msg_id):
        return "an id must be a number or a string"
    if method is not None and not isinstance(method, str):
        return "a method must be a string"
    return "a message needs a method or an id" if method is None and msg_id is None else ""


class EnsembleProtocol(LanguageServerProtocol):
    """The protocol of one connection."""

    def __init__(self, server: EnsembleServer, converter: Any) -> None:
        super().__init__(server, converter)
        self._ensemble = server
        self._initialized = False
        self._legacy_triggers: bool | None = None

    # -- in ------------------------------------------------------------------------------------

    def receive(self, message: bytes | Garbage) -> None:
        """Take one message body from the transport; on the event loop."""
        try:
            data = load(message) if isinstance(message, bytes) else None
        except (ValueError, RecursionError):
            data = None
        if data is None:
            self._refuse(None, PARSE_ERROR, "what was received is no JSON-RPC message")
        elif not isinstance(data, dict):
            self._refuse(None, INVALID_REQUEST, "a message must be one JSON object")
        else:
            self._dispatch(cast("dict[str, Any]", data))

    def _dispatch(self, data: dict[str, Any]) -> None:
        method, msg_id = data.get("method"), data.get("id")
        if reason := _malformed(data):
            self._refuse(msg_id if _is_id(msg_id) else None, INVALID_REQUEST, reason)
            return
        if method is None:
            self._take_response(data)
            return
        if refusal := self._out_of_turn(method):
            if msg_id is not None:
                self._refuse(msg_id, *refusal)
            return
        decoded = self._decoded(method, data)
        if decoded is None:
            return
        self._initialized = self._initialized or method == types.INITIALIZE
        try:
            self.handle_message(decoded)
        except Exception:
            logger.exception("%s could not be handled", method)
            if msg_id is not None:
                self._refuse(msg_id, INTERNAL_ERROR, f"{method} could not be handled")

    def _decoded(self, method: str, data: dict[str, Any]) -> Any:
        """The message as lsprotocol's type; None for one that is refused."""
        for attempt in (data, bounded(data)):
            try:
                return self._decode(method, attempt)
            except Exception as error:
                reason = type(error).__name__
        logger.warning("%s: params cannot be decoded: %s", method, reason)
        if (msg_id := data.get("id")) is not None:
            self._refuse(msg_id, INVALID_PARAMS, f"the params of {method} cannot be decoded")
        elif method == types.TEXT_DOCUMENT_DID_CHANGE:
            self._lose(data.get("params"))
        return None

    def _lose(self, params: Any) -> None:
        """After a change that cannot be read: better no answers than such as do not fit the text."""
        try:
            uri = params["textDocument"]["uri"]
        except (KeyError, TypeError):
            return
        if isinstance(uri, str) and (document := self._ensemble.documents.close(uri)):
            self._ensemble.tell(
                f"The editor sent a change of {document.name} that cannot be read;"
                " close and open the file again to have it served."
            )

    def _out_of_turn(self, method: str) -> tuple[int, str] | None:
        """Code and reason where the connection's state does not allow the method."""
        if method == types.EXIT:
            return None
        if self._shutdown:
            return INVALID_REQUEST, "the server is shutting down"
        if method == types.INITIALIZE:
            if self._initialized:
                return INVALID_REQUEST, "the server is initialized already"
            return None
        if not self._initialized:
            return NOT_INITIALIZED, "the server waits for initialize"
        return None

    def _decode(self, method: str, data: dict[str, Any]) -> Any:
        message_type = self.get_message_type(method)
        data.setdefault("jsonrpc", self.VERSION)
        if message_type is None:
            # Our own methods and unknown ones: plain JSON, no nested named tuples.
            params = data.get("params")
            if "id" in data:
                return JsonRPCRequestMessage(data["id"], method, self.VERSION, params)
            return JsonRPCNotification(method, self.VERSION, params)
        if method == types.TEXT_DOCUMENT_INLINE_COMPLETION:
            self._mend_trigger(data)
        return self._converter.structure(data, message_type)

    def _mend_trigger(self, data: dict[str, Any]) -> None:
        """LSP counts Invoked 1, Automatic 2; older VS Code clients send their own 0 and 1."""
        context: Any = (data.get("params") or {}).get("context")
        if not isinstance(context, dict):
            return
        context = cast("dict[str, Any]", context)
        kind = context.get("triggerKind")
        if kind == 0:
            self._legacy_triggers = True
        elif kind == 2:
            self._legacy_triggers = False
        if self._legacy_triggers and kind in (0, 1):
            context["triggerKind"] = kind + 1

    def _take_response(self, data: dict[str, Any]) -> None:
        msg_id, error = data["id"], data.get("error")
        kind = self._result_types.pop(msg_id, None)
        waiting = self._request_futures.get(msg_id)
        # What runs for the client's own requests lies in the same table, as tasks.
        if waiting is None or waiting.done() or isinstance(waiting, asyncio.Future):
            logger.warning("an answer to nothing that was asked: ignored")
            return
        try:
            if error is not None:
                failed = types.ResponseError(int(error["code"]), str(error["message"]))
                self._handle_response(msg_id, None, failed)
                return
            message = self._converter.structure(
                {"jsonrpc": self.VERSION, **data}, kind or JsonRPCResponseMessage
            )
        except Exception:
            # The waiting request ends with an error instead of never.
            failed = types.ResponseError(INVALID_PARAMS, "the client's answer cannot be decoded")
            self._handle_response(msg_id, None, failed)
        else:
            self._handle_response(msg_id, message.result)

    def _handle_cancel_notification(self, msg_id: Any) -> None:
        # One that comes after the answer is everyday, and no news.
        if _is_id(msg_id) and msg_id in self._request_futures:
            super()._handle_cancel_notification(msg_id)

    # -- handling ------------------------------------------------------------------------------

    def _execute_handler(  # type: ignore[override]
        self, msg_id: Any, handler: Any, callback: Any, args: Any = None, kwargs: Any = None
    ) -> None:
        super()._execute_handler(msg_id, handler, callback, args, kwargs)
        future = self._request_futures.get(msg_id)
        if future is not None:
            future.add_done_callback(lambda _: self._request_futures.pop(msg_id, None))

    def _send_handler_result(self, future: Any, *, msg_id: Any) -> None:
        """Answer a request; our errors as they are, any other without its traceback."""
        self._request_futures.pop(msg_id, None)
        error = None if future.cancelled() else future.exception()
        if error is None:
            super()._send_handler_result(future, msg_id=msg_id)
        elif isinstance(error, asyncio.CancelledError):
            self._refuse(msg_id, -32800, "cancelled")
        elif isinstance(error, JsonRpcException):
            self._refuse(msg_id, error.code or INTERNAL_ERROR, str(error.message or error))
        else:
            logger.error("request %s failed", msg_id, exc_info=error)
            self._refuse(msg_id, INTERNAL_ERROR, f"failed inside ({type(error).__name__})")

    def _handle_request(self, msg_id: Any, method_name: str, params: Any) -> None:
        try:
            self._get_handler(method_name)
        except JsonRpcMethodNotFound:
            self._refuse(msg_id, UNKNOWN_METHOD, f"{method_name} is not served")
            return
        super()._handle_request(msg_id, method_name, params)

    def _refuse(self, msg_id: Any, code: int, message: str) -> None:
        if msg_id is None:
            # JSON-RPC wants the null; the converter leaves out what is None.
            error = {"code": code, "message": message}
            self._send_data({"jsonrpc": self.VERSION, "id": None, "error": error})
            return
        self._send_response(msg_id, error=types.ResponseError(code=code, message=message))

    # -- pygls' own handlers that we replace ---------------------------------------------------

    def _to_user(self, method: str, params: Any) -> None:
        if handler := self.fm.features.get(method):
            handler(params)

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:  # type: ignore[override]
        """To our own store."""
        self._to_user(types.TEXT_DOCUMENT_DID_OPEN, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:  # type: ignore[override]
        """To our own store."""
        self._to_user(types.TEXT_DOCUMENT_DID_CHANGE, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:  # type: ignore[override]
        """To our own store."""
        self._to_user(types.TEXT_DOCUMENT_DID_CLOSE, params)

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> Any:  # type: ignore[override]
        """Run a command as a task of its own, so that cancelling the request cancels it."""
        handler = self.fm.commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams(f"the command {params.command!r} is not known")
        argument = (params.arguments or [None])[0]
        if argument is not None and not isinstance(argument, dict):
            raise JsonRpcInvalidParams(f"{params.command} takes one object as its argument")
        return await handler(argument or {})

    @lsp_method(types.SHUTDOWN)
    async def lsp_shutdown(self, *args: Any) -> None:  # type: ignore[override]
        """Settle what is open, cancel what runs; each is still answered."""
        if handler := self.fm.features.get(types.SHUTDOWN):
            await handler(*args)
        current = self.msg_id
        for msg_id, future in list(self._request_futures.items()):
            if msg_id != current and not future.done():
                future.cancel()
        self._shutdown = True

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> None:  # type: ignore[override]
        """Leave: code 0 after shutdown, else 1."""
        self._ensemble.leave(0 if self._shutdown else 1)

    def handle_message(self, message: Any) -> None:
        """As pygls, without its own check for shutdown: that was answered before."""
        if self._shutdown and getattr(message, "method", "") != types.EXIT:
            return
        super().handle_message(message)
