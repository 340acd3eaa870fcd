"""The composition root: builds the language server from its parts."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import process_tuning
from .lsp.routes import register
from .lsp.server import EnsembleServer, Host, Services
from .lsp.transport import Connection, WriterThread, read_in_thread
from .next_edit.edit_history import EditHistory

if TYPE_CHECKING:
    from .app import AppContext, Workspace
    from .app.connection_opener import ConnectionOpener
    from .lsp.transport import Garbage
    from .models.log_redaction import RedactKeys
    from .next_edit.predictor import EditPredictor
    from .settings import SettingsIssue

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """The server's options on the command line."""

    config_path: Path | None = None
    data_dir: Path | None = None
    redact: RedactKeys | None = None
    """Gets every key in use, so that the log never shows one."""


def create_server(options: ServerOptions | None = None) -> EnsembleServer:
    """Build a server with every route; heavy modules are imported after ``initialize``."""
    chosen = options or ServerOptions()

    async def open_host(ls: EnsembleServer) -> Host:
        return await _open_host(ls, chosen, edits)

    server = EnsembleServer(open_host)
    # From the first change on: the host may take a second to build.
    edits = EditHistory()
    server.documents.subscribe(edits)
    register(server)
    return server


async def _open_host(ls: EnsembleServer, options: ServerOptions, edits: EditHistory) -> Host:
    # The imports take a while: off the loop, after ``initialize``.
    await asyncio.to_thread(_import_packages)
    from .app import open_app
    from .app.connection_opener import ConnectionOpener
    from .app.workspace import paths_of
    from .completion import Completer
    from .explanation.explainer import Explainer
    from .generation.generator import Generator
    from .lsp.handlers.configuration import request_configuration
    from .lsp.status import StatusNotifier
    from .next_edit.predictor import EditPredictor

    editor = await request_configuration(ls)
    config_path, data_dir, issues = await asyncio.to_thread(_places, options)
    app = await open_app(
        config_path=config_path,
        data_dir=data_dir,
        documents=ls.documents,
        folders=paths_of(ls.folders),
        initialization=ls.initialization_options,
        editor=editor,
        trusted=ls.trusted,
        redact=options.redact,
    )
    app = dataclasses.replace(app, issues=(*issues, *app.issues))
    services = Services(Completer(), Explainer(), Generator(), EditPredictor(edits))
    app.workspace.add_listener(services.generator)
    follow_edits(app, services.predictor)
    StatusNotifier(ls.protocol.notify).watch(app.activity)
    opener = ConnectionOpener(lambda: host.app)
    app.workspace.add_listener(opener)
    ls.background(_exempt_indexes(app.workspace))

    async def close() -> None:
        services.completer.close()
        services.predictor.close()
        await services.completer.settled()
        await host.app.close()

    host = Host(app, services, close)
    ls.background(_prepare(app, opener))
    return host


def _places(options: ServerOptions) -> tuple[Path, Path, list[SettingsIssue]]:
    """Return the config's path and the data folder; for a user without a home, those of a temporary folder."""
    from .errors import SettingsError
    from .settings import SettingsIssue, default_config_path, default_data_dir

    try:
        config = options.config_path or default_config_path()
        return config, options.data_dir or default_data_dir(), []
    except SettingsError:
        folder = Path(tempfile.mkdtemp(prefix="ensemble-lsp-"))
    problem = (
        "is not set, and there is no home folder; set it, or ENSEMBLE_LSP_CONFIG and ENSEMBLE_LSP_DATA_DIR: "
        f"until then there is no config, and the data is in {folder}"
    )
    return folder / "config.toml", folder, [SettingsIssue("environment", "HOME", problem)]


def follow_edits(app: AppContext, predictor: EditPredictor) -> None:
    """Let the predictor of edits listen to the documents and to the outcomes of what it offered.

    Its history serves completions too.
    """
    from .next_edit.recent_passages import RecentPassages

    for document in app.workspace.documents.recent():
        predictor.opened(document)
    app.workspace.add_listener(predictor)
    app.workspace.on_file = predictor.found
    app.workspace.context.recently_edited = RecentPassages(predictor.history)
    app.suggestions.on_outcome = predictor.settled


async def _prepare(app: AppContext, opener: ConnectionOpener) -> None:
    """Let the models load what they need, and keep the garbage collector away from all of it."""
    await app.prepare()
    for document in app.workspace.documents.recent():
        opener.opened(document)  # before, there was nothing to connect with
    process_tuning.exempt_live_objects()


async def _exempt_indexes(workspace: Workspace) -> None:
    """Keep the garbage collector away from indexes that grow, between two events of the loop."""
    while True:
        await workspace.indexing.wait()
        await asyncio.sleep(process_tuning.FREEZE_SECONDS)
        process_tuning.exempt_live_objects()


def _import_packages() -> None:
    from . import app as app_package
    from . import completion
    from .explanation import explainer
    from .generation import generator
    from .lsp import command_schemas, inline_edit_params
    from .next_edit import predictor
    from .provider_spec import specs

    specs()  # reads the installed packages' entry points
    logger.debug("imported %s", (app_package, completion, explainer, generator))
    logger.debug("imported %s", (command_schemas, inline_edit_params, predictor))


def serve(server: EnsembleServer, connect: Callable[[], Connection]) -> int:
    """Serve one client until it leaves; return the exit code: 0 after ``shutdown``, else 1."""
    process_tuning.switch_threads_quickly()
    # The connection is made outside the loop: Ctrl-C works while the server waits for a client.
    return asyncio.run(_serve(server, connect()))


class _Threads(ThreadPoolExecutor):
    """The loop's threads. The end of the server does not wait for one that reads a stalled disk."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Start no more work; everything that must be complete was closed before."""
        super().shutdown(wait=False, cancel_futures=True)


async def _serve(server: EnsembleServer, connection: Connection) -> int:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(_Threads(thread_name_prefix="asyncio"))
    writer = WriterThread(connection)
    server.protocol.set_writer(writer, include_headers=False)

    def receive(message: bytes | Garbage | None) -> None:
        if message is None:
            loop.call_soon_threadsafe(server.request_exit, 1)
        else:
            loop.call_soon_threadsafe(server.protocol.receive, message)

    _leave_on_signals(loop, server)
    read_in_thread(connection, receive)
    code = await server.run_until_exit()
    writer.close()
    return code


def _leave_on_signals(loop: asyncio.AbstractEventLoop, server: EnsembleServer) -> None:
    """Close the history and leave on Ctrl-C and SIGTERM; at the second signal leave at once."""
    seen: list[int] = []

    def leave(number: int) -> None:
        if seen:
            exit_process(128 + number)
        seen.append(number)
        server.request_exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, leave, int(number))


def exit_process(code: int) -> None:
    """End the process, even if a thread still waits for input."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)
