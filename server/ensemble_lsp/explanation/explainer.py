"""Explanations of code, in Markdown, by one model or several."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..app.failures import failed, no_model, refused
from ..consensus.fan_out import FanOutProgress, FanOutResult, query_all
from ..consensus.prose import ProseVerdict, merge_prose
from ..consensus.votes import Vote
from ..context.diagnostics import Diagnostic, explain_instruction, fix_region
from ..context.prompt_builder import explain_prompt
from ..context.symbols import symbol_at
from ..errors import DocumentError
from ..models.control_tokens import control_tokens
from ..postprocess import clean_prose, escape_markdown
from ..postprocess.talk import begins_as_refusal
from ..types import Document, Position, Prompt, Span

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from ..app import AppContext
    from ..models.interface import Model
    from ..selection.decision import Decision

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


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A question about an explanation, and the conversation before it."""

    question: str
    previous: str

    def instruction(self) -> str:
        """Return the request to the models; the question comes first, since a long text is cut at its end."""
        first = f"Answer this question about the selected code, as briefly as it allows: {self.question}"
        return f"{first}\n\nThe conversation before the question:\n{self.previous}".rstrip()


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
        problems: Sequence[Diagnostic] = (),
        follow_up: FollowUp | None = None,
    ) -> Explanation:
        """Explain a span (``None``: the whole file), or the ``problems`` in it; ``progress`` receives each model's state.

        To ask another ``model`` for the same code is to refuse the explanation before; to ask a ``follow_up``
        is not, and its answer is not cached. Raises ``NoModelError``,
        ``ProviderError``.
        """
        span = span or Span(Position(0, 0), document.end)
        instruction = ""
        if problems:
            span = await asyncio.to_thread(fix_region, document, span)
            instruction = explain_instruction(span, problems)
        if span.empty:
            symbol = await asyncio.to_thread(symbol_at, document, span.start)
            last = Position(span.start.line, len(document.line(span.start.line)))
            span = symbol.span if symbol else Span(Position(span.start.line, 0), last)
        if not document.slice(span).strip():
            raise DocumentError("Select some code to explain: this place has no code.")
        if follow_up is not None:
            return await self._explain(
                app, document, span, size, model, progress, instruction, follow_up
            )
        key = self._key(app, document, span, size) + (model or "") + instruction
        kept = self._kept.get(key)
        if kept is not None:
            explanation = replace(kept, span=span, latency_ms=0.0, cached=True)
        else:
            explanation = await self._explain(
                app, document, span, size, model, progress, instruction
            )
        _put(self._kept, key, kept or explanation)
        code = _digest(document.language, document.slice(span), instruction)
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
        instruction: str,
        follow_up: FollowUp | None = None,
    ) -> Explanation:
        await app.workspace.complexity.ready(document)
        decision = app.decide("explain", document, span.start, only=model)
        if not decision.models:
            raise no_model(app, "explain")
        asked = follow_up.instruction() if follow_up else ""
        question = "\n".join(filter(None, (instruction, asked)))
        members = size if model is None else 1
        result = await self._ask(app, document, span, question, decision, members, progress)
        merged = await _merged(app, decision, result)
        models = tuple(merged.models)
        suggestion = app.new_suggestion(
            "explain", merged.markdown, models, document, span, agreement=merged.agreement
        )
        app.suggestions.answered(suggestion, document, decision)
        return Explanation(
            merged.markdown,
            models,
            span,
            merged.agreement if len(result.completions) > 1 else None,
            max(c.total_ms for c in result.completions),
            suggestion.id,
        )

    async def _ask(
        self,
        app: AppContext,
        document: Document,
        span: Span,
        question: str,
        decision: Decision,
        size: int,
        progress: Callable[[FanOutProgress], None] | None,
    ) -> FanOutResult:
        """Return the answers of ``size`` models, or of the first that has one; raise if no model has one."""
        workspace = app.workspace.context
        budget = app.settings.ensemble.budget_ms
        await workspace.prepare(document)
        await workspace.guard(member.profile for member in decision.models)

        def prompt(member: Model) -> Prompt | None:
            return explain_prompt(
                document, span, question, profile=member.profile, workspace=workspace
            )

        if size > 1:
            members = app.members(decision, size)
            result = await query_all(members, prompt, budget_ms=budget, progress=progress)
        else:
            result = await app.first_answer(decision.models, prompt, budget_ms=budget)
        if not result.completions:
            denied = refused(app, document, decision.models)
            names = [member.profile.name for member in decision.models]
            raise denied or failed(app, "explain", result, names)
        return result


async def _merged(app: AppContext, decision: Decision, result: FanOutResult) -> ProseVerdict:
    """Return one text from several answers, weighted by the expected reward of their models.

    Refusals do not count beside other answers; raise if every answer is empty.
    """
    weights = app.weights(decision)
    tokens = {m.profile.name: control_tokens(m.profile) for m in decision.models}
    answers = [
        Vote(c.model, clean_prose(c.text, tokens.get(c.model, ())), weights.get(c.model, 0.5))
        for c in result.completions
    ]
    answers = [a for a in answers if a.text]
    answers = [a for a in answers if not begins_as_refusal(a.text)] or answers
    if not answers:
        raise failed(app, "explain", result, [c.model for c in result.completions])
    return await asyncio.to_thread(merge_prose, answers)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()


def _put(kept: OrderedDict[str, Explanation], key: str, explanation: Explanation) -> None:
    """Store the explanation as the newest one, and drop the oldest ones."""
    kept[key] = explanation
    kept.move_to_end(key)
    while len(kept) > MAX_EXPLANATIONS:
        kept.popitem(last=False)
