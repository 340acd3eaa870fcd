"""Keeps a selector in step with the history: what it learned before, and what anybody learns now.

The history numbers everything there is to learn from (``history.learned``). A selector takes these
changes in their order, and its state is kept with the number of the last one. So a restart goes on
where the last server stopped, several servers learn from one another, and nothing counts twice. All
of it happens beside the requests: ``choose`` only reads what is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

from ..errors import HistoryError
from ..history import Change, History
from .choice import Selector
from .request_context import RequestContext

logger = logging.getLogger(__name__)

TAUGHT = 5000
"""Latest rewards of a history without a kept state that a selector begins with."""
_PAGE = 200
_BREATH = 20
"""Changes that are learned at a stretch, before requests are let through."""


class Learning:
    """One selector and the history that teaches it. Used from the event loop."""

    def __init__(self, history: History, selector: Selector) -> None:
        self.selector = selector
        self._history = history
        self._upto = 0
        self._epoch = ""
        self._in_memory = False
        self._running = asyncio.Lock()
        self._asked = False

    async def start(self) -> None:
        """Take the kept state, or what the history's latest rewards teach; then what came since."""
        with contextlib.suppress(HistoryError):
            async with self._running:
                await self._load()
            await self.sync()

    async def sync(self) -> None:
        """Learn what is new and keep the state; where that is under way it goes round again."""
        self._asked = True
        async with self._running:
            if not self._asked:
                return
            self._asked = False
            try:
                await self._sync()
            except HistoryError as error:
                logger.info("nothing was learned: %s", error)

    async def _sync(self) -> None:
        if self._in_memory and not self._history.in_memory:
            await self._load()  # the file's numbers are not those of the memory
        self._in_memory = self._history.in_memory
        while True:
            changes = await self._history.changes_after(self._upto, _PAGE)
            if changes.epoch != self._epoch and self._history.uses_local_fallback:
                # Another history stands in and counts anew; what is known stays known.
                kept = await self._history.load_learned(self.selector.strategy)
                self._epoch, self._upto = kept.epoch, kept.last
                continue
            if changes.epoch != self._epoch:
                self.selector.reset()
                await self._load()
                continue
            for number, change in enumerate(changes.rows):
                learn_change(self.selector, change)
                if number % _BREATH == _BREATH - 1:
                    await asyncio.sleep(0)
            if changes.last == self._upto:
                break
            self._upto = changes.last
        if parts := self.selector.save(changed=True):
            await self._history.save_learned(self.selector.strategy, self._epoch, self._upto, parts)

    async def _load(self) -> None:
        kept = await self._history.load_learned(self.selector.strategy)
        self._epoch = kept.epoch
        if kept.upto is not None and kept.upto <= kept.last:
            self._upto = kept.upto
            await asyncio.to_thread(self.selector.load, kept.parts)
            return
        self._upto = kept.last
        rows = await self._history.rewards_by_model(limit=TAUGHT)

        def teach() -> None:
            for row in rows:
                if (situation := _situation(row.task, row.features)) is not None:
                    self.selector.learn(row.model, situation, row.reward)

        await asyncio.to_thread(teach)


def learn_change(selector: Selector, change: Change) -> None:
    """Let a selector learn one change."""
    if change.kind == "call":
        selector.observe_call(change)
        return
    situation = _situation(change.task, change.features)
    if situation is None:
        return
    if change.kind == "preference":
        lost = [m for models in change.others for m in models if m not in change.models]
        for winner in change.models:
            selector.prefer(winner, lost, situation, change.shown_at)
        return
    for model in change.models:
        if change.old is None:
            selector.learn(model, situation, change.new)
        else:
            selector.revise(model, situation, change.old, change.new)


def _situation(task: str, features: Mapping[str, Any]) -> RequestContext | None:
    try:
        return RequestContext.from_json({**features, "task": task})
    except ValueError:
        return None
