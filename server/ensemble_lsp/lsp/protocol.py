"""pygls' protocol, changed so that each request is answered exactly once and nothing leaks.

The differences from pygls 2.1:

- Messages are decoded here, so that an undecodable request is still answered (-32602, -32700).
- Requests before ``initialize`` get -32002, those after ``shutdown`` -32600.
- Numbers outside LSP's bounds and lone surrogates are repaired (``message_repair``). A change that cannot
  be decoded closes its document, because the editor's text is then unknown.
- Documents are kept in ``context.documents``; pygls' workspace copies the whole file on every change.
- Commands can be cancelled like any request, and errors carry no traceback to the client.
- A finished notification leaves no entry in the table of running handlers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator
from typing import Any, Protocol, cast

from lsprotocol import types
from lsprotocol.types import ErrorCodes, LSPErrorCodes
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams, JsonRpcMethodNotFound
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.json_rpc import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
)
from pygls.protocol.language_server import lsp_method

from ..context.documents import Documents
from .formatting import with_formatting
from .lenient_decoding import decode_leniently
from .message_repair import complete_changed, complete_opened, load, uri_in
from .transport import Garbage

logger = logging.getLogger(__name__)


class ProtocolOwner(Protocol):
    """The server, as far as the protocol needs it."""

    documents: Documents

    def notify_user(self, message: str) -> None:
        """Show a message to the user."""
        ...

    def request_exit(self, code: int) -> None:
        """End the server."""
        ...


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _malformed(data: dict[str, Any]) -> str:
    """Return why an object is not a JSON-RPC message; empty if it is one."""
    method, msg_id = data.get("method"), data.get("id")
    if data.get("jsonrpc", "2.0") != "2.0":
        return "only JSON-RPC 2.0 is supported"
    if msg_id is not None and not _is_id(msg_id):
        return "an id must be a number or a string"
    if method is not None and not isinstance(method, str):
        return "a method must be a string"
    return "a message needs a method or an id" if method is None and msg_id is None else ""


class EnsembleProtocol(LanguageServerProtocol):
    """The protocol of one connection."""

    def __init__(self, server: ProtocolOwner, converter: Any) -> None:
        super().__init__(cast("Any", server), converter)
        self._owner = server
        self._initialized = False
        self._legacy_triggers: bool | None = None
        self.experimental: dict[str, bool] = {}
        """Experimental capabilities of the server."""

    # -- incoming ------------------------------------------------------------------------------

    def receive(self, message: bytes | Garbage) -> None:
        """Handle one message body from the transport, on the event loop."""
        try:
            data = load(message) if isinstance(message, bytes) else None
        except (ValueError, RecursionError):
            data = None
        if data is None:
            self._refuse(None, ErrorCodes.ParseError, "the input is not valid JSON")
        elif not isinstance(data, dict):
            self._refuse(None, ErrorCodes.InvalidRequest, "a message must be a JSON object")
        else:
            self._dispatch(cast("dict[str, Any]", data))

    def _dispatch(self, data: dict[str, Any]) -> None:
        method, msg_id = data.get("method"), data.get("id")
        if isinstance(msg_id, float) and msg_id.is_integer():
            # Some JSON libraries know no integers.
            msg_id = data["id"] = int(msg_id)
        if reason := _malformed(data):
            self._refuse(msg_id if _is_id(msg_id) else None, ErrorCodes.InvalidRequest, reason)
            return
        if method is None:
            self._handle_client_response(data)
            return
        if refusal := self._state_error(method):
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
            logger.exception("%s failed", method)
            if msg_id is not None:
                self._refuse(msg_id, ErrorCodes.InternalError, f"{method} failed")

    def _decoded(self, method: str, data: dict[str, Any]) -> Any:
        """Return the message as lsprotocol's type; answer an undecodable one and return None."""
        try:
            return decode_leniently(method, data, self._decode)
        except Exception as error:
            reason = type(error).__name__
        logger.warning("%s: the params cannot be decoded: %s", method, reason)
        if (msg_id := data.get("id")) is not None:
            self._refuse(
                msg_id, ErrorCodes.InvalidParams, f"the params of {method} cannot be decoded"
            )
        elif method == types.TEXT_DOCUMENT_DID_CHANGE:
            self._close_unknown(data.get("params"))
        elif method == types.NOTEBOOK_DOCUMENT_DID_CHANGE:
            self._close_unknown_notebook(data.get("params"))
        return None

    def _close_unknown(self, params: Any) -> None:
        """Close a document whose change cannot be decoded: answers would not fit its text."""
        uri = uri_in(params)
        if uri is not None and (document := self._owner.documents.close(uri)):
            self._owner.notify_user(
                f"The editor sent an invalid change of {document.name};"
                " close and reopen the file to get suggestions again."
            )

    def _close_unknown_notebook(self, params: Any) -> None:
        """Close the cells of a notebook whose change cannot be decoded."""
        try:
            uri = params["notebookDocument"]["uri"]
        except (KeyError, TypeError):
            return
        cells = self._owner.documents.notebooks.close(uri) if isinstance(uri, str) else ()
        for cell in cells:
            self._owner.documents.close(cell.uri)
        if cells:
            self._owner.notify_user(
                "The editor sent an invalid change of a notebook; close and reopen it to get"
                " suggestions again."
            )

    def _state_error(self, method: str) -> tuple[int, str] | None:
        """Return code and reason if the connection's state does not allow the method."""
        if method == types.EXIT:
            return None
        if self._shutdown:
            return ErrorCodes.InvalidRequest, "the server is shutting down"
        if method == types.INITIALIZE:
            if self._initialized:
                return ErrorCodes.InvalidRequest, "the server is already initialized"
            return None
        if not self._initialized:
            return ErrorCodes.ServerNotInitialized, "the server is not initialized yet"
        return None

    def _decode(self, method: str, data: dict[str, Any]) -> Any:
        message_type = self.get_message_type(method)
        data.setdefault("jsonrpc", self.VERSION)
        if method == types.WORKSPACE_EXECUTE_COMMAND and "id" not in data:
            # Some clients send the accept command as a notification.
            command = self._converter.structure(data.get("params"), types.ExecuteCommandParams)
            return JsonRPCNotification(method, self.VERSION, command)
        if message_type is None:
            # Our own methods and unknown ones: keep plain JSON instead of nested named tuples.
            params = data.get("params")
            if "id" in data:
                return JsonRPCRequestMessage(data["id"], method, self.VERSION, params)
            return JsonRPCNotification(method, self.VERSION, params)
        if method == types.TEXT_DOCUMENT_DID_OPEN:
            complete_opened(data.get("params"))
        elif method == types.TEXT_DOCUMENT_DID_CHANGE:
            complete_changed(data.get("params"), self._owner.documents)
        if method != types.TEXT_DOCUMENT_INLINE_COMPLETION:
            return self._converter.structure(data, message_type)
        self._normalise_trigger(data)
        message = self._converter.structure(data, message_type)
        message.params = with_formatting(message.params, data["params"])
        return message

    def _normalise_trigger(self, data: dict[str, Any]) -> None:
        """Map triggerKind to LSP 3.18 (Invoked 1, Automatic 2); older VS Code clients send 0 and 1.

        A request without a known one is automatic.
        """
        params: Any = data.get("params")
        if not isinstance(params, dict):
            return
        params = cast("dict[str, Any]", params)
        given: Any = params.get("context")
        context: dict[str, Any] = given if isinstance(given, dict) else {}
        params["context"] = context
        kind = context.get("triggerKind")
        if kind not in (0, 1, 2):
            context["triggerKind"] = 2
        if kind == 0:
            self._legacy_triggers = True
        elif kind == 2:
            self._legacy_triggers = False
        if self._legacy_triggers and kind in (0, 1):
            context["triggerKind"] = kind + 1

    def _handle_client_response(self, data: dict[str, Any]) -> None:
        msg_id, error = data["id"], data.get("error")
        result_type = self._result_types.pop(msg_id, None)
        waiting = self._request_futures.get(msg_id)
        # The same table also holds the tasks of the client's own requests, as asyncio futures.
        if waiting is None or waiting.done() or isinstance(waiting, asyncio.Future):
            logger.warning("ignored a response without a request")
            return
        try:
            if error is not None:
                failed = types.ResponseError(int(error["code"]), str(error["message"]))
                self._handle_response(msg_id, None, failed)
                return
            message = self._converter.structure(
                {"jsonrpc": self.VERSION, **data}, result_type or JsonRPCResponseMessage
            )
        except Exception:
            # Fail the waiting request instead of leaving it pending forever.
            failed = types.ResponseError(
                ErrorCodes.InvalidParams, "the client's response cannot be decoded"
            )
            self._handle_response(msg_id, None, failed)
        else:
            self._handle_response(msg_id, message.result)

    def _handle_cancel_notification(self, msg_id: Any) -> None:
        # A cancellation that arrives after the answer is normal.
        if _is_id(msg_id) and msg_id in self._request_futures:
            super()._handle_cancel_notification(msg_id)

    # -- handling ------------------------------------------------------------------------------

    def _execute_handler(
        self, msg_id: Any, handler: Any, callback: Any, args: Any = None, kwargs: Any = None
    ) -> None:
        super()._execute_handler(msg_id, handler, callback, args, kwargs)
        future = self._request_futures.get(msg_id)
        if future is not None:
            future.add_done_callback(lambda _: self._request_futures.pop(msg_id, None))

    def _send_handler_result(self, future: Any, *, msg_id: Any) -> None:
        """Answer a request; an unexpected error is sent without its traceback."""
        self._request_futures.pop(msg_id, None)
        error = None if future.cancelled() else future.exception()
        if error is None:
            super()._send_handler_result(future, msg_id=msg_id)
        elif isinstance(error, asyncio.CancelledError):
            self._refuse(msg_id, LSPErrorCodes.RequestCancelled, "cancelled")
        elif isinstance(error, JsonRpcException):
            code = error.code or ErrorCodes.InternalError
            # Only our own data: pygls puts a traceback there.
            data = error.data if isinstance(error.data, dict) and "problem" in error.data else None
            self._refuse(msg_id, code, str(error.message or error), data)
        else:
            logger.error("request %s failed", msg_id, exc_info=error)
            self._refuse(
                msg_id, ErrorCodes.InternalError, f"internal error ({type(error).__name__})"
            )

    def _handle_request(self, msg_id: Any, method_name: str, params: Any) -> None:
        try:
            self._get_handler(method_name)
        except JsonRpcMethodNotFound:
            self._refuse(msg_id, ErrorCodes.MethodNotFound, f"{method_name} is not supported")
            return
        super()._handle_request(msg_id, method_name, params)

    def _refuse(self, msg_id: Any, code: int, message: str, data: Any = None) -> None:
        if msg_id is None:
            # JSON-RPC requires the null id; the converter would omit it.
            error = {"code": int(code), "message": message}
            self._send_data({"jsonrpc": self.VERSION, "id": None, "error": error})
            return
        self._send_response(msg_id, error=types.ResponseError(int(code), message, data))

    # -- handlers of pygls that are replaced ---------------------------------------------------
    # pygls' own are generators, whose types plain functions do not match.

    def _call_feature(self, method: str, params: Any) -> None:
        if handler := self.fm.features.get(method):
            handler(params)

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:  # type: ignore[override]
        """Update the document store."""
        self._call_feature(types.TEXT_DOCUMENT_DID_OPEN, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:  # type: ignore[override]
        """Update the document store."""
        self._call_feature(types.TEXT_DOCUMENT_DID_CHANGE, params)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:  # type: ignore[override]
        """Update the document store."""
        self._call_feature(types.TEXT_DOCUMENT_DID_CLOSE, params)

    @lsp_method(types.NOTEBOOK_DOCUMENT_DID_OPEN)
    def lsp_notebook_document__did_open(self, params: types.DidOpenNotebookDocumentParams) -> None:  # type: ignore[override]
        """Update the document store."""
        self._call_feature(types.NOTEBOOK_DOCUMENT_DID_OPEN, params)

    @lsp_method(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def lsp_notebook_document__did_change(  # type: ignore[override]
        self, params: types.DidChangeNotebookDocumentParams
    ) -> None:
        """Update the document store."""
        self._call_feature(types.NOTEBOOK_DOCUMENT_DID_CHANGE, params)

    @lsp_method(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def lsp_notebook_document__did_close(  # type: ignore[override]
        self, params: types.DidCloseNotebookDocumentParams
    ) -> None:
        """Update the document store."""
        self._call_feature(types.NOTEBOOK_DOCUMENT_DID_CLOSE, params)

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(
        self, params: types.InitializeParams
    ) -> Generator[Any, Any, types.InitializeResult]:
        """Announce the experimental capabilities too."""
        result = yield from super().lsp_initialize(params)
        result.capabilities.experimental = dict(self.experimental)
        return result

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> Any:  # type: ignore[override]
        """Run a command as a task, so that cancelling the request cancels it."""
        handler = self.fm.commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams(f"unknown command {params.command!r}")
        argument = (params.arguments or [None])[0]
        if argument is not None and not isinstance(argument, dict):
            raise JsonRpcInvalidParams(f"{params.command} takes one object as its argument")
        return await handler(argument or {})

    @lsp_method(types.SHUTDOWN)
    async def lsp_shutdown(self, *args: Any) -> None:  # type: ignore[override]
        """Flush the session and cancel the running requests; each is still answered."""
        if handler := self.fm.features.get(types.SHUTDOWN):
            await handler(*args)
        current = self.msg_id
        for msg_id, future in list(self._request_futures.items()):
            if msg_id != current and not future.done():
                future.cancel()
        self._shutdown = True

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: Any) -> None:  # type: ignore[override]
        """Exit with code 0 after shutdown, else 1."""
        self._owner.request_exit(0 if self._shutdown else 1)

    def handle_message(self, message: Any) -> None:
        """Skip pygls' own check for shutdown: ``_state_error`` has answered already."""
        if self._shutdown and getattr(message, "method", "") != types.EXIT:
            return
        super().handle_message(message)
