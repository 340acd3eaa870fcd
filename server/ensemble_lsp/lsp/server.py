"""The server object: the state of one connection, and the holder of the current ``AppContext``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from .. import __version__
from ..context.documents import Documents
from ..errors import DocumentError
from ..types import Document, Span
from .convert import Encoding, workspace_edit
from .neovim import NEOVIM, InlineUse, insert_text_modes
from .protocol import EnsembleProtocol

if TYPE_CHECKING:
    from ..app import AppContext
    from ..completion import Completer
    from ..explanation.explainer import Explainer
    from ..generation.generator import Generator
    from ..next_edit.predictor import EditPredictor

logger = logging.getLogger(__name__)

CHANGE_WAIT = 1.0
"""Seconds that a request waits for an earlier change of the context to be applied."""
CLOSE_TIMEOUT = 4.0


_BUILT_ON_VSCODE = (
    "visual studio code",
    "code-server",
    "code - oss",
    "codium",
    "cursor",
    "windsurf",
)
_LSP_MODE = "emacs"
"""The name of lsp-mode; Eglot's begins with a capital letter."""
_WAIT_FOR_ALL = ("neovim", "helix", "zed", "coc.nvim", "sublime text lsp")
"""The names of clients that join the hovers of all servers, in lower case."""


@dataclass(frozen=True, slots=True)
class ClientFeatures:
    """The client capabilities that change the server's behaviour."""

    name: str = ""
    inline_completion: bool = False
    neovim: bool = False
    edits_whole_text: bool = False
    """A completion plugin of Neovim's inserts plain text of several words and lines."""
    ranks_snippets_low: bool = False
    resolves_edit: bool = False
    """Code actions may omit their edit until they are resolved."""
    code_action_literals: bool = False
    progress: bool = False
    configuration: bool = False
    versioned_edits: bool = False
    watches_configuration: bool = False
    markdown: bool = True
    """The client shows Markdown in a hover."""
    markdown_documentation: bool = True
    """The client shows Markdown beside a completion."""
    sends_exact_edits: bool = False
    """The client is VS Code or built on it: it sends edits as they are made."""
    hover_waits_for_all: bool = False
    """The client shows no hover until every server has answered."""
    code_action_tags: bool = False
    """The client shows which code actions come from a model."""
    watches_files: bool = False
    """The client watches files on request, even outside the workspace."""
    message_buttons: bool = False
    """The client shows a message with buttons beside the work. Others ask at once and wait for the answer, which
    would interrupt typing (Neovim, Emacs)."""
    shows_status: bool = True
    """False for lsp-mode of Emacs, which warns in a window of each notification that it does not know."""
    judges_explanations: bool = False
    """The client runs the links below an explanation that say whether it was helpful."""

    @classmethod
    def of(cls, params: types.InitializeParams) -> ClientFeatures:
        """Read the capabilities of an ``initialize`` request."""
        caps = params.capabilities
        text, workspace, window = caps.text_document, caps.workspace, caps.window
        action = text.code_action if text else None
        resolve = action.resolve_support.properties if action and action.resolve_support else []
        edits = workspace.workspace_edit if workspace else None
        change = workspace.did_change_configuration if workspace else None
        watched = workspace.did_change_watched_files if workspace else None
        hover = text.hover if text else None
        item = text.completion.completion_item if text and text.completion else None
        name = params.client_info.name if params.client_info else ""
        modes = insert_text_modes(text.completion if text else None)
        vscode = any(word in name.lower() for word in _BUILT_ON_VSCODE)
        return cls(
            name=name,
            inline_completion=bool(text and text.inline_completion),
            neovim=name == NEOVIM,
            edits_whole_text=bool(modes),
            ranks_snippets_low=modes == [types.InsertTextMode.AsIs],
            resolves_edit="edit" in resolve,
            code_action_literals=bool(action and action.code_action_literal_support),
            code_action_tags=bool(action and action.tag_support),
            progress=bool(window and window.work_done_progress),
            configuration=bool(workspace and workspace.configuration),
            versioned_edits=bool(edits and edits.document_changes),
            watches_configuration=bool(change and change.dynamic_registration),
            markdown=_takes_markdown(hover and hover.content_format),
            markdown_documentation=_takes_markdown(item and item.documentation_format),
            sends_exact_edits=vscode,
            watches_files=bool(
                watched and watched.dynamic_registration and watched.relative_pattern_support
            ),
            message_buttons=vscode and bool(window and window.show_document),
            hover_waits_for_all=name.lower().startswith(_WAIT_FOR_ALL) or name == _LSP_MODE,
            shows_status=name != _LSP_MODE,
            judges_explanations=_announces(caps.experimental, "ensemble", "explanationCommands"),
        )


def _takes_markdown(formats: Sequence[types.MarkupKind] | None) -> bool:
    """Return whether a list of formats has Markdown; a client without a list shows it."""
    return not formats or types.MarkupKind.Markdown in formats


def _announces(value: Any, *path: str) -> bool:
    """Return whether an experimental capability is true."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else getattr(value, key, None)
    return value is True


@dataclass(frozen=True, slots=True)
class Services:
    """The services that handlers call; built with the first context, off the loop."""

    completer: Completer
    explainer: Explainer
    generator: Generator
    predictor: EditPredictor


class Host:
    """Holds the current context, and the services that all contexts share."""

    def __init__(self, app: AppContext, services: Services, close: Callable[[], Awaitable[None]]):
        self.app = app
        self.services = services
        self._close = close

    def swap(self, app: AppContext) -> None:
        """Use another context from now on; running requests keep the one they began with."""
        self.app = app
        app.suggestions.attach(app.learning)

    async def close(self) -> None:
        """Release connections, processes and files."""
        await self._close()


class EnsembleServer(LanguageServer):
    """The server of one connection to one editor."""

    protocol: EnsembleProtocol  # type: ignore[assignment]  # narrowed on purpose

    def __init__(self, open_host: Callable[[EnsembleServer], Awaitable[Host]]) -> None:
        super().__init__(
            "ensemble-lsp",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            notebook_document_sync=types.NotebookDocumentSyncOptions(
                [types.NotebookDocumentFilterWithNotebook("*")], save=True
            ),
            protocol_cls=EnsembleProtocol,
        )
        self.documents = Documents()
        self.client = ClientFeatures()
        self.inline_use = InlineUse()
        self.folders: tuple[str, ...] = ()
        self.initialization_options: Any = {}
        """The client's options, in any of the shapes that clients send."""
        self.trusted = True
        """False if the client declares the workspace untrusted."""
        self.trace = types.TraceValue.Off
        self.asks_for_edits = False
        """Whether the client has asked for a next edit itself."""
        self.config_touched = asyncio.Event()
        """Set when the client reports a change of the config file."""
        self.reported_issues: frozenset[str] = frozenset()
        """The issues of the settings that the user has been shown."""
        self.config_unreadable = False
        """Whether the user has been shown that the config file cannot be used."""
        self.downloads: set[str] = set()
        """The packaged models that are being downloaded."""
        self._open_host = open_host
        self._host: asyncio.Future[Host] | None = None
        self._changing: asyncio.Task[AppContext] | None = None
        self._background: set[asyncio.Task[Any]] = set()
        self._exit_code: asyncio.Future[int] | None = None

    # -- the context ---------------------------------------------------------------------------

    @property
    def encoding(self) -> Encoding:
        """The negotiated unit of the client's columns."""
        value = self.protocol.server_capabilities.position_encoding or "utf-16"
        return cast(Encoding, getattr(value, "value", value))

    def _opening_host(self) -> asyncio.Future[Host]:
        """Return the host under construction; the first call starts building it."""
        if self._host is None:
            self._host = asyncio.ensure_future(self._open_host(self))
        return self._host

    async def host(self) -> Host:
        """Wait for the host, and briefly for a change of the context that came before this request."""
        host = await asyncio.shield(self._opening_host())
        if self._changing is not None and not self._changing.done():
            # A client that takes long to answer for its settings must not hold requests back.
            await asyncio.wait({self._changing}, timeout=CHANGE_WAIT)
        return host

    async def packages_imported(self) -> None:
        """Wait until the thread that builds the host has imported our packages.

        Handlers import them where they use them. Two threads that import packages at once can see
        modules that are only partly initialized.
        """
        if self.host_if_ready() is None:
            await asyncio.shield(self._opening_host())

    def host_if_ready(self) -> Host | None:
        """Return the host without waiting; None while it is being built."""
        host = self._host
        if host is None or not host.done() or host.cancelled() or host.exception():
            return None
        return host.result()

    async def app(self) -> AppContext:
        """Wait for the current context."""
        return (await self.host()).app

    async def change(self, make: Callable[[AppContext], Awaitable[AppContext]]) -> AppContext:
        """Replace the context by the one that ``make`` returns: the only way to change it.

        Changes run one after another, so that none is lost; later requests wait for them.
        """
        earlier, opening = self._changing, self._opening_host()

        async def run() -> AppContext:
            if earlier is not None:
                await asyncio.wait({earlier})
            host = await asyncio.shield(opening)
            host.swap(await make(host.app))
            return host.app

        self._changing = asyncio.ensure_future(run())
        # A request that is cancelled does not leave a change half done.
        return await asyncio.shield(self._changing)

    # -- documents -----------------------------------------------------------------------------

    def document(self, uri: str) -> Document:
        """Return the snapshot of an open document; raise ``DocumentError`` if it is not open."""
        document = self.documents.get(uri)
        if document is None:
            raise DocumentError(f"{uri} is not open; open the file in the editor and try again.")
        return document

    def is_current(self, uri: str, version: int) -> bool:
        """Return whether a document is still open at the version an answer was made for."""
        current = self.documents.get(uri)
        return current is not None and current.version == version

    def replacement(self, document: Document, span: Span, text: str) -> types.WorkspaceEdit:
        """Return the edit that replaces a span, as this client takes edits."""
        versioned = self.client.versioned_edits
        return workspace_edit(document, span, text, self.encoding, versioned=versioned)

    # -- background tasks and exit -------------------------------------------------------------

    def background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine beside the requests; it is cancelled when the server exits."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("a background task failed", exc_info=error)

    def request_exit(self, code: int) -> None:
        """Make ``run_until_exit`` release everything and return this exit code."""
        if self._exit_code is not None and not self._exit_code.done():
            self._exit_code.set_result(code)

    async def run_until_exit(self) -> int:
        """Wait for ``request_exit``, close everything, and return the exit code."""
        self._exit_code = asyncio.get_running_loop().create_future()
        code = await self._exit_code
        for task in (*self._background, *([self._changing] if self._changing else [])):
            task.cancel()
        if host := self.host_if_ready():
            try:
                await asyncio.wait_for(host.close(), CLOSE_TIMEOUT)
            except Exception:
                logger.exception("closing failed")
        elif self._host is not None:
            self._host.cancel()
        return code

    # -- messages to the user ------------------------------------------------------------------

    def notify_user(
        self, message: str, kind: types.MessageType = types.MessageType.Warning
    ) -> None:
        """Show a message to the user."""
        self.window_show_message(types.ShowMessageParams(type=kind, message=message))

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log an internal error instead of showing it: the user cannot act on it."""
        logger.error("%s: %s", getattr(source, "__name__", source), error)
