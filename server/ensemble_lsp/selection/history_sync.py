"""Keeps a selector in step with the history, which several servers may write.

The history numbers every change that a selector can learn from (``history.change_log``). A selector
applies the changes in order, and its state is saved with the number of the last one. So a restart
continues where the last server stopped, servers learn from each other, and nothing counts twice. This
runs in the background: ``choose`` only reads the selector's state.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from ..errors import HistoryError
from ..history import Change, History
from ..types import LOCATOR
from .choice import Selector
from .fixed import VERSION
from .request_context import RequestContext

logger = logging.getLogger(__name__)

INITIAL_REWARDS = 5000
"""Latest rewards to learn from if the history has no saved state."""
_PAGE = 200
_BATCH = 20
"""Changes to learn before yielding to the event loop."""


class HistorySync:
    """Teaches one selector from the history. Use it from the event loop."""

    def __init__(self, history: History, selector: Selector) -> None:
        self.selector = selector
        self._history = history
        self._last_change = 0
        self._epoch = ""
        self._in_memory = False
        self._running = asyncio.Lock()
        self._requested = False

    async def start(self) -> None:
        """Load the saved state, or learn from the latest rewards; then apply newer changes."""
        with contextlib.suppress(HistoryError):
            async with self._running:
                await self._load()
            await self.sync()

    async def sync(self) -> None:
        """Apply new changes and save the state; a call during a running sync starts one more."""
        self._requested = True
        async with self._running:
            if not self._requested:
                return
            self._requested = False
            try:
                await self._sync()
            except HistoryError as error:
                logger.info("learning from the history failed: %s", error)

    async def _sync(self) -> None:
        if self._in_memory and not self._history.in_memory:
            await self._load()  # the file numbers its changes separately
        self._in_memory = self._history.in_memory
        while True:
            changes = await self._history.changes_after(self._last_change, _PAGE)
            if changes.epoch != self._epoch and self._history.uses_local_fallback:
                # The fallback history numbers its changes from the start; keep what was learned.
                kept = await self._history.load_learned(self.selector.strategy)
                self._epoch, self._last_change = kept.epoch, kept.last
                continue
            if changes.epoch != self._epoch:
                self.selector.reset()
                await self._load()
                continue
            for number, change in enumerate(changes.rows):
                apply_change(self.selector, change)
                if number % _BATCH == _BATCH - 1:
                    await asyncio.sleep(0)
            if changes.last == self._last_change:
                break
            self._last_change = changes.last
        if parts := self.selector.save(changed=True):
            await self._history.save_learned(
                self.selector.strategy, self._epoch, self._last_change, parts
            )

    async def _load(self) -> None:
        kept = await self._history.load_learned(self.selector.strategy)
        self._epoch = kept.epoch
        known = kept.parts.get("version") == VERSION
        if known and kept.upto is not None and kept.upto <= kept.last:
            self._last_change = kept.upto
            await asyncio.to_thread(self.selector.load, kept.parts)
            return
        self._last_change = kept.last
        rows = await self._history.rewards_by_model(limit=INITIAL_REWARDS)

        def teach() -> None:
            for row in rows:
                context = _parse_context(row.task, row.features)
                if context is not None and row.model != LOCATOR:
                    self.selector.learn(row.model, context, row.reward)

        await asyncio.to_thread(teach)


def apply_change(selector: Selector, change: Change) -> None:
    """Teach a selector one change."""
    if change.kind == "call":
        selector.observe_call(change)
        return
    context = _parse_context(change.task, change.features)
    if context is None:
        return
    if change.kind == "preference":
        losers = [m for models in change.others for m in models if m not in change.models]
        for winner in change.models:
            selector.prefer(winner, losers, context, change.shown_at)
        return
    if change.agreement is not None and change.task == "generate":
        selector.learn_agreement(change.agreement, change.old, change.new)
    for model in change.models:
        if model == LOCATOR:
            continue
        if change.old is None:
            selector.learn(model, context, change.new)
        else:
            selector.revise(model, context, change.old, change.new)


def _parse_context(task: str, features: Mapping[str, Any]) -> RequestContext | None:
    try:
        return RequestContext.from_json({**features, "task": task})
    except ValueError:
        return None
