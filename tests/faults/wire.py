"""A TCP server on 127.0.0.1 that says exactly the bytes it is told to, when it is told to.

For what no HTTP library can be brought to send: lying lengths, headers without end, one byte a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

Step = bytes | float
"""Bytes to send, or seconds to wait."""

OK = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"


def dripping(data: bytes, seconds: float) -> list[Step]:
    """Byte by byte within a time."""
    pause = seconds / len(data)
    return [step for byte in data for step in (bytes([byte]), pause)]


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, steps: Sequence[Step]
) -> None:
    over = (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
    with contextlib.closing(writer), contextlib.suppress(*over):
        head = await reader.readuntil(b"\r\n\r\n")
        sizes = [x for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:")]
        await reader.readexactly(int(sizes[0].split(b":")[1]) if sizes else 0)
        for step in steps:
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                writer.write(step)
                await writer.drain()


@contextlib.contextmanager
def saying(steps: Sequence[Step], tls: Path | None = None) -> Iterator[str]:
    """Listen; each request is answered with the steps. Gives ``http(s)://127.0.0.1:PORT/v1``."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)

    async def start() -> asyncio.Server:
        return await asyncio.start_server(
            lambda r, w: _serve(r, w, steps), "127.0.0.1", 0, ssl=context
        )

    async def stop(server: asyncio.Server) -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0.05)  # the transports close in the turns that follow

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1"
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
