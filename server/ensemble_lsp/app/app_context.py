"""The immutable ``AppContext`` that a request works with from its start to its end."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..consensus.fan_out import FanOutResult, query_all
from ..consensus.member_selection import select_members
from ..errors import ProviderError
from ..history import History
from ..languages import is_listed
from ..models.interface import Model
from ..registry.model_registry import Registry
from ..selection.choice import Choice, Selector
from ..selection.daily_budget import DailyBudget
from ..selection.decision import Decision
from ..selection.history_sync import HistorySync
from ..selection.request_context import RequestContext, request_context
from ..settings import Raw, Settings, SettingsIssue, resolve
from ..types import Document, Position, Prompt, Span, Suggestion, Task, Trigger
from ..workspace_trust import split_trust
from .activity import Activity
from .suggestion_log import SuggestionLog
from .workspace import Workspace

DEFAULT_P90_MS = 600.0
"""First-token p90 of a model that was never asked: when to ask the next one too."""
_LIKELY = 2
"""Number of models that keep a connection open: the first choice, and the one that hedges it."""


@dataclass(frozen=True, slots=True)
class SettingsLayers:
    """The raw settings of each source, lowest first."""

    config: Raw
    initialization: Raw
    editor: Raw

    def resolve(self, trusted: bool) -> tuple[Settings, list[SettingsIssue]]:
        """Return the resulting settings and the faults in them.

        The editor's settings may deny trust too; they cannot grant it.
        """
        editor, denied = split_trust(self.editor)
        layers = [
            ("config", self.config),
            ("initializationOptions", self.initialization),
            ("settings", editor),
        ]
        untrusted = () if trusted and not denied else ("initializationOptions", "settings")
        return resolve(layers, untrusted=untrusted)


@dataclass(frozen=True, slots=True)
class AppContext:
    """Settings, and everything built from them. Frozen: every change makes a new one.

    The server swaps it in one place (``lsp.server.Host``). ``workspace``, ``suggestions`` and
    ``activity`` are the same objects in every context of a server.
    """

    settings: Settings
    registry: Registry
    selector: Selector
    learning: HistorySync
    budget: DailyBudget
    workspace: Workspace
    suggestions: SuggestionLog
    activity: Activity
    layers: SettingsLayers
    config_path: Path
    data_dir: Path
    env: Mapping[str, str]
    issues: tuple[SettingsIssue, ...] = ()
    """Faults of the settings, when they were last read."""
    config_stamp: tuple[int, ...] | None = None
    """The stamp of the config file when it was read; another one means that the file has changed."""
    trusted: bool = True
    """Whether the user trusts the workspace."""
    pins: Mapping[Task, str | None] = field(default_factory=lambda: MappingProxyType({}))
    """Models pinned by command, or None to lift the settings' pin; other settings do not touch them."""

    @property
    def history(self) -> History:
        """The history of suggestions and calls."""
        return self.suggestions.history

    # -- which model ---------------------------------------------------------------------------

    def models_for(self, task: Task) -> list[Model]:
        """Return the models that can do a task now, in the order of configuration."""
        return self.registry.for_task(task)

    def pin(self, task: Task) -> str | None:
        """Return the model that is pinned for a task, by command or in the settings."""
        return self.pins[task] if task in self.pins else self.settings.selector.pin.get(task)

    def with_pin(self, task: Task, name: str | None) -> AppContext:
        """Return a context with a model pinned for a task, or (None) without a pin."""
        if name is not None:
            self.registry.get(name)
        return dataclasses.replace(self, pins=MappingProxyType({**self.pins, task: name}))

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
        """Rank the models to ask, and say why. ``only`` names one; raises for an unknown name."""
        context = request_context(
            task,
            document,
            position,
            complexity=self.workspace.complexity,
            multiline=multiline,
            trigger=trigger,
            instruction=instruction,
        )
        if only is not None:
            models, _ = self.budget.affordable([self.registry.get(only)], task)
            choice = self._choose(context, models)
            return Decision([self.activity.watched(models[0])], choice, context, pinned=True)
        models, note = self.budget.affordable(self.models_for(task), task)
        choice = self._choose(context, models).noted(note)
        by_name = {model.profile.name: model for model in models}
        names = [ranked.model for ranked in choice.ranked if ranked.model in by_name]
        order = [self.activity.watched(by_name[name]) for name in names]
        if order:
            self.activity.busy(task, order[0].profile.name)
            self.activity.asked[task] = names
        return Decision(order, choice, context, pinned=names[:1] == [self.pin(task)])

    def completes(self, document: Document) -> bool:
        """Return whether automatic completions are on for a document."""
        settings = self.settings.complete
        off = not settings.enabled or is_listed(document.language, settings.disabled_languages)
        return not off and not self.activity.snooze.active

    def likely_models(self, task: Task) -> list[str]:
        """Return the paid models that a request will probably ask, by the latest choice."""
        paid = [m.profile.name for m in self.models_for(task) if not m.profile.free]
        if (pinned := self.pin(task)) is not None:
            return [name for name in paid if name == pinned]
        order = [name for name in self.activity.asked.get(task, ()) if name in paid] or paid
        return order[: max(_LIKELY, self.settings.complete.ensemble)]

    def _choose(self, context: RequestContext, models: Sequence[Model]) -> Choice:
        task = context.task
        return self.selector.choose(
            context,
            [model.profile for model in models],
            budget_ms=float(self.budget_ms(task)),
            pinned=self.pin(task),
        )

    def budget_ms(self, task: Task) -> int:
        """Return the milliseconds that a task's answer may take."""
        settings = self.settings
        tables = {"complete": settings.complete, "edit": settings.next_edit}
        return tables.get(task, settings.ensemble).budget_ms

    def outlook(
        self, task: Task, document: Document, position: Position, *, pinned: bool = True
    ) -> dict[str, Any]:
        """Return which models would be asked at a place now, and why. Asks no model.

        ``pinned=False``: as if no model were pinned.
        """
        context = request_context(task, document, position, complexity=self.workspace.complexity)
        # A choice advances the selector's exploration; an outlook must not.
        copied = dataclasses.replace(
            self if pinned else self.with_pin(task, None), selector=copy.deepcopy(self.selector)
        )
        choice = copied._choose(context, self.models_for(task))
        return {
            "why": choice.why,
            "task": task,
            "models": list(choice.names[:1]),
            "agreement": None,
            "explored": choice.explored,
            "context": context.to_json(),
            "scores": [dataclasses.asdict(ranked) for ranked in choice.ranked],
        }

    def weights(self, decision: Decision) -> dict[str, float]:
        """Return each model's expected reward, for votes."""
        return {ranked.model: ranked.expected for ranked in decision.choice.ranked}

    def members(self, decision: Decision, size: int) -> list[Model]:
        """Return an ensemble: good and diverse models."""
        profiles = [model.profile for model in decision.models]
        limit = self.settings.ensemble.max_cost
        names = select_members(decision.choice, profiles, size, max_cost=limit)
        by_name = {model.profile.name: model for model in decision.models}
        return [by_name[name] for name in names]

    def first_token_p90(self, model: str, task: Task) -> float:
        """Return the 90th percentile of a model's time to the first token, in milliseconds."""
        latency = self.selector.latency(model, task)
        return latency.first_p90 if latency is not None else DEFAULT_P90_MS

    async def first_answer(
        self, models: Sequence[Model], prompt: Callable[[Model], Prompt | None], *, budget_ms: float
    ) -> FanOutResult:
        """Ask the models one after another until one answers."""
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

    def new_suggestion(
        self,
        task: Task,
        text: str,
        models: tuple[str, ...],
        document: Document,
        span: Span,
        **fields: Any,
    ) -> Suggestion:
        """Return a suggestion with a new id."""
        return Suggestion(
            id=uuid.uuid4().hex[:16],
            task=task,
            text=text,
            models=models,
            uri=document.uri,
            version=document.version,
            span=span,
            language=document.language,
            **fields,
        )

    # -- start and end -------------------------------------------------------------------------

    def notices(self) -> list[str]:
        """Return the sentences that the user should see once."""
        return [str(issue) for issue in self.faults()] + list(self.history.notices)

    def faults(self) -> list[SettingsIssue]:
        """Return the faults of the settings at the start, those of the models included."""
        return [*self.issues, *self.registry.faults]

    async def prepare(self) -> None:
        """Load, off the loop, what the models need and what guards their prompts."""
        profiles = [entry.profile for entry in self.registry.entries() if entry.available]
        guarded = self.workspace.context.guard(profiles)
        await asyncio.gather(self.registry.prepare(), guarded)

    async def close(self) -> None:
        """Close models, indexes and the history."""
        await self.registry.close()
        await self.workspace.close()
        await self.suggestions.close()
