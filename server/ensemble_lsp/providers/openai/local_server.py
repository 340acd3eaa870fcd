"""Ask servers on the user's machines about themselves, and have Ollama load models."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

from ...models.address import Address
from ...models.interface import Profile

KEEP_ALIVE = "30m"
"""Time for which Ollama keeps the model after its last request; its default is five minutes."""
_RENEW_SECONDS = 600.0
_ANSWER_SECONDS = 0.5
_LOAD_SECONDS = 600.0
_PATIENCE = 0.5
"""Seconds without an answer after which the model is not loaded."""


async def get_json(http: Any, url: str) -> dict[str, Any]:
    """Return a server's JSON object; an empty one for anything else, or if it takes long."""
    try:
        response = await http.get(url, timeout=_ANSWER_SECONDS)
        found: Any = response.json() if response.status_code == 200 else None
    except Exception:  # whatever a server answers here, the request itself tells what is wrong
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


class OllamaLoader:
    """Has Ollama load a model beside the requests, and keep it.

    Ollama stops loading when the client that asked for it leaves, and a completion leaves at the next
    keystroke: without this a large model would never be loaded by typing.
    """

    def __init__(self, profile: Profile, address: Address, notice: Callable[[str], None]) -> None:
        self._profile = profile
        self._root = address.root
        self._notice = notice
        self._task: asyncio.Task[None] | None = None
        self._answered = asyncio.Event()
        self._next = float("inf")
        self.is_loading = False

    async def find(self, http: Any) -> None:
        """Ask whether the server is an Ollama; without an answer of its kind, nothing is done."""
        running = (await get_json(http, f"{self._root}/api/ps")).get("models")
        if isinstance(running, list):
            self._next = 0.0
            model = self._profile.model
            if any(_is(entry, model) for entry in cast("list[Any]", running)):
                self._answered.set()

    def wake(self, http: Any) -> None:
        """Begin to load the model, or renew its time, if that was long ago."""
        if time.monotonic() >= self._next and (self._task is None or self._task.done()):
            self._next = time.monotonic() + _RENEW_SECONDS
            self._task = asyncio.ensure_future(self._load(http))

    def answered(self) -> None:
        """Note that the model is there: it was loaded, or it answers."""
        self._answered.set()
        if self.is_loading:
            self.is_loading = False
            self._notice("")

    async def close(self) -> None:
        """Stop."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _load(self, http: Any) -> None:
        model = self._profile.model
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._answered.wait(), _PATIENCE)
        if not self._answered.is_set():
            self.is_loading = True
            self._notice(f"Ollama is loading {model}")
        body = {"model": model, "keep_alive": KEEP_ALIVE}
        with suppress(Exception):  # the request itself tells what is wrong
            url = f"{self._root}/api/generate"
            response = await http.post(url, json=body, timeout=_LOAD_SECONDS)
            if response.json().get("done"):
                self.answered()


def _is(entry: Any, model: str) -> bool:
    """Return whether an entry of the running models is the model; ``:latest`` is the default tag."""
    if not isinstance(entry, dict):
        return False
    wanted = model if ":" in model else f"{model}:latest"
    names = cast("dict[str, Any]", entry)
    return wanted in (names.get("name"), names.get("model"))
