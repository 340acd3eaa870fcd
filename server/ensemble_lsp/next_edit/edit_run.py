"""The models asked for one next edit: the first choice, a hedge, a fallback, a stronger model, or several."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from ..errors import ProviderError
from ..models.stream_collector import gather
from ..selection.cascade import Findings, could_escalate, escalate
from .edit import PredictedEdit
from .edit_history import EditHistory
from .model_prompt import EditQuery, model_prompt, prompt_of
from .parsing import predicted_edit
from .syntax_state import syntax_state

if TYPE_CHECKING:
    from ..app import AppContext
    from ..models.interface import Model
    from ..selection.decision import Decision
    from ..types import Completion, Edit
    from .prompting import EditPrompt

logger = logging.getLogger(__name__)


class EditRun:
    """Asks models. It outlives the request that began it: a newer one may take it over."""

    def __init__(
        self, app: AppContext, query: EditQuery, decision: Decision, history: EditHistory
    ) -> None:
        self.query = query
        self.decision = decision
        self.changes: list[Edit] = []
        """The changes of the document since the query."""
        self.has_text = False
        """Whether an answer has begun."""
        self.errors: dict[str, ProviderError] = {}
        """Failures, by model."""
        self._app = app
        self._history = history
        self._waiting = list(decision.models)
        self._running: dict[asyncio.Task[Completion], tuple[Model, EditPrompt, float]] = {}
        self._asked: set[str] = set()
        settings = app.settings.next_edit
        self._members = 1 if query.model else settings.ensemble
        budget = query.budget_ms or settings.budget_ms
        self._deadline = time.perf_counter() + budget / 1e3
        self.task = asyncio.ensure_future(self._run())

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.task.done()

    def close(self) -> None:
        """Close the streams and their connections now."""
        self.task.cancel()

    def result(self) -> PredictedEdit | None:
        """Return the edit of a run that is done, for the query's document."""
        return None if self.task.cancelled() else self.task.result()

    async def _run(self) -> PredictedEdit | None:
        try:
            edit = await (self._agreed() if self._members > 1 else self._hedged())
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
        all_failed = len(self.errors) == len(self._asked)
        errors = list(self.errors.values()) if edit is not None or all_failed else []
        self._app.activity.finished("edit", edit.model if edit else None, errors)
        return edit

    async def _hedged(self) -> PredictedEdit | None:
        """Return the first answer's edit; ask the next model if one is slow or fails."""
        doubtful: PredictedEdit | None = None
        self._start_next()
        while self._running and (left := self._deadline - time.perf_counter()) > 0:
            hedge = self._seconds_to_hedge()
            timeout = left if hedge is None else max(0.0, min(left, hedge))
            done = await self._wait(timeout)
            if not done and hedge is not None and not self.has_text and timeout < left:
                self._start_next()
            for task in done:
                completion, edit = self._take(task)
                if completion is None:
                    self._start_next()
                elif edit is None or doubtful is not None or not self._escalate(completion, edit):
                    return edit or doubtful
                else:
                    doubtful = edit
        return doubtful

    async def _agreed(self) -> PredictedEdit | None:
        """Return the edit that two models agree on."""
        found: list[PredictedEdit] = []
        for _ in range(self._members):
            self._start_next()
        while self._running and (left := self._deadline - time.perf_counter()) > 0:
            for task in await self._wait(left):
                completion, edit = self._take(task)
                if completion is None:
                    self._start_next()
                if edit is not None and any(edit.edit == other.edit for other in found):
                    return edit
                found += [edit] if edit is not None else []
        return None

    async def _wait(self, seconds: float) -> set[asyncio.Task[Completion]]:
        done, _ = await asyncio.wait(
            self._running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        return done

    def _start_next(self) -> None:
        while self._waiting:
            if self._start(self._waiting.pop(0)):
                return

    def _start(self, model: Model) -> bool:
        """Ask a model; return ``False`` if it may not see the file."""
        context = self._app.workspace.context
        prompt = model_prompt(self.query, model.profile, context, self._history)
        if prompt is None:
            return False
        self._asked.add(model.profile.name)
        asking = gather(model, prompt_of(prompt, model.profile), self._on_text)
        self._running[asyncio.ensure_future(asking)] = model, prompt, time.perf_counter()
        return True

    def _on_text(self, text: str) -> None:
        self.has_text = True

    def _seconds_to_hedge(self) -> float | None:
        """Return the seconds until the next model is asked too; ``None`` if none will be."""
        if self.has_text or not self._waiting or self.decision.pinned:
            return None
        model, _, started = list(self._running.values())[-1]
        p90 = self._app.first_token_p90(model.profile.name, "edit")
        return started + p90 / 1e3 - time.perf_counter()

    def _take(
        self, task: asyncio.Task[Completion]
    ) -> tuple[Completion | None, PredictedEdit | None]:
        """Return an ended answer, and its edit if it has one."""
        model, prompt, _ = self._running.pop(task)
        name = model.profile.name
        try:
            answer = task.result()
        except ProviderError as error:
            logger.info("%s", error)
            self.errors[name] = error
            return None, None
        edit = predicted_edit(
            prompt, answer.text, finish=answer.finish, model=name, confidence=answer.confidence
        )
        return answer, edit

    def _escalate(self, answer: Completion, edit: PredictedEdit) -> bool:
        """Ask a stronger model too if a check casts doubt on the edit; return whether one is asked."""
        decision, asked = self.decision, {answer.model}
        if not self._app.settings.selector.escalate or not could_escalate(decision, asked):
            return False
        findings = Findings(parses=self._parses(edit), confidence=answer.confidence)
        found = escalate(decision, findings, asked, deadline=self._deadline)
        if found is None:
            return False
        model, self.decision = found
        self._waiting = [m for m in self._waiting if m.profile.name != model.profile.name]
        return model.profile.name in self._asked or self._start(model)

    def _parses(self, edit: PredictedEdit) -> bool | None:
        """Return whether the file still parses after the edit; ``None`` if it did not before."""
        document, start = self.query.document, edit.span.start
        before = syntax_state(document, start, self._app.workspace.context.trees)
        if before is None or before.broken:
            return None
        after = syntax_state(edit.apply(document), start)
        return after is None or not after.broken
