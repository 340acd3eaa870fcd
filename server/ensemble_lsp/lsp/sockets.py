"""TCP and WebSocket on loopback, for the one client that knows the token.

Everybody on a machine can reach its loopback ports, a web page in the browser too. A client shows
the token in one of three ways: the header ``Authorization: Bearer TOKEN`` (of the WebSocket's opening
request; over TCP beside ``Content-Length``, in the first message's header), the query ``?token=TOKEN``
(WebSocket), or ``initializationOptions.token`` in ``initialize`` (TCP), which every editor can send.
"""

from __future__ import annotations

import contextlib
import hmac
import importlib
import json
import queue
import re
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qs, urlsplit

from ..errors import SettingsError
from .transport import MAX_MESSAGE, FileConnection, Garbage

Announce = Callable[[str, int], None]

PATIENCE = 10.0
"""Seconds that a client has to show the token."""
_MOST_WAITING = 32
_LONGEST_FIRST = 4 * 1024 * 1024
"""Bytes of the first message: of somebody who is not yet known."""
_LONGEST_HEADER = 16 * 1024
_HEADER = re.compile(rb"([\w-]+)\s*:\s*(.*?)\s*$")
_REFUSAL = (
    "wrong or missing token: pass the one that the server printed, in the header Authorization "
    "or as initializationOptions.token"
)


class _Opened(FileConnection):
    """A TCP connection whose first message was read already."""

    def __init__(self, sock: socket.socket, reader: BinaryIO, first: bytes) -> None:
        super().__init__(reader, sock.makefile("wb"), sock)
        self._first = first

    def messages(self) -> Iterator[bytes | Garbage]:
        """Bodies as they come."""
        yield self._first
        yield from super().messages()


def accept_tcp(host: str, port: int, token: str, announce: Announce) -> FileConnection:
    """Listen, tell ``announce`` the real port, and wait for the one client with the token.

    Others are told so and closed; nobody who only connects keeps the client out. Raises
    ``SettingsError`` where the port cannot be had.
    """
    came: queue.SimpleQueue[_Opened] = queue.SimpleQueue()
    waiting, only = threading.BoundedSemaphore(_MOST_WAITING), threading.Lock()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with _listening(host, port):
        listener = socket.create_server((host, port), family=family)

    def meet(sock: socket.socket) -> None:
        try:
            opened = _authenticated(sock, token)
            if opened and only.acquire(blocking=False):
                came.put(opened)
            else:
                sock.close()
        finally:
            waiting.release()

    def listen() -> None:
        with contextlib.suppress(OSError):  # closed: the client is there
            while True:
                sock, _ = listener.accept()
                if waiting.acquire(blocking=False):
                    threading.Thread(target=meet, args=(sock,), daemon=True).start()
                else:
                    sock.close()

    announce(*listener.getsockname()[:2])
    threading.Thread(target=listen, name="lsp-listener", daemon=True).start()
    client = came.get()
    # The thread sits in `accept`: closing alone would leave the port open.
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    return client


def _authenticated(sock: socket.socket, token: str) -> _Opened | None:
    """The connection of a client that showed the token in its first message, else None."""
    # In all, not for each byte: else one that sends slowly would keep its place for ever.
    timer = threading.Timer(PATIENCE, _cut, (sock,))
    timer.daemon = True
    timer.start()
    reader = sock.makefile("rb")
    try:
        length, shown = _first_header(reader)
        body = reader.read(length)
    except (OSError, ValueError):
        return None
    finally:
        timer.cancel()
    if not shown:
        shown, body = _token_in(body)
    if not _same(shown, token):
        with contextlib.suppress(OSError):
            sock.sendall(_refusal(body))
        return None
    return _Opened(sock, reader, body)


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _first_header(reader: BinaryIO) -> tuple[int, str]:
    """The first message's length and the token in its header; ``ValueError`` for no header."""
    length, shown, seen = 0, "", 0
    while (line := reader.readline(_LONGEST_HEADER)).strip():
        seen += len(line)
        header = _HEADER.match(line)
        if header is None or seen > _LONGEST_HEADER:
            raise ValueError("no header")
        name, value = header[1].lower(), header[2].decode("latin-1")
        if name == b"content-length":
            length = int(value)
        elif name == b"authorization":
            shown = value.removeprefix("Bearer ").strip()
    if not 0 < length <= _LONGEST_FIRST:
        raise ValueError("no length")
    return length, shown


def _token_in(body: bytes) -> tuple[str, bytes]:
    """The token in ``initialize``, and the message without it: nobody behind us is to see it."""
    try:
        message: Any = json.loads(body)
        options: Any = message["params"]["initializationOptions"]
        if message["method"] != "initialize" or not isinstance(options, dict):
            return "", body
        shown = cast("dict[str, Any]", options).pop("token", "")
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", body
    return (shown if isinstance(shown, str) else ""), json.dumps(message).encode()


def _refusal(body: bytes) -> bytes:
    try:
        message: Any = json.loads(body)
        id_ = message["id"] if isinstance(message["id"], int | str) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        id_ = None
    error = {"code": -32600, "message": _REFUSAL}
    answer = json.dumps({"jsonrpc": "2.0", "id": id_, "error": error}).encode()
    return b"Content-Length: %d\r\n\r\n" % len(answer) + answer


def _same(shown: str, token: str) -> bool:
    return hmac.compare_digest(shown.encode(errors="replace"), token.encode())


@contextlib.contextmanager
def _listening(host: str, port: int) -> Generator[None]:
    try:
        yield
    except OSError as error:
        told = error.strerror or str(error)
        told = f"{host}:{port} cannot be listened on ({told}); choose another port."
        raise SettingsError(told) from error


class WebSocketConnection:
    """One message a frame, no headers (the ``websockets`` package)."""

    def __init__(self, socket_: Any, done: threading.Event) -> None:
        self._ws = socket_
        self._done = done

    def messages(self) -> Iterator[bytes | Garbage]:
        """Bodies as they come."""
        with contextlib.suppress(
            Exception
        ):  # the package's own ways to say that the client is gone
            for frame in self._ws:
                yield frame.encode() if isinstance(frame, str) else bytes(frame)

    def send(self, body: bytes) -> None:
        """Send one frame."""
        try:
            self._ws.send(body.decode())
        except Exception as error:
            raise OSError(str(error)) from error

    def close(self) -> None:
        """Close the socket."""
        self._done.set()


def accept_ws(host: str, port: int, token: str, announce: Announce) -> WebSocketConnection:
    """Listen for WebSocket, tell ``announce`` the real port, wait for the one client with the token.

    Others are answered 401. Raises ``SettingsError`` where the port cannot be had.
    """
    try:
        server_module: Any = importlib.import_module("websockets.sync.server")
    except ImportError as error:
        told = '--ws needs a package: pip install "ensemble-lsp[ws]".'
        raise SettingsError(told) from error
    came: queue.SimpleQueue[WebSocketConnection] = queue.SimpleQueue()
    only = threading.Lock()

    def check(connection: Any, request: Any) -> Any:
        if not _same(_token_of(request), token):
            return connection.respond(401, f"{_REFUSAL}\n")
        if not only.acquire(blocking=False):
            return connection.respond(503, "there is a client already\n")
        return None

    def handle(socket_: Any) -> None:
        done = threading.Event()
        came.put(WebSocketConnection(socket_, done))
        done.wait()

    with _listening(host, port):
        server = server_module.serve(
            handle, host, port, process_request=check, max_size=MAX_MESSAGE, open_timeout=PATIENCE
        )
    announce(*server.socket.getsockname()[:2])
    threading.Thread(target=server.serve_forever, name="lsp-websocket", daemon=True).start()
    return came.get()


def _token_of(request: Any) -> str:
    """The token of a WebSocket's opening request: its header, or the query."""
    values: list[str] = request.headers.get_all("Authorization")
    if values:
        return values[0].removeprefix("Bearer ").strip()
    return parse_qs(urlsplit(str(request.path)).query).get("token", [""])[0]
