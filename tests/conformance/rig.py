"""The server's own protocol object without a process: bytes in, messages out, on a loop of one's own.

For sessions by the hundred, which real processes are too slow for. Everything from the decoding of a
message's body on is the server's own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import traceback
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from ensemble_lsp.bootstrap import ServerOptions, create_server
from ensemble_lsp.lsp.server import EnsembleServer
from tests.support.client_capabilities import CAPABILITIES
from tests.support.metamodel import Conformance

Result = TypeVar("Result")

CONFIG = """
[[models]]
name = "recall"
provider = "recall"
model = "recall"
[complete]
debounceMs = 0
"""


class Rig:
    """One server and its client, step by step."""

    def __init__(self, folder: Path, encoding: str = "utf-16") -> None:
        self.loop = asyncio.new_event_loop()
        (folder / "config.toml").write_text(CONFIG)
        self.server: EnsembleServer = create_server(ServerOptions(folder / "config.toml", folder))
        self.server.protocol.set_writer(self, include_headers=False)
        self.sent: list[dict[str, Any]] = []
        self.asked: dict[int | str, str] = {}
        self.faults: list[str] = []
        self.rules = Conformance()
        self._next = 0
        self._left: asyncio.Future[int] | None = None
        self.run(self._begin())
        capabilities = {**CAPABILITIES["neovim"], "general": {"positionEncodings": [encoding]}}
        capabilities["workspace"] = {"applyEdit": True}
        self.rules.capabilities = capabilities
        self.ask("initialize", {"processId": None, "capabilities": capabilities, "rootUri": None})
        self.tell("initialized", {})

    async def _begin(self) -> None:
        self._left = asyncio.ensure_future(self.server.run_until_exit())

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Work on the server's loop."""
        return self.loop.run_until_complete(work)

    def write(self, data: bytes) -> None:
        """What the server's protocol calls to send a message's body."""
        message = json.loads(data)
        self.sent.append(message)
        self.faults += self.rules.faults(message, self.asked.get(message.get("id")))
        if "method" in message and "id" in message:
            self.give({"jsonrpc": "2.0", "id": message["id"], "result": None})

    def give(self, message: Any) -> None:
        """A message to the server, as the transport hands it over."""
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.loop.call_soon(self.server.protocol.receive, body)

    def tell(self, method: str, params: Any) -> None:
        """A notification."""
        self.give({"jsonrpc": "2.0", "method": method, "params": params})
        self.turn()

    def ask(self, method: str, params: Any, id_: int | str | None = None) -> int | str:
        """A request; its id."""
        if id_ is None:
            self._next += 1
            id_ = self._next
        self.asked[id_] = method
        self.give({"jsonrpc": "2.0", "id": id_, "method": method, "params": params})
        self.turn()
        return id_

    def turn(self) -> None:
        """Let the loop go round once or twice, as between two messages of a busy client."""
        self.run(asyncio.sleep(0))
        self.run(asyncio.sleep(0))

    def answers(self) -> Counter[Any]:
        """How often each request was answered."""
        return Counter(m["id"] for m in self.sent if "method" not in m)

    def answer(self, id_: int | str) -> Any:
        """A request's one answer; waits for it."""

        async def wait() -> Any:
            while True:
                for message in self.sent:
                    if message.get("id") == id_ and "method" not in message:
                        return message
                await asyncio.sleep(0.001)

        try:
            return self.run(asyncio.wait_for(wait(), 60))
        except asyncio.TimeoutError:
            raise AssertionError(self._unanswered(id_)) from None

    def _unanswered(self, id_: int | str) -> str:
        """The request without an answer, and where each task of the server waits."""
        tasks = "\n".join(sorted(map(_await_chain, asyncio.all_tasks(self.loop))))
        threads = "\n".join(map(_last_frames, sys._current_frames().values()))
        return (
            f"no answer to {self.asked.get(id_)} ({id_}) in 60 s; these wait:\n{tasks}\n"
            f"the threads:\n{threads}"
        )

    def settle(self) -> None:
        """Wait until every request has its answer."""
        for id_ in self.asked:
            self.answer(id_)

    def text(self, uri: str) -> str | None:
        """A document as the server has it."""
        document = self.server.documents.get(uri)
        return None if document is None else document.text

    @staticmethod
    async def _end() -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def close(self) -> None:
        """Shut down, leave, give everything back."""
        self.answer(self.ask("shutdown", None))
        self.tell("exit", None)
        assert self._left is not None
        assert self.run(asyncio.wait_for(self._left, 10)) == 0
        self.run(self._end())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()


def _last_frames(frame: FrameType) -> str:
    """The innermost places of a thread."""
    places = [f"{f.filename}:{f.lineno}" for f in traceback.extract_stack(frame)]
    return " > ".join(places[-6:])


def _await_chain(task: asyncio.Task[Any]) -> str:
    """The coroutines that a task is in, from the outermost to the one that waits."""
    places: list[str] = []
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)
        if frame is None:
            places.append(repr(awaited))
            break
        places.append(f"{frame.f_code.co_name}:{frame.f_lineno}")
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
    return " > ".join(places)
