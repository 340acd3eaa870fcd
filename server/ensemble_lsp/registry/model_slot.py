"""One place of the registry: a model with its settings, key and policies, or the reason it cannot be asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..errors import ConnectionFailedError, EnsembleError, Problem, ProviderError
from ..models.api_keys import Key, Keyring, find_key
from ..models.interface import Model, Profile
from ..models.log_redaction import RedactKeys
from ..models.wrappers import (
    CircuitBreaker,
    ConcurrencyLimit,
    Draining,
    Metered,
    ModelCall,
    PrivacyGate,
    Scheduler,
    Timeout,
    Unavailable,
)
from ..provider_spec import spec_of
from ..settings import ModelSettings
from ..types import Task
from .forwarding import locality
from .provider_factory import ModelFactory

Origin = Literal["config", "discovered", "session"]


@dataclass(frozen=True, slots=True)
class ModelChain:
    """A model with its policies, from the outside in; each registry wraps it in metering.

    Metering is outermost: it sees what the user sees, including the wait for a slot. ``draining``
    counts answers outside the breaker, so that the removal of a model is not a failure. The breaker
    comes before the queue: while it is open a request costs nothing and waits for nothing. The
    time limit is innermost: the wait for a slot is not the provider's fault.
    """

    draining: Draining
    breaker: CircuitBreaker
    limited: ConcurrencyLimit
    adapter: Model


@dataclass(frozen=True, slots=True)
class Slot:
    """A model of the registry with its origin, and its policies if it can be asked."""

    settings: ModelSettings
    key: Key
    origin: Origin
    why: str
    profile: Profile
    model: Model
    chain: ModelChain | None
    """None for a model that cannot be asked."""
    reason: str
    problem: Problem = "other"
    """The kind of the reason."""

    def open_for(self, task: Task) -> bool:
        """Whether it is worth asking for a task now."""
        return (
            self.chain is not None
            and task in self.profile.tasks
            and self.chain.breaker.state_for(task) != "open"
        )

    @property
    def open(self) -> bool:
        """Whether it is worth asking for any task now."""
        return any(self.open_for(task) for task in self.profile.tasks)

    @property
    def locality(self) -> str:
        """A sentence on where the model runs; empty if there is no doubt."""
        if self.settings.local is not None and self.origin != "discovered":
            return ""
        gate = self.chain.adapter if self.chain else None
        forwarding = gate.forwarding if isinstance(gate, PrivacyGate) else ""
        return locality(self.settings, self.model.profile, forwarding)


@dataclass(frozen=True, slots=True)
class WantedModel:
    """A model that the registry should have."""

    settings: ModelSettings
    origin: Origin
    why: str

    @property
    def name(self) -> str:
        """Return its unique name."""
        return self.settings.name


@dataclass(frozen=True, slots=True)
class SlotBuilder:
    """The services that models are built with."""

    env: Mapping[str, str]
    adapters: ModelFactory
    on_call: Callable[[ModelCall], None]
    scheduler: Scheduler
    keyring: Keyring
    redact: RedactKeys

    async def slot(self, wanted: WantedModel, old: Slot | None) -> Slot:
        """Return a model with its policies: the old slot's if nothing has changed. Never fails."""
        settings = wanted.settings
        # No keyring for a discovered model: the user might have to unlock it.
        keyring = None if wanted.origin == "discovered" else self.keyring
        key = await find_key(settings, self.env, keyring)
        self.redact.add(key)
        if old and old.chain and (old.settings, old.key) == (settings, key):
            chain, profile = old.chain, old.profile
        else:
            try:
                profile, chain = await self._chain(settings, key)
            except EnsembleError as error:
                return self._unavailable(wanted, key, error)
            except Exception as error:  # a broken installation must not take the others along
                fault = (
                    f"cannot be loaded ({type(error).__name__}: {error}); reinstall ensemble-lsp"
                )
                return self._unavailable(wanted, key, ConnectionFailedError(settings.name, fault))
        model = Metered(chain.draining, self.on_call)
        return Slot(settings, key, wanted.origin, wanted.why, profile, model, chain, "")

    async def _chain(self, settings: ModelSettings, key: Key) -> tuple[Profile, ModelChain]:
        def make() -> tuple[Profile, Model]:
            if obstacle := self.adapters.obstacle(settings, key):
                raise obstacle
            profile = self.adapters.profile(settings)
            return profile, self.adapters.make(settings, profile, key)

        profile, adapter = await asyncio.to_thread(make)
        if isinstance(adapter, PrivacyGate):
            await adapter.ask_server()
            profile = adapter.profile
        limited = ConcurrencyLimit(Timeout(adapter, profile.timeout), self.scheduler)
        breaker = CircuitBreaker(limited)
        return profile, ModelChain(Draining(breaker), breaker, limited, adapter)

    def _unavailable(self, wanted: WantedModel, key: Key, error: EnsembleError) -> Slot:
        settings = wanted.settings
        profile = Profile(
            settings.name,
            settings.provider,
            settings.model,
            settings.tasks,
            input_price=settings.input_price,
            output_price=settings.output_price,
            local=spec_of(settings.provider).local,
            timeout=settings.timeout,
        )
        reason = str(error)
        kind = type(error) if isinstance(error, ProviderError) else ConnectionFailedError
        model = Unavailable(profile, kind(settings.name, f"{settings.name}: {reason}"))
        return Slot(
            settings, key, wanted.origin, wanted.why, profile, model, None, reason, kind.problem
        )
