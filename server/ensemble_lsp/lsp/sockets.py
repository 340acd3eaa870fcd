"""TCP and WebSocket on loopback, for one client that has the token.

Every user of a machine, and every web page in a browser, can reach its loopback ports. A client sends the token
in one of three ways: as the header ``Authorization: Bearer TOKEN`` (of the WebSocket's opening request; over TCP
beside ``Content-Length`` in the header of the first message), as the query ``?token=TOKEN`` (WebSocket), or as
``initializationOptions.token`` in ``initialize`` (TCP), which every editor can send.
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
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qs, urlsplit

from ..errors import SettingsError
from ..installation import extra_command
from .transport import MAX_MESSAGE, FileConnection, Garbage

Announce = Callable[[str, int], None]

AUTHENTICATION_TIMEOUT = 10.0
"""Seconds that a client has to send the token."""
_MAX_UNAUTHENTICATED = 32
"""Connections that may be open before they are authenticated."""
_MAX_FIRST_MESSAGE = 4 * 1024 * 1024
"""Maximum bytes of the first message, which comes from an unauthenticated client."""
_MAX_HEADER = 16 * 1024
_HEADER = re.compile(rb"([\w-]+)\s*:\s*(.*?)\s*$")
_REJECTION = (
    "wrong or missing token: pass the token that the server printed, in the header Authorization "
    "or as initializationOptions.token"
)


class _AuthenticatedConnection(FileConnection):
    """A TCP connection whose first message has been read."""

    def __init__(self, sock: socket.socket, reader: BinaryIO, first: bytes) -> None:
        super().__init__(reader, sock.makefile("wb"), sock)
        self._first = first

    def messages(self) -> Iterator[bytes | Garbage]:
        """Yield message bodies."""
        yield self._first
        yield from super().messages()


def accept_tcp(host: str, port: int, token: str, announce: Announce) -> FileConnection:
    """Listen, pass the actual port to ``announce``, and wait for one client with the token.

    Unauthenticated connections get an error and are closed; an idle connection cannot block the real client.
    Raises ``SettingsError`` if the port is not available.
    """
    authenticated: queue.SimpleQueue[_AuthenticatedConnection] = queue.SimpleQueue()
    waiting: deque[socket.socket] = deque()
    first_client, changing = threading.Lock(), threading.Lock()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with _listening(host, port):
        listener = socket.create_server((host, port), family=family)

    def authenticate(sock: socket.socket) -> None:
        opened = _authenticated(sock, token)
        with changing, contextlib.suppress(ValueError):
            waiting.remove(sock)
        if opened and first_client.acquire(blocking=False):
            authenticated.put(opened)
        else:
            sock.close()

    def listen() -> None:
        with contextlib.suppress(OSError):  # closed: a client is connected
            while True:
                sock, _ = listener.accept()
                with changing:
                    waiting.append(sock)
                    if len(waiting) > _MAX_UNAUTHENTICATED:
                        _disconnect(
                            waiting.popleft()
                        )  # the oldest: a client sends its token at once
                threading.Thread(target=authenticate, args=(sock,), daemon=True).start()

    announce(*listener.getsockname()[:2])
    threading.Thread(target=listen, name="lsp-listener", daemon=True).start()
    client = authenticated.get()
    # The thread blocks in `accept`: closing alone would leave the port open.
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    return client


def _authenticated(sock: socket.socket, token: str) -> _AuthenticatedConnection | None:
    """Return the connection if its first message has the token, else None."""
    # A limit for the whole message, so that a client that sends byte by byte cannot keep its slot.
    timer = threading.Timer(AUTHENTICATION_TIMEOUT, _disconnect, (sock,))
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
    if not _is_equal(shown, token):
        with contextlib.suppress(OSError):
            sock.sendall(_rejection(body))
        return None
    return _AuthenticatedConnection(sock, reader, body)


def _disconnect(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _first_header(reader: BinaryIO) -> tuple[int, str]:
    """Return the first message's length and its header's token; raise ``ValueError`` for no header."""
    length, shown, seen = 0, "", 0
    while (line := reader.readline(_MAX_HEADER)).strip():
        seen += len(line)
        header = _HEADER.match(line)
        if header is None or seen > _MAX_HEADER:
            raise ValueError("no header")
        name, value = header[1].lower(), header[2].decode("latin-1")
        if name == b"content-length":
            length = int(value)
        elif name == b"authorization":
            shown = value.removeprefix("Bearer ").strip()
    if not 0 < length <= _MAX_FIRST_MESSAGE:
        raise ValueError("no length")
    return length, shown


def _token_in(body: bytes) -> tuple[str, bytes]:
    """Return the token in ``initialize`` and the message without it, so that later layers never see it."""
    try:
        message: Any = json.loads(body)
        options: Any = message["params"]["initializationOptions"]
        if message["method"] != "initialize" or not isinstance(options, dict):
            return "", body
        shown = cast("dict[str, Any]", options).pop("token", "")
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", body
    return (shown if isinstance(shown, str) else ""), json.dumps(message).encode()


def _rejection(body: bytes) -> bytes:
    try:
        message: Any = json.loads(body)
        id_ = message["id"] if isinstance(message["id"], int | str) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        id_ = None
    error = {"code": -32600, "message": _REJECTION}
    answer = json.dumps({"jsonrpc": "2.0", "id": id_, "error": error}).encode()
    return b"Content-Length: %d\r\n\r\n" % len(answer) + answer


def _is_equal(shown: str, token: str) -> bool:
    return hmac.compare_digest(shown.encode(errors="replace"), token.encode())


@contextlib.contextmanager
def _listening(host: str, port: int) -> Generator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"cannot listen on {host}:{port} ({reason}); choose another port."
        raise SettingsError(message) from error


class WebSocketConnection:
    """A connection with one message per frame and no headers (the ``websockets`` package)."""

    def __init__(self, socket_: Any, done: threading.Event) -> None:
        self._ws = socket_
        self._done = done

    def messages(self) -> Iterator[bytes | Garbage]:
        """Yield message bodies."""
        with contextlib.suppress(
            Exception
        ):  # the package's exceptions for a client that disconnects
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
    """Listen for WebSocket, pass the actual port to ``announce``, and wait for one client with the token.

    Others get status 401. Raises ``SettingsError`` if the port is not available.
    """
    try:
        server_module: Any = importlib.import_module("websockets.sync.server")
    except ImportError as error:
        message = f"--ws needs a package: run `{extra_command('ws')}`."
        raise SettingsError(message) from error
    authenticated: queue.SimpleQueue[WebSocketConnection] = queue.SimpleQueue()
    first_client = threading.Lock()

    def check(connection: Any, request: Any) -> Any:
        if not _is_equal(_token_of(request), token):
            return connection.respond(401, f"{_REJECTION}\n")
        if not first_client.acquire(blocking=False):
            return connection.respond(503, "a client is already connected\n")
        return None

    def handle(socket_: Any) -> None:
        done = threading.Event()
        authenticated.put(WebSocketConnection(socket_, done))
        done.wait()

    with _listening(host, port):
        server = server_module.serve(
            handle,
            host,
            port,
            process_request=check,
            max_size=MAX_MESSAGE,
            open_timeout=AUTHENTICATION_TIMEOUT,
        )
    announce(*server.socket.getsockname()[:2])
    threading.Thread(target=server.serve_forever, name="lsp-websocket", daemon=True).start()
    return authenticated.get()


def _token_of(request: Any) -> str:
    """Return the token of a WebSocket's opening request, from its header or query."""
    values: list[str] = request.headers.get_all("Authorization")
    if values:
        return values[0].removeprefix("Bearer ").strip()
    return parse_qs(urlsplit(str(request.path)).query).get("token", [""])[0]
