"""``serve``: run the language server."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import Callable

from ..bootstrap import ServerOptions, create_server, exit_process, serve
from ..errors import SettingsError
from ..lsp.transport import Connection, stdio_connection

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TOKEN = "ENSEMBLE_LSP_TOKEN"  # noqa: S105 - a variable's name
_SHORTEST = 16


def run(args: argparse.Namespace) -> int:
    """Serve one client, then end the process with its exit code."""
    connect = _socket(args) if args.tcp or args.ws else stdio_connection
    server = create_server(ServerOptions(args.config, args.data_dir, args.redact))
    try:
        code = serve(server, connect)
    except KeyboardInterrupt:
        code = 130
    # A thread may still wait for input, so the interpreter cannot end by itself.
    exit_process(code)
    return code


def _socket(args: argparse.Namespace) -> Callable[[], Connection]:
    """Return a function that waits for a client with the token on a loopback port."""
    from ..lsp.sockets import accept_tcp, accept_ws
    from ..models.api_keys import Key

    host, port = _address(args.tcp or args.ws)
    # Removed from the environment: child processes do not need it.
    given = os.environ.pop(TOKEN, "")
    if given and (len(given) < _SHORTEST or not (given.isascii() and given.isprintable())):
        raise SettingsError(f"{TOKEN} must be at least {_SHORTEST} printable ASCII characters.")
    token = given or secrets.token_urlsafe(32)
    args.redact.add(Key(token, "this server"))

    def announce(real_host: str, real_port: int) -> None:
        shown = f"the value of {TOKEN}" if given else token
        place = f"[{real_host}]" if ":" in real_host else real_host
        print(f"listening on {place}:{real_port}, token: {shown}", file=sys.stderr, flush=True)

    accept = accept_tcp if args.tcp else accept_ws
    return lambda: accept(host, port, token, announce)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or LOOPBACK[0]
    if host not in LOOPBACK or not (port.isascii() and port.isdigit()) or int(port[:6]) > 65535:
        raise SettingsError(f"{text!r} must be a loopback address such as 127.0.0.1:7777.")
    return host, int(port)
