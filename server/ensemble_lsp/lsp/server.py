"""The server object: one connection's state, and the holder of the current ``AppContext``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from .. import __version__
from ..context.documents import Documents
from ..errors import DocumentError
from ..types import Document
from .convert import Encoding
from .protocol import EnsembleProtocol

if TYPE_CHECKING:
    from ..app import AppContext
    from ..completion import Completer
    from ..explanation.explainer import Explainer
    from ..generation.generator import Generator
    from ..settings import SettingsIssue

logger = logging.getLogger(__name__)

CHANGE_SECONDS = 1.0
"""How long a request waits for a change of the context that was asked for before it."""


@dataclass(frozen=True, slots=True)
class Client:
    """What the client can do, read once from its capabilities."""

    name: str = ""
    inline_completion: bool = False
    resolves_edit: bool = False
    """Code actions may come without their edit and be resolved."""
    code_action_literals: bool = False
    progress: bool = False
    configuration: bool = False
    versioned_edits: bool = False
    apply_edit: bool = False
    watches_configuration: bool = False
    markdown: bool = True
    insert_replace: bool = False

    @classmethod
    def of(cls, params: types.InitializeParams) -> Client:
        """Read the capabilities of an ``initialize`` request."""
        caps = params.capabilities
        text, workspace, window = caps.text_document, caps.workspace, caps.window
        action = text.code_action if text else None
        resolve = action.resolve_support.properties if action and action.resolve_support else []
        edits = workspace.workspace_edit if workspace else None
        change = workspace.did_change_configuration if workspace else None
        hover = text.hover if text else None
        return cls(
            name=params.client_info.name if params.client_info else "",
            inline_completion=bool(text and text.inline_completion),
            resolves_edit="edit" in resolve,
            code_action_literals=bool(action and action.code_action_literal_support),
            progress=bool(window and window.work_done_progress),
            configuration=bool(workspace and workspace.configuration),
            versioned_edits=bool(edits and edits.document_changes),
            apply_edit=bool(workspace and workspace.apply_edit),
            watches_configuration=bool(change and change.dynamic_registration),
            markdown=not (hover and hover.content_format)
            or types.MarkupKind.Markdown in hover.content_format,
        )


@dataclass(frozen=True, slots=True)
class Tools:
    """The features' own state, made with the first context, off the loop."""

    completer: Completer
    explainer: Explainer
    generator: Generator


class EnsembleServer(LanguageServer):
    """One connection to one editor."""

    protocol: EnsembleProtocol  # type: ignore[assignment]  # narrowed on purpose

    def __init__(self, open_host: Callable[[EnsembleServer], Awaitable[Host]]) -> None:
        super().__init__(
            "ensemble-lsp",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            protocol_cls=EnsembleProtocol,
        )
        self.documents = Documents()
        self.client = Client()
        self.folders: tuple[str, ...] = ()
        self.initialization_options: dict[str, Any] = {}
        self.trusted = True
        """Whether the client says that the workspace may be trusted (it need not say)."""
        self.trace = types.TraceValue.Off
        self._open_host = open_host
        self._host: asyncio.Future[Host] | None = None
        self._changing: asyncio.Task[AppContext] | None = None
        self._background: set[asyncio.Task[Any]] = set()
        self._exit_code: asyncio.Future[int] | None = None

    # -- the context ---------------------------------------------------------------------------

    @property
    def encoding(self) -> Encoding:
        """What the client's columns count, as negotiated."""
        value = self.protocol.server_capabilities.position_encoding or "utf-16"
        return cast(Encoding, getattr(value, "value", value))

    def open(self) -> None:
        """Begin to build the first context; requests that need it wait for it."""
        if self._host is None:
            self._host = asyncio.ensure_future(self._open_host(self))

    async def host(self) -> Host:
        """The parts that outlive a settings change, once they are there."""
        self.open()
        assert self._host is not None
        host = await asyncio.shield(self._host)
        if self._changing is not None and not self._changing.done():
            # A request after a change sees it, unless the client takes long to answer for it.
            await asyncio.wait({self._changing}, timeout=CHANGE_SECONDS)
        return host

    async def change(self, make: Callable[[AppContext], Awaitable[AppContext]]) -> AppContext:
        """Replace the context by the one that ``make`` returns: the only way to change it.

        Changes run one after another, so that none is lost; later requests wait for them.
        """
        before = self._changing
        self.open()
        assert self._host is not None
        host = self._host

        async def run() -> AppContext:
            if before is not None:
                await asyncio.wait({before})
            holder = await asyncio.shield(host)
            holder.swap(await make(holder.app))
            return holder.app

        self._changing = asyncio.ensure_future(run())
        # A request that is cancelled does not leave a change half done.
        return await asyncio.shield(self._changing)

    async def app(self) -> AppContext:
        """Return the current context; waits until the first one is built."""
        return (await self.host()).app

    async def tools(self) -> Tools:
        """The features' own state."""
        return (await self.host()).tools

    def opened(self) -> Host | None:
        """The host if it is there already: for what must not wait."""
        host = self._host
        if host is None or not host.done() or host.cancelled() or host.exception():
            return None
        return host.result()

    def document(self, uri: str) -> Document:
        """The snapshot of an open document."""
        document = self.documents.get(uri)
        if document is None:
            raise DocumentError(f"{uri} is not open; open the file in the editor and try again.")
        return document

    # -- tasks and leaving ---------------------------------------------------------------------

    def background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something beside the requests; it is cancelled when the server leaves."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("a background task failed", exc_info=error)

    def leave(self, code: int) -> None:
        """End the process with that exit code, after giving everything back."""
        if self._exit_code is not None and not self._exit_code.done():
            self._exit_code.set_result(code)

    async def run_until_left(self) -> int:
        """Wait for ``leave``; close everything; return the exit code."""
        self._exit_code = asyncio.get_running_loop().create_future()
        code = await self._exit_code
        for task in (*self._background, *([self._changing] if self._changing else [])):
            task.cancel()
        if self._host is not None:
            if host := self.opened():
                try:
                    await asyncio.wait_for(host.close(), 4)
                except Exception:
                    logger.exception("closing failed")
            else:
                self._host.cancel()
        return code

    # -- talking to the user -------------------------------------------------------------------

    def tell(self, message: str, kind: types.MessageType = types.MessageType.Warning) -> None:
        """Show a sentence to the user."""
        self.window_show_message(types.ShowMessageParams(type=kind, message=message))

    def log(self, message: str, kind: types.MessageType = types.MessageType.Info) -> None:
        """Write a line to the client's log of this server."""
        self.window_log_message(types.LogMessageParams(type=kind, message=message))

    def tell_faults(self, faults: list[SettingsIssue]) -> None:
        """Name what is wrong in the settings, in one message."""
        if faults:
            lines = "\n".join(f"- {fault}" for fault in faults[:8])
            more = f"\n- and {len(faults) - 8} more" if len(faults) > 8 else ""
            self.tell(f"ensemble-lsp settings:\n{lines}{more}")

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log instead of a pop-up: the user can do nothing about it."""
        logger.error("%s: %s", getattr(source, "__name__", source), error)


class Host:
    """Holds the current context, and what every context shares."""

    def __init__(self, app: AppContext, tools: Tools, close: Callable[[], Awaitable[None]]):
        self.app = app
        self.tools = tools
        self._close = close

    def swap(self, app: AppContext) -> None:
        """Use another context from now on; running requests keep the one they began with."""
        self.app = app
        app.suggestions.attach(app.learning)

    async def close(self) -> None:
        """Give back connections, processes and files."""
        await self._close()
