"""The task explain: what a piece of code does, in Markdown, by one model or several."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..consensus.fan_out import FanOutProgress, query_all
from ..consensus.prose import merge_prose
from ..consensus.votes import Vote
from ..context.prompt_builder import explain_prompt
from ..context.symbols import symbol_at
from ..errors import DocumentError
from ..postprocess import clean_prose, plain_text
from ..types import Document, Position, Prompt, Span

if TYPE_CHECKING:
    from ..app import AppContext
    from ..models.interface import Model

KEPT = 200
"""Explanations that are kept, by content."""
HOVER_WAIT = 0.15
"""Seconds a hover rests before a model is asked: the pointer crosses much code on its way."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was said of a span, and by whom."""

    markdown: str
    models: tuple[str, ...]
    span: Span
    agreement: float | None = None
    latency_ms: float = 0.0
    id: str = ""
    cached: bool = False

    def signed(self) -> str:
        """With a line that names the models."""
        names = plain_text(", ".join(self.models))
        return f"{self.markdown}\n\n---\n*{names} · ensemble-lsp*"


class Explainer:
    """Explanations, kept by the content they explain."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Explanation] = OrderedDict()
        self._running: dict[str, asyncio.Task[Explanation]] = {}

    async def hover(
        self, app: AppContext, document: Document, position: Position
    ) -> Explanation | None:
        """Explain the symbol at a position; None where there is none, or no model to ask."""
        symbol = await asyncio.to_thread(symbol_at, document, position)
        if symbol is None:
            return None
        size = app.settings.explain.ensemble
        key = self._key(app, document, symbol.span, size)
        if key not in self._kept:
            await asyncio.sleep(HOVER_WAIT)
        if not app.models_for("explain"):
            return None
        return await self.explain(app, document, symbol.span, size=size)

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
        """Explain a span (None: the whole file); ``progress`` is told of each model.

        Raises ``NoModelError``, ``ProviderError``.
        """
        span = span or Span(Position(0, 0), document.end)
        if span.empty:
            symbol = await asyncio.to_thread(symbol_at, document, span.start)
            last = Position(span.start.line, len(document.line(span.start.line)))
            span = symbol.span if symbol else Span(Position(span.start.line, 0), last)
        if not document.slice(span).strip():
            raise DocumentError("There is no code to explain here; select some and ask again.")
        key = self._key(app, document, span, size) + (model or "")
        if kept := self._kept.get(key):
            self._kept.move_to_end(key)
            return Explanation(kept.markdown, kept.models, span, kept.agreement, 0.0, kept.id, True)
        explanation = await self._explain(app, document, span, size, model, progress)
        self._kept[key] = explanation
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return explanation

    def _key(self, app: AppContext, document: Document, span: Span, size: int) -> str:
        names = ",".join(m.profile.name for m in app.models_for("explain"))
        pin = app.settings.selector.pin.get("explain", "")
        parts = (document.language, document.slice(span), names, pin, str(size))
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()

    async def _explain(
        self,
        app: AppContext,
        document: Document,
        span: Span,
        size: int,
        model: str | None,
        progress: Callable[[FanOutProgress], None] | None,
    ) -> Explanation:
        decision = app.decide("explain", document, span.start, only=model)
        if not decision.models:
            raise app.no_model("explain")
        budget = app.settings.ensemble.budget_ms
        workspace = app.runtime.workspace
        await workspace.prepare(document)
        await workspace.guard(one.profile for one in decision.models)

        def prompt(asked: Model) -> Prompt | None:
            return explain_prompt(document, span, profile=asked.profile, workspace=workspace)

        if size > 1 and model is None:
            members = app.members(decision, size)
            asked = await query_all(members, prompt, budget_ms=budget, progress=progress)
        else:
            asked = await app.first_answer(decision.models, prompt, budget_ms=budget)
        if not asked.completions:
            refused = app.refused(document, decision.models)
            names = [one.profile.name for one in decision.models]
            raise refused or app.failed("explain", asked, names)
        weights = app.weights(decision)
        answers = [
            Vote(c.model, clean_prose(c.text), weights.get(c.model, 0.5)) for c in asked.completions
        ]
        merged = await asyncio.to_thread(merge_prose, answers)
        text = merged.markdown
        suggestion = app.new_suggestion(
            "explain", text, tuple(merged.models), document, span, agreement=merged.agreement
        )
        app.runtime.answered(suggestion, document, decision)
        several = len(answers) > 1
        return Explanation(
            text,
            tuple(merged.models),
            span,
            merged.agreement if several else None,
            max(c.total_ms for c in asked.completions),
            suggestion.id,
        )
