"""A connection that is open before a request needs it: a handshake takes as long as a first token.

It sends nothing: a stream is connected, its TLS handshake done, and the pool gets it with the next
request. Imported only off the event loop: ``httpcore2`` is slow to import.
"""

from __future__ import annotations

import asyncio
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, cast

import httpcore2
import httpx2

from .interface import Profile

KEPT_SECONDS = 900.0
"""Seconds for which a connection is kept open after the last keystroke."""
CHECK_SECONDS = 5.0
"""Seconds between two checks whether the server has closed it."""
RETRY_SECONDS = 30.0
"""Seconds before the next attempt after a failure: the machine may be offline."""
_LEAST_SECONDS = 1.0
"""Least seconds between two checks that keystrokes cause."""
_SLEPT_SECONDS = 35.0
"""Seconds between two checks from which the machine must have slept; servers drop such connections."""
_CONNECT_SECONDS = 5.0
_REFUSED_SECONDS = 3.0
"""A server that closes a connection within this time has refused it, such as one without a client certificate."""

Clock = Callable[[], float]


class SpareStream(httpcore2.AsyncNetworkStream):
    """An open connection that no request uses yet; its TLS handshake is done."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        # A read takes in what TLS sends after its handshake, and ends when the server closes.
        self._watch = asyncio.ensure_future(stream.read(1))
        self._watch.add_done_callback(_read_result)

    def on_end(self, callback: Callable[[], None]) -> None:
        """Call back when the server closes it or says something while no request uses it."""
        self._watch.add_done_callback(lambda task: None if task.cancelled() else callback())

    @property
    def is_open(self) -> bool:
        """Whether the server has neither closed it nor said anything."""
        return not self._watch.done()

    async def release(self) -> bool:
        """End the watch, for a request to use it; return whether it is still open."""
        self._watch.cancel()
        await asyncio.wait({self._watch})
        return self._watch.cancelled()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read from the connection."""
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write to the connection."""
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        """Close the connection."""
        self._watch.cancel()
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Return the connection itself: the handshake with this host and context is done."""
        return self._stream

    def get_extra_info(self, info: str) -> Any:
        """Return a property of the connection."""
        return self._stream.get_extra_info(info)


class SpareBackend(httpcore2.AsyncNetworkBackend):
    """Opens a pool's connections; for one server, it can open one before the pool needs it."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        # The type includes the placeholder that httpcore2 has without anyio.
        self._network = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())
        self._host, self._port, self._tls = host, port, tls
        self._opening: asyncio.Task[SpareStream | None] | None = None
        self.failed = False
        """Whether the last attempt to open one failed, or the server closed it at once."""

    @property
    def has_spare(self) -> bool:
        """Whether one is open, or being opened."""
        opening = self._opening
        if opening is None or not opening.done():
            return opening is not None
        spare = opening.result()
        return spare is not None and spare.is_open

    def open_spare(self) -> None:
        """Begin to open one, unless there is one; never fails."""
        if not self.has_spare:
            self.drop_spare()
            self._opening = asyncio.ensure_future(self._open())

    def drop_spare(self) -> asyncio.Task[None] | None:
        """Close the one that is open, if any; returns the task that does it."""
        opening, self._opening = self._opening, None
        return None if opening is None else asyncio.ensure_future(_close(opening))

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Return the spare connection if it is to this server, else a new one."""
        if (host, port) == (self._host, self._port):
            spare = await self._take()
            if spare is not None:
                return spare
        return await self._network.connect_tcp(host, port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait, between two attempts."""
        await self._network.sleep(seconds)

    async def _take(self) -> SpareStream | None:
        opening = self._opening
        if opening is None:
            return None
        await asyncio.wait(
            {opening}
        )  # a request that is cancelled meanwhile leaves it for the next
        if self._opening is not opening:
            return None  # another request was faster
        self._opening = None
        spare = opening.result()
        if spare is None or await spare.release():
            return spare
        await spare.aclose()
        return None

    async def _open(self) -> SpareStream | None:
        try:
            stream = await self._network.connect_tcp(self._host, self._port, _CONNECT_SECONDS)
            if self._tls is not None:
                stream = await self._handshake(stream, self._tls)
        except (OSError, httpcore2.NetworkError, httpcore2.TimeoutException):
            self.failed = True  # the request itself will report it
            return None
        self.failed = False
        spare, opened = SpareStream(stream), time.monotonic()
        spare.on_end(lambda: self._note_end(opened))
        return spare

    async def _handshake(
        self, stream: httpcore2.AsyncNetworkStream, tls: ssl.SSLContext
    ) -> httpcore2.AsyncNetworkStream:
        # Not HTTP/2: the library does not reset the stream of a cancelled answer, so that its
        # provider would continue to write it and bill for it.
        tls.set_alpn_protocols(["http/1.1"])
        try:
            return await stream.start_tls(tls, self._host, _CONNECT_SECONDS)
        except asyncio.CancelledError:
            await stream.aclose()  # the library closes it after an error alone
            raise

    def _note_end(self, opened: float) -> None:
        self.failed = time.monotonic() - opened < _REFUSED_SECONDS


def _read_result(task: asyncio.Task[bytes]) -> None:
    """Take a failure as an end: asyncio logs one that nothing reads."""
    if not task.cancelled():
        task.exception()


async def _close(opening: asyncio.Task[SpareStream | None]) -> None:
    if not opening.done():
        opening.cancel()
        await asyncio.wait({opening})
    if not opening.cancelled() and (spare := opening.result()) is not None:
        await spare.aclose()


class KeptConnection(httpx2.AsyncHTTPTransport):
    """A transport that has a connection to one server open while requests are likely."""

    def __init__(self, url: str, limits: httpx2.Limits, now: Clock = time.time) -> None:
        """``now`` continues while the machine sleeps."""
        context = httpx2.create_ssl_context()
        super().__init__(verify=context, limits=limits)
        parts = httpx2.URL(url)  # its host is spelled as in requests: IDNA, an IPv6 address bare
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        host = parts.raw_host.decode("ascii")
        self._backend = SpareBackend(host, port, context if secure else None)
        # The transport's own pool cannot be given a backend.
        self._pool: httpcore2.AsyncConnectionPool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=self._backend,
        )
        self._now = now
        self._expected = self._checked = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def expect_request(self) -> None:
        """Have a connection open soon, and keep one for a while; cheap enough for each keystroke."""
        self._expected = self._now()
        if self._timer is None or self._expected - self._checked >= _LEAST_SECONDS:
            self._check()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request, on no connection that is being closed."""
        if self._closing:
            await asyncio.wait({*self._closing})
        return await super().handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        self._expected = 0.0
        self._cancel_timer()
        self._close_soon(self._backend.drop_spare())
        await asyncio.gather(*self._closing, return_exceptions=True)
        await super().aclose()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Close all connections: a client that is a context manager leaves this way."""
        await self.aclose()

    def _check(self) -> None:
        """Open a connection if no usable one is left; look again after a while."""
        now = self._now()
        usable = any(c.is_idle() and not c.has_expired() for c in self._pool.connections)
        if usable:
            self._backend.failed = False  # a request has shown that the server accepts connections
        waits = self._backend.failed and now - self._checked < RETRY_SECONDS
        if self._timer is not None and now - self._checked > _SLEPT_SECONDS:
            self._drop_idle()
        if not waits:
            self._checked = now
            if not usable:
                self._backend.open_spare()
        self._cancel_timer()
        if now - self._expected < KEPT_SECONDS:
            self._timer = asyncio.get_running_loop().call_later(CHECK_SECONDS, self._check)
        else:
            self._close_soon(self._backend.drop_spare())

    def _drop_idle(self) -> None:
        """Close the connections that were open while the machine slept."""
        self._close_soon(self._backend.drop_spare())
        for connection in self._pool.connections:
            if connection.is_idle():
                self._close_soon(asyncio.ensure_future(connection.aclose()))

    def _close_soon(self, task: asyncio.Task[None] | None) -> None:
        if task is not None:
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def kept_connection(profile: Profile, url: str, limits: httpx2.Limits) -> KeptConnection | None:
    """Return the transport of a remote model; None where no connection should be kept open.

    A local server answers at once. A proxy of the environment is left to the library: the tunnel
    through it begins with a request. An address that ``NO_PROXY`` excepts is reached without it.
    """
    if profile.local or profile.backend:
        return None
    proxies = urllib.request.getproxies().keys() - {"no"}
    if proxies and not urllib.request.proxy_bypass(httpx2.URL(url).netloc.decode("ascii")):
        return None
    return KeptConnection(url, limits)
