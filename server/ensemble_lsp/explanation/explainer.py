"""Explanations of code, in Markdown, by one model or several."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..app.failures import failed, no_model, refused
from ..consensus.fan_out import FanOutProgress, query_all
from ..consensus.prose import merge_prose
from ..consensus.votes import Vote
from ..context.prompt_builder import explain_prompt
from ..context.symbols import symbol_at
from ..errors import DocumentError
from ..models.control_tokens import control_tokens
from ..postprocess import clean_prose, escape_markdown
from ..types import Document, Position, Prompt, Span

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from ..app import AppContext
    from ..models.interface import Model

MAX_EXPLANATIONS = 200
"""Explanations that are cached, and codes whose latest explanation is known."""
HOVER_WAIT = 0.15
"""Seconds that the pointer must rest before a model is asked."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """An explanation of a span, and the models that wrote it."""

    markdown: str
    models: tuple[str, ...]
    span: Span
    agreement: float | None = None
    latency_ms: float = 0.0
    id: str = ""
    cached: bool = False

    def with_signature(self) -> str:
        """Return the Markdown with a line that names the models."""
        names = escape_markdown(", ".join(self.models))
        return f"{self.markdown}\n\n---\n*{names} · ensemble-lsp*"


class _RunningHover:
    """An explanation that hovers wait for."""

    def __init__(self, task: asyncio.Task[Explanation | None]) -> None:
        self.task = task
        self._waiting = 0
        self._promised = False
        """A client was answered that the explanation is coming."""

    async def wait(self, seconds: float | None) -> Explanation | None:
        """Wait for it; it ends with the last request that is cancelled, unless it is promised."""
        self._waiting += 1
        try:
            return await asyncio.wait_for(asyncio.shield(self.task), seconds)
        except asyncio.TimeoutError:
            self._promised = True
            raise
        except asyncio.CancelledError:
            if self._waiting == 1 and not self._promised:
                self.task.cancel()
            raise
        finally:
            self._waiting -= 1


class Explainer:
    """Explains code; caches explanations by the code they explain."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Explanation] = OrderedDict()
        self._latest: OrderedDict[str, Explanation] = OrderedDict()
        """The latest explanation of each piece of code."""
        self._running: dict[str, _RunningHover] = {}

    async def hover(
        self, app: AppContext, document: Document, position: Position, wait: float | None = None
    ) -> Explanation | None:
        """Explain the symbol at a position; ``None`` without a symbol or a model.

        After ``wait`` seconds it raises ``TimeoutError``, and the explanation continues: the next hover has it.
        """
        symbol = await asyncio.to_thread(symbol_at, document, position)
        if symbol is None or not app.models_for("explain"):
            return None
        size = app.settings.explain.ensemble
        key = self._key(app, document, symbol.span, size)
        if wait is None and key not in self._running:
            return await self._after_rest(app, document, symbol.span, size, key in self._kept)
        running = self._running.get(key)
        if running is None:
            work = self._after_rest(app, document, symbol.span, size, key in self._kept)
            running = self._running[key] = _RunningHover(asyncio.ensure_future(work))
            running.task.add_done_callback(lambda done: self._hover_done(key, done))
        return await running.wait(wait)

    async def _after_rest(
        self, app: AppContext, document: Document, span: Span, size: int, known: bool
    ) -> Explanation | None:
        if not known:
            await asyncio.sleep(HOVER_WAIT)
        return await self.explain(app, document, span, size=size)

    def _hover_done(self, key: str, task: asyncio.Task[Explanation | None]) -> None:
        self._running.pop(key, None)
        if not task.cancelled() and (error := task.exception()):
            logger.info("explanation: %s", error)

    async def explain(
        self,
        app: AppContext,
        document: Document,
        span: Span | None = None,
        *,
        size: int = 1,
        model: str | None = None,
        progress: Callable[[FanOutProgress], None] | None = None,
    ) -> Explanation:
        """Explain a span (``None``: the whole file); ``progress`` receives each model's state.

        To ask another ``model`` for the same code is to refuse the explanation before. Raises ``NoModelError``,
        ``ProviderError``.
        """
        span = span or Span(Position(0, 0), document.end)
        if span.empty:
            symbol = await asyncio.to_thread(symbol_at, document, span.start)
            last = Position(span.start.line, len(document.line(span.start.line)))
            span = symbol.span if symbol else Span(Position(span.start.line, 0), last)
        if not document.slice(span).strip():
            raise DocumentError("Select some code to explain: this place has no code.")
        key = self._key(app, document, span, size) + (model or "")
        kept = self._kept.get(key)
        if kept is not None:
            explanation = replace(kept, span=span, latency_ms=0.0, cached=True)
        else:
            explanation = await self._explain(app, document, span, size, model, progress)
        _put(self._kept, key, kept or explanation)
        code = _digest(document.language, document.slice(span))
        before = self._latest.get(code)
        if model is not None and before is not None and model not in before.models:
            await app.suggestions.rejected(before.id)
        _put(self._latest, code, explanation)
        return explanation

    def _key(self, app: AppContext, document: Document, span: Span, size: int) -> str:
        names = ",".join(m.profile.name for m in app.models_for("explain"))
        pin = app.pin("explain") or ""
        return _digest(document.language, document.slice(span), names, pin, str(size))

    async def _explain(
        self,
        app: AppContext,
        document: Document,
        span: Span,
        size: int,
        model: str | None,
        progress: Callable[[FanOutProgress], None] | None,
    ) -> Explanation:
        await app.workspace.complexity.ready(document)
        decision = app.decide("explain", document, span.start, only=model)
        if not decision.models:
            raise no_model(app, "explain")
        budget = app.settings.ensemble.budget_ms
        workspace = app.workspace.context
        await workspace.prepare(document)
        await workspace.guard(member.profile for member in decision.models)

        def prompt(member: Model) -> Prompt | None:
            return explain_prompt(document, span, profile=member.profile, workspace=workspace)

        if size > 1 and model is None:
            members = app.members(decision, size)
            result = await query_all(members, prompt, budget_ms=budget, progress=progress)
        else:
            result = await app.first_answer(decision.models, prompt, budget_ms=budget)
        if not result.completions:
            denied = refused(app, document, decision.models)
            names = [member.profile.name for member in decision.models]
            raise denied or failed(app, "explain", result, names)
        weights = app.weights(decision)
        tokens = {m.profile.name: control_tokens(m.profile) for m in decision.models}
        answers = [
            Vote(c.model, clean_prose(c.text, tokens.get(c.model, ())), weights.get(c.model, 0.5))
            for c in result.completions
        ]
        merged = await asyncio.to_thread(merge_prose, answers)
        text = merged.markdown
        suggestion = app.new_suggestion(
            "explain", text, tuple(merged.models), document, span, agreement=merged.agreement
        )
        app.suggestions.answered(suggestion, document, decision)
        several = len(answers) > 1
        return Explanation(
            text,
            tuple(merged.models),
            span,
            merged.agreement if several else None,
            max(c.total_ms for c in result.completions),
            suggestion.id,
        )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def _put(kept: OrderedDict[str, Explanation], key: str, explanation: Explanation) -> None:
    """Store the explanation as the newest one, and drop the oldest ones."""
    kept[key] = explanation
    kept.move_to_end(key)
    while len(kept) > MAX_EXPLANATIONS:
        kept.popitem(last=False)
