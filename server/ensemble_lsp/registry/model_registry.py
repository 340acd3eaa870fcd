"""All models of a session: configured, discovered, or added while it runs."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ..errors import (
    EnsembleError,
    Problem,
    SettingsError,
    UnknownModelError,
)
from ..models.api_keys import Keyring
from ..models.edit_formats import is_raw_text
from ..models.interface import Connectable, Model, Notify, Preparable, Profile, PromptRedactor
from ..models.log_redaction import RedactKeys
from ..models.stream_collector import gather
from ..models.wrappers import (
    Draining,
    ModelCall,
    Scheduler,
)
from ..provider_spec import problems as provider_problems
from ..settings import ModelSettings, Settings, SettingsIssue
from ..types import Prompt, RenderedPrompt, Task
from .discovery import DiscoveredModel, discover
from .model_slot import Origin, Slot, SlotBuilder, WantedModel
from .provider_factory import ModelFactory, ProviderFactory

Discover = Callable[[Mapping[str, str], Path], Awaitable[list[DiscoveredModel]]]

_PATIENCE = 5.0
"""Seconds beyond its own timeout that a removed model has for its running answers."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A model as lists show it."""

    profile: Profile
    available: bool
    reason: str
    """The reason it is not available, and what to do; else empty."""
    key_source: str
    """The key's origin; ``none`` without a key."""
    origin: Origin
    why: str
    """The reason it is in the list."""
    settings: ModelSettings
    locality: str = ""
    """A sentence on where a server's model runs; empty if there is no doubt."""
    problem: Problem = "other"
    """The kind of the reason."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """Whether a model answers."""

    name: str
    ok: bool
    message: str
    """``answers``, or what is wrong and what to do."""
    first_token_ms: float = 0.0
    total_ms: float = 0.0
    problem: Problem = "other"
    """The kind of the failure."""


class Registry:
    """The models by name: an immutable set, so that a request sees the same one from start to end.

    ``build``, ``add`` and ``remove`` return the next registry, which takes over the models that run.
    """

    def __init__(
        self,
        parts: SlotBuilder,
        slots: Mapping[str, Slot],
        removed: Mapping[str, ModelSettings],
        faults: tuple[SettingsIssue, ...],
    ) -> None:
        self._parts = parts
        self._slots = MappingProxyType(dict(slots))
        self._removed = MappingProxyType(dict(removed))
        self.faults = faults
        """Settings that name a model that does not exist."""
        self._retiring: dict[asyncio.Task[None], Draining] = {}
        self._superseded = False

    @classmethod
    async def build(
        cls,
        settings: Settings,
        *,
        env: Mapping[str, str],
        data_dir: Path,
        document_index: object,
        on_call: Callable[[ModelCall], None],
        scheduler: Scheduler | None = None,
        previous: Registry | None = None,
        adapters: ModelFactory | None = None,
        keyring: Keyring | None = None,
        redact: RedactKeys | None = None,
        prompt_redactor: PromptRedactor | None = None,
        discover: Discover = discover,
        on_notice: Notify | None = None,
    ) -> Registry:
        """Build the configured models, or without any the discovered ones.

        Unchanged models of ``previous``, which must not be closed then, keep their connections,
        processes and breakers; the others are closed when their answers have ended. Models that the
        user added or removed at run time stay added or removed. A model that cannot be built is
        listed with the reason; it never makes the build fail. ``prompt_redactor`` redacts the prompts
        of remote models; without it they get no secret at all.
        """
        before = previous._parts if previous else None
        parts = SlotBuilder(
            env=env,
            adapters=adapters
            or ProviderFactory(data_dir, document_index, prompt_redactor, on_notice),
            on_call=on_call,
            scheduler=scheduler or (before.scheduler if before else Scheduler()),
            keyring=keyring or Keyring(),
            redact=redact or (before.redact if before else RedactKeys()),
        )
        removed = previous._removed if previous else {}
        wanted = await _wanted(settings, env, data_dir, discover)
        if previous:
            wanted += [w for w in previous._by_hand() if w.name not in {o.name for o in wanted}]
        wanted = [w for w in wanted if removed.get(w.name) != w.settings]
        same_parts = before is not None and before.adapters == parts.adapters
        old = previous._slots if previous and same_parts else {}
        made = await asyncio.gather(*(parts.slot(w, old.get(w.name)) for w in wanted))
        slots = {slot.profile.name: slot for slot in made}
        faults = (*_wrong_pins(settings, slots), *_broken_providers())
        registry = cls(parts, slots, removed, faults)
        if previous:
            registry._take_over(previous)
        return registry

    def entries(self) -> list[Entry]:
        """All models, in order of configuration."""
        return [
            Entry(
                profile=slot.model.profile,
                available=slot.open,
                reason=slot.reason or (slot.chain.breaker.reason if slot.chain else ""),
                key_source=slot.key.source,
                origin=slot.origin,
                why=slot.why,
                settings=slot.settings,
                locality=slot.locality,
                problem=slot.chain.breaker.problem if slot.chain else slot.problem,
            )
            for slot in self._slots.values()
        ]

    def ids(self) -> dict[str, str]:
        """Return provider and model id for each configured name."""
        profiles = (slot.profile for slot in self._slots.values())
        return {p.name: f"{p.provider}/{p.model}" for p in profiles}

    def get(self, name: str) -> Model:
        """Return a model by name, even if it cannot be asked now; raises ``UnknownModelError``."""
        return self._slot(name).model

    def for_task(self, task: Task) -> list[Model]:
        """Return the models that can do a task now, in order of configuration."""
        return [slot.model for slot in self._slots.values() if slot.open_for(task)]

    def paused(self, task: Task) -> dict[str, str]:
        """Return the models that could do a task but are paused after a failure, each with the reason."""
        return {
            name: slot.chain.breaker.reason
            for name, slot in self._slots.items()
            if slot.chain and task in slot.profile.tasks and not slot.open_for(task)
        }

    async def prepare(self) -> None:
        """Let the models load what they need (their SDKs) now, so that no request waits for it."""
        chains = [slot.chain for slot in self._slots.values() if slot.chain]
        ready = [c.adapter.prepare() for c in chains if isinstance(c.adapter, Preparable)]
        await asyncio.gather(*ready, return_exceptions=True)

    def expect_request(self, names: Iterable[str], task: Task) -> None:
        """Let the user's own models, not the discovered ones, have a connection open."""
        for name in names:
            slot = self._slots.get(name)
            if slot is None or slot.chain is None or slot.origin == "discovered":
                continue
            if slot.open_for(task) and isinstance(slot.chain.adapter, Connectable):
                slot.chain.adapter.expect_request()

    async def add(self, settings: ModelSettings) -> Registry:
        """Return a registry with one more model; raises ``SettingsError`` if the name is taken."""
        if settings.name in self._slots:
            raise SettingsError(f"There is a model {settings.name!r} already; choose another name.")
        wanted = WantedModel(settings, "session", "added in this session")
        slot = await self._parts.slot(wanted, None)
        removed = {name: old for name, old in self._removed.items() if name != settings.name}
        return self._next({**self._slots, settings.name: slot}, removed)

    def remove(self, name: str) -> Registry:
        """Return a registry without a model; raises ``UnknownModelError``.

        Answers that the model is giving may end.
        """
        removed = {**self._removed, name: self._slot(name).settings}
        return self._next({n: slot for n, slot in self._slots.items() if n != name}, removed)

    async def test(self, name: str) -> TestResult:
        """Ask one tiny question, past an open breaker; raises ``UnknownModelError``."""
        slot = self._slot(name)
        if slot.chain is None:
            return TestResult(name, False, slot.reason, problem=slot.problem)
        try:
            answer = await gather(slot.chain.limited, _question(slot.profile))
        except EnsembleError as error:
            return TestResult(name, False, str(error), problem=error.problem)
        slot.chain.breaker.reset()
        return TestResult(name, True, "answers", answer.first_token_ms, answer.total_ms)

    async def close(self) -> None:
        """Close all models at once, including removed ones that wait for their last answers."""
        if self._superseded:
            return
        retiring, self._retiring = self._retiring, {}
        for task in retiring:
            task.cancel()
        chains = [slot.chain.draining for slot in self._slots.values() if slot.chain]
        await asyncio.gather(
            *(model.close() for model in (*chains, *retiring.values())), return_exceptions=True
        )

    def _slot(self, name: str) -> Slot:
        slot = self._slots.get(name)
        if slot is None:
            raise UnknownModelError(_unknown(name, self._slots))
        return slot

    def _next(self, slots: Mapping[str, Slot], removed: Mapping[str, ModelSettings]) -> Registry:
        registry = Registry(self._parts, slots, removed, self.faults)
        registry._take_over(self)
        return registry

    def _by_hand(self) -> list[WantedModel]:
        """The models that were added to this registry while it ran."""
        return [
            WantedModel(slot.settings, slot.origin, slot.why)
            for slot in self._slots.values()
            if slot.origin == "session"
        ]

    def _take_over(self, previous: Registry) -> None:
        previous._superseded = True
        for task, draining in previous._retiring.items():
            self._retiring[task] = draining
            task.add_done_callback(self._forget_draining)
        kept = {id(slot.chain) for slot in self._slots.values() if slot.chain}
        self._let_go(slot for slot in previous._slots.values() if id(slot.chain) not in kept)

    def _let_go(self, slots: Iterable[Slot]) -> None:
        """Close models in the background when their answers have ended."""
        for slot in slots:
            if slot.chain is None:
                continue
            draining = slot.chain.draining
            task = asyncio.ensure_future(_retire(draining, slot.profile.timeout + _PATIENCE))
            self._retiring[task] = draining
            task.add_done_callback(self._forget_draining)

    def _forget_draining(self, task: asyncio.Task[None]) -> None:
        self._retiring.pop(task, None)


def _wrong_pins(settings: Settings, names: Mapping[str, Slot]) -> tuple[SettingsIssue, ...]:
    return tuple(
        SettingsIssue("settings", f"selector.pin.{task}", _unknown(name, names))
        for task, name in settings.selector.pin.items()
        if name not in names
    )


async def _wanted(
    settings: Settings, env: Mapping[str, str], data_dir: Path, discover: Discover
) -> list[WantedModel]:
    if settings.models or not settings.discover:
        return [WantedModel(model, "config", "configured") for model in settings.models]
    return [WantedModel(f.settings, "discovered", f.why) for f in await discover(env, data_dir)]


async def _retire(draining: Draining, patience: float) -> None:
    with suppress(Exception):  # it is removed even if closing it fails
        await draining.retire(patience)


def _broken_providers() -> Iterator[SettingsIssue]:
    for name, problem in provider_problems().items():
        yield SettingsIssue("providers", name, problem)


def _unknown(name: str, known: Iterable[str]) -> str:
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" did you mean {near[0]!r}?" if near else ""
    others = f"the models are {', '.join(known)}" if known else "there are no models"
    return f"no model is called {name!r};{hint} {others}"


def _question(profile: Profile) -> Prompt:
    """Return about the smallest prompt that the model can answer."""
    task: Task = "complete" if "complete" in profile.tasks else profile.tasks[0]
    head, body = "def add(a, b):\n", "    return a + b\n"
    rendered = None
    if task == "edit":
        raw = is_raw_text(profile.edit_format)
        rendered = RenderedPrompt(text=head) if raw else RenderedPrompt(user="Say yes.")
    return Prompt(
        task=task,
        language="python",
        path="example.py",
        prefix=head + "    return " if task == "complete" else "",
        selection=head + body if task == "explain" else "",
        instruction="Write a function that adds two numbers." if task == "generate" else "",
        multiline=False,
        max_tokens=16,
        rendered=rendered,
    )
