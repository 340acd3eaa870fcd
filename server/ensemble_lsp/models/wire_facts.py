"""Facts about a service that only its answers tell: refused parameters, thinking, switches that work.

Facts are short words without user data. They are remembered by provider, host and model, in one small
file that every process of the user shares, and forgotten after a month: services change.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from ..settings.regular_files import read_regular

FILE = "wire-facts.json"
KEPT_SECONDS = 30 * 24 * 3600.0
"""After this time a fact is forgotten, so that a service that was fixed gets another try."""
_MAX_MODELS = 200
_MAX_FACTS = 60

Facts = dict[str, float]
"""A fact and the Unix time at which it was learned."""


class WireFacts:
    """The facts about one model of one service."""

    def __init__(
        self, facts: Facts | None = None, changed: Callable[[], None] | None = None
    ) -> None:
        self._facts: Facts = dict(facts or {})
        self._changed = changed
        self.known = frozenset(self._facts)
        """The facts as of now. A new set after each change, so that a request sees one state."""

    def learn(self, *facts: str) -> bool:
        """Add facts; return whether any is new."""
        new = [fact for fact in facts if fact not in self._facts]
        if not new:
            return False
        self._facts.update(dict.fromkeys(new, time.time()))
        self._update()
        return True

    def forget(self, *facts: str) -> None:
        """Remove facts that turned out to be wrong."""
        if any([self._facts.pop(fact, None) is not None for fact in facts]):
            self._update()

    def absorb(self, facts: Facts) -> None:
        """Add facts that were read from the file; those of this process win."""
        self._facts = {**facts, **self._facts}
        self.known = frozenset(self._facts)

    def to_json(self) -> Facts:
        """Return the facts with their times."""
        return dict(self._facts)

    def _update(self) -> None:
        self.known = frozenset(self._facts)
        if self._changed is not None:
            self._changed()


class FactStore:
    """The facts about every model, read from a file once and written back in a thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._models: dict[str, WireFacts] = {}
        self._lock = threading.Lock()
        self._loaded = False
        self._state = threading.Lock()
        """Guards the two fields below, briefly; the other lock is held while the disk is used."""
        self._dirty: set[str] = set()
        self._is_writing = False
        self._writing: asyncio.Future[None] | None = None

    def of(self, key: str) -> WireFacts:
        """Return the facts of a model. The first call reads the file: call it in a thread."""
        with self._lock:
            if not self._loaded:
                self._loaded = True
                for name, facts in _read(self._path).items():
                    self._add(name).absorb(facts)
            return self._models.get(key) or self._add(key)

    def _add(self, key: str) -> WireFacts:
        facts = WireFacts(changed=lambda: self._schedule(key))
        self._models[key] = facts
        return facts

    def _schedule(self, key: str) -> None:
        """Write soon, in a thread; several changes at once are written together."""
        with self._state:
            self._dirty.add(key)
            if self._is_writing:
                return
            self._is_writing = True
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._write()
            return
        self._writing = loop.run_in_executor(None, self._write)

    async def settled(self) -> None:
        """Wait until everything is written."""
        while self._writing is not None and not self._writing.done():
            await self._writing

    def _write(self) -> None:
        while True:
            with self._state:
                dirty, self._dirty = self._dirty, set()
                if not dirty:
                    self._is_writing = False
                    return
            with self._lock, suppress(OSError):
                changed = {key: self._models[key].to_json() for key in dirty}
                # Another server may have written: only the models that changed here are replaced.
                _save(self._path, {**_read(self._path), **changed})


@lru_cache(maxsize=8)
def facts_at(data_dir: Path) -> FactStore:
    """Return the store of a data folder; the same one for every model of this process."""
    return FactStore(data_dir / FILE)


def _read(path: Path) -> dict[str, Facts]:
    """Return the valid, fresh entries of the file; none of a file that cannot be read."""
    try:
        raw: Any = json.loads(read_regular(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return dict(_entries(raw))


def _entries(raw: Any) -> Iterator[tuple[str, Facts]]:
    oldest = time.time() - KEPT_SECONDS
    if not isinstance(raw, dict):
        return
    for key, facts in list(cast("dict[str, Any]", raw).items())[-_MAX_MODELS:]:
        if not isinstance(facts, dict):
            continue
        fresh = {
            fact: float(learned)
            for fact, learned in list(cast("dict[str, Any]", facts).items())[:_MAX_FACTS]
            if isinstance(learned, int | float) and learned > oldest
        }
        if fresh:
            yield key, fresh


def _save(path: Path, models: dict[str, Facts]) -> None:
    """Replace the file, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({key: facts for key, facts in models.items() if facts}, file, indent=1)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
