"""``serve``: the language server."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from ..lsp.transport import Connection, accept_tcp, accept_ws, stdio_connection
from ..server import Options, create_server, leave_process, serve

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run(args: argparse.Namespace) -> int:
    """Serve one client, then leave the process with its exit code."""
    server = create_server(Options(args.config, args.data_dir))
    connect: Callable[[], Connection] = stdio_connection
    if args.tcp or args.ws:
        host, port = _address(args.tcp or args.ws)
        accept = accept_tcp if args.tcp else accept_ws
        connect = lambda: accept(host, port, _announce)  # noqa: E731 - bound to this address
    leave_process(serve(server, connect))
    return 0


def _address(text: str) -> tuple[str, int]:
    from ..errors import SettingsError

    host, _, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if host not in LOOPBACK or not port.isdigit() or int(port) > 65535:
        raise SettingsError(f"{text!r} must be a loopback address such as 127.0.0.1:7777.")
    return host, int(port)


def _announce(host: str, port: int) -> None:
    print(f"listening on {host}:{port}", file=sys.stderr, flush=True)
