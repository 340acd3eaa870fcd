"""One immutable view: settings, the models they give, and the selector. A change makes a new one."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..consensus.fan_out import FanOutResult, query_all
from ..consensus.member_selection import select_members
from ..context.documents import Documents
from ..context.prompt_builder import WorkspaceContext
from ..errors import DocumentError, EnsembleError, NoModelError, ProviderError, SettingsError
from ..history import History, password_of
from ..models.api_keys import Key
from ..models.interface import Model
from ..models.log_redaction import RedactKeys
from ..registry.model_registry import Registry
from ..selection.choice import Choice, Selector
from ..selection.daily_budget import DailyBudget
from ..selection.decision import Decision
from ..selection.history_sync import Learning
from ..selection.request_context import RequestContext, request_context
from ..settings import (
    Raw,
    Settings,
    SettingsIssue,
    add_model_to_config,
    remove_model_from_config,
    resolve_strict,
)
from ..types import Document, Position, Prompt, Span, Suggestion, Task, Trigger
from . import builders
from .builders import SettingsLayers
from .runtime import Runtime

DEFAULT_P90_MS = 600.0
"""First-token p90 of a model that was never asked: when to ask the next one too."""


@dataclass(frozen=True)
class AppContext:
    """What one request sees from its start to its end."""

    settings: Settings
    registry: Registry
    selector: Selector
    learning: Learning
    budget: DailyBudget
    runtime: Runtime
    layers: SettingsLayers
    faults: tuple[SettingsIssue, ...] = ()
    trusted: bool = True

    # -- which model ---------------------------------------------------------------------------

    def models_for(self, task: Task) -> list[Model]:
        """The models that can do a task now, in the order of configuration."""
        return self.registry.for_task(task)

    def decide(
        self,
        task: Task,
        document: Document,
        position: Position,
        *,
        multiline: bool = True,
        trigger: Trigger = "invoked",
        instruction: str = "",
        only: str | None = None,
    ) -> Decision:
        """Which models to ask, best first, and why. ``only`` names one; raises for an unknown name."""
        situation = request_context(
            task,
            document,
            position,
            complexity=self.runtime.complexity,
            multiline=multiline,
            trigger=trigger,
            instruction=instruction,
        )
        if only is not None:
            models, _ = self.budget.sort_out([self.registry.get(only)], task)
            choice = self._choose(situation, models)
            return Decision([self.runtime.watched(models[0])], choice, situation, pinned=True)
        models, note = self.budget.sort_out(self.models_for(task), task)
        choice = self._choose(situation, models).noted(note)
        by_name = {model.profile.name: model for model in models}
        names = [ranked.model for ranked in choice.ranked if ranked.model in by_name]
        order = [self.runtime.watched(by_name[name]) for name in names]
        if order:
            self.runtime.busy(task, order[0].profile.name)
        pinned = names[:1] == [self.settings.selector.pin.get(task)]
        return Decision(order, choice, situation, pinned)

    def _choose(self, situation: RequestContext, models: Sequence[Model]) -> Choice:
        task = situation.task
        budget = self.settings.complete if task == "complete" else self.settings.ensemble
        return self.selector.choose(
            situation,
            [model.profile for model in models],
            budget_ms=float(budget.budget_ms),
            pinned=self.settings.selector.pin.get(task),
        )

    def weights(self, decision: Decision) -> dict[str, float]:
        """What is known of each model here: the expected reward, for votes."""
        return {ranked.model: ranked.expected for ranked in decision.choice.ranked}

    def members(self, decision: Decision, size: int) -> list[Model]:
        """An ensemble: good and diverse."""
        profiles = [model.profile for model in decision.models]
        limit = self.settings.ensemble.max_cost
        names = select_members(decision.choice, profiles, size, max_cost=limit)
        by_name = {model.profile.name: model for model in decision.models}
        return [by_name[name] for name in names]

    def first_token_p90(self, model: str, task: Task) -> float:
        """Milliseconds by which nine of ten first tokens of the model were there."""
        latency = self.selector.latency(model, task)
        return latency.first_p90 if latency is not None else DEFAULT_P90_MS

    async def first_answer(
        self, models: Sequence[Model], prompt: Callable[[Model], Prompt | None], *, budget_ms: float
    ) -> FanOutResult:
        """The answer of the first model that gives one; the next is asked when one fails."""
        errors: dict[str, ProviderError] = {}
        deadline = asyncio.get_running_loop().time() + budget_ms / 1e3
        for model in models:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            asked = await query_all([model], prompt, budget_ms=left * 1e3)
            if asked.completions:
                return asked
            errors.update(asked.errors)
        return FanOutResult([], errors, [])

    # -- suggestions ---------------------------------------------------------------------------

    def new_suggestion(
        self,
        task: Task,
        text: str,
        models: tuple[str, ...],
        document: Document,
        span: Span,
        **more: Any,
    ) -> Suggestion:
        """A suggestion with an id of its own."""
        return Suggestion(
            id=uuid.uuid4().hex[:16],
            task=task,
            text=text,
            models=models,
            uri=document.uri,
            version=document.version,
            span=span,
            language=document.language,
            **more,
        )

    def no_model(self, task: Task) -> NoModelError:
        """Why no model can do a task, and what to do."""
        reasons = [
            f"{entry.profile.name}: {entry.reason}"
            for entry in self.registry.entries()
            if not entry.available
        ]
        hint = (
            "set OPENAI_API_KEY or ANTHROPIC_API_KEY, start a local server such as Ollama, "
            "or run `ensemble-lsp models add smollm2`"
        )
        told = f" ({'; '.join(reasons)})" if reasons else ""
        return NoModelError(f"No model can {task}{told}: {hint}.")

    def refused(self, document: Document, models: Sequence[Model]) -> DocumentError | None:
        """Why none of the models may see a file; None where one may."""
        reasons = [self.runtime.workspace.exclusion_reason(document, m.profile) for m in models]
        return DocumentError(reasons[0]) if reasons and all(reasons) and reasons[0] else None

    def failed(self, task: Task, asked: FanOutResult, names: Sequence[str]) -> EnsembleError:
        """One error for the models of these names, none of which gave an answer that is of use."""
        errors = asked.errors
        empty = [n for n in names if n not in errors and n not in asked.cancelled]
        if not errors and empty:
            told = " and ".join(empty)
            return NoModelError(f"{told} gave no answer to {task}; say more, or ask another model.")
        if not errors:
            seconds = self.settings.ensemble.budget_ms / 1e3
            hint = "try again, or raise ensemble.budgetMs"
            return NoModelError(f"No model gave an answer to {task} within {seconds:g} s; {hint}.")
        told = " ".join(str(error) for error in errors.values())
        self.runtime.offline(told)
        if len(errors) == 1:
            return next(iter(errors.values()))
        return NoModelError(f"None of the models answered. {told}")

    # -- models and settings -------------------------------------------------------------------

    async def describe_models(self) -> list[dict[str, Any]]:
        """All models with their state and their record."""
        rows = await self.runtime.history.stats()
        described: list[dict[str, Any]] = []
        for entry in self.registry.entries():
            profile = entry.profile
            stats = {row.task: dataclasses.asdict(row) for row in rows if row.model == profile.name}
            described.append(
                {
                    "name": profile.name,
                    "provider": profile.provider,
                    "model": profile.model,
                    "tasks": list(profile.tasks),
                    "available": entry.available,
                    "reason": entry.reason,
                    "keySource": entry.key_source,
                    "origin": entry.origin,
                    "local": profile.local,
                    "stats": stats,
                }
            )
        return described

    def pinned(self, task: Task, name: str | None) -> AppContext:
        """The same session with a model pinned for a task, or (None) none."""
        if name is not None:
            self.registry.get(name)
        pin = {t: n for t, n in self.settings.selector.pin.items() if t != task}
        if name is not None:
            pin[task] = name
        selector = self.settings.selector.model_copy(update={"pin": pin})
        settings = self.settings.model_copy(update={"selector": selector})
        return dataclasses.replace(self, settings=settings)

    async def add_model(self, raw: Raw, *, save: bool) -> AppContext:
        """Return a context with one more model, and with ``save`` write it into the user's config."""
        settings = resolve_strict([("model", {"models": [dict(raw)]})])
        model = settings.models[0]
        registry = await self.registry.add(model)
        if save:
            await asyncio.to_thread(add_model_to_config, self.runtime.config_path, model)
        return dataclasses.replace(self, registry=registry)

    async def remove_model(self, name: str, *, save: bool) -> AppContext:
        """Return a context without a model, and with ``save`` remove it from the user's config."""
        registry = self.registry.remove(name)
        if save:
            await asyncio.to_thread(remove_model_from_config, self.runtime.config_path, name)
        return dataclasses.replace(self, registry=registry)

    async def reconfigured(self, editor: Raw) -> tuple[AppContext, list[SettingsIssue]]:
        """A new session for the editor's new settings; models that stay the same go on running."""
        config, faults = await builders.read_config_async(self.runtime.config_path)
        if faults:  # a file in the middle of an edit: what it said last still holds
            config = self.layers.config
        layers = dataclasses.replace(self.layers, editor=editor, config=config)
        settings, more = layers.resolve(self.trusted)
        registry = self.registry
        same = (self.settings.models, self.settings.discover)
        if (settings.models, settings.discover) != same:
            registry = await builders.registry(settings, self.runtime, previous=self.registry)
        selector, learning, budget = self.selector, self.learning, self.budget
        if settings.selector != self.settings.selector:
            selector, learning, budget = await builders.learned(settings, self.runtime, registry)
        await self.runtime.workspace.set_privacy(settings.privacy)
        self.runtime.history.configure(**builders.history_options(settings))
        new = dataclasses.replace(
            self,
            settings=settings,
            registry=registry,
            selector=selector,
            learning=learning,
            budget=budget,
            layers=layers,
        )
        new.attach()
        return new, [*faults, *more]

    def attach(self) -> None:
        """Let what the runtime sees teach this session's selector."""
        self.runtime.attach(self.learning)

    def notices(self) -> list[str]:
        """Sentences the user should see once."""
        faults = [*self.faults, *self.registry.faults]
        return [str(fault) for fault in faults] + list(self.runtime.history.notices)

    def why(self, id_: str) -> dict[str, Any]:
        """Why a suggestion came from its model; plain words first."""
        reasons = self.runtime.reasons(id_)
        if reasons is None:
            raise SettingsError("That suggestion is not remembered; ask about a newer one.")
        choice = reasons.decision.choice
        return {
            "id": id_,
            "why": reasons.why,
            "task": reasons.suggestion.task,
            "models": list(reasons.suggestion.models),
            "agreement": reasons.suggestion.agreement,
            "explored": choice.explored,
            "context": reasons.decision.context.to_json(),
            "scores": [dataclasses.asdict(ranked) for ranked in choice.ranked],
        }

    def outlook(self, task: Task, document: Document, position: Position) -> dict[str, Any]:
        """Which models would be asked at a place now, and why. Asks none, and does not count."""
        situation = request_context(task, document, position, complexity=self.runtime.complexity)
        # A choice takes its turn in what is tried next; looking must not.
        looking = dataclasses.replace(self, selector=copy.deepcopy(self.selector))
        choice = looking._choose(situation, self.models_for(task))
        return {
            "why": choice.why,
            "task": task,
            "models": list(choice.names[:1]),
            "agreement": None,
            "explored": choice.explored,
            "context": situation.to_json(),
            "scores": [dataclasses.asdict(ranked) for ranked in choice.ranked],
        }

    async def prepare(self) -> None:
        """Load, off the loop, what the models need and what guards their prompts."""
        profiles = [entry.profile for entry in self.registry.entries() if entry.available]
        await asyncio.gather(self.registry.prepare(), self.runtime.workspace.guard(profiles))

    async def close(self) -> None:
        """Give back models, processes and the history."""
        await self.registry.close()
        await self.runtime.close()


async def open_app(
    *,
    config_path: Path,
    data_dir: Path,
    documents: Documents | None = None,
    folders: Sequence[Path] = (),
    initialization: Raw | None = None,
    editor: Raw | None = None,
    env: Mapping[str, str] | None = None,
    trusted: bool = True,
    redact: RedactKeys | None = None,
) -> AppContext:
    """Build a session from the ground. Never fails for wrong settings: see ``Session.faults``.

    ``redact`` is told every key that a model is given, so that the log's handlers know them.
    """
    config, faults = await builders.read_config_async(config_path)
    layers = SettingsLayers(config, initialization or {}, editor or {})
    settings, more = layers.resolve(trusted)
    if redact is not None:
        redact.add(Key(password_of(settings.history.url or ""), "history.url"))
    history = History.open(data_dir / "history.sqlite3", **builders.history_options(settings))
    workspace = WorkspaceContext(settings.privacy)
    await workspace.set_folders(folders)
    runtime = Runtime(
        documents if documents is not None else Documents(),
        history,
        workspace,
        data_dir=data_dir,
        config_path=config_path,
        env=os.environ if env is None else env,
    )
    registry = await builders.registry(settings, runtime, previous=None, redact=redact)
    learned = await builders.learned(settings, runtime, registry)
    all_faults = (*faults, *more)
    app = AppContext(settings, registry, *learned, runtime, layers, all_faults, trusted)
    app.attach()
    return app
