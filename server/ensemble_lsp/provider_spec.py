"""The description of a provider, and the loader that finds every provider by its entry point.

A provider is one folder with a ``SPEC``: plain data that is read everywhere a provider matters
(settings, keys, discovery, priors, fine-tuning, clients' menus). Code is named by references such as
``"package.module:function"`` and imported when a model needs it, so this module and each ``SPEC``
import neither an SDK nor pydantic.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from .types import TASKS, Task

GROUP = "ensemble_lsp.providers"
"""The entry point group; also the package of the built-in providers."""


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A program that serves models on this machine, and its usual port."""

    name: str
    port: int
    paths: tuple[str, ...] = ("/v1/models",)
    """Paths that list the models, the most detailed first."""
    context_path: str = ""
    """Path that tells the context window of a slot, if the list of models does not."""
    fim_api: str = ""
    """Value of ``api`` for a model that fills in the middle; by default the provider's usual one."""


@dataclass(frozen=True, slots=True)
class StarterModel:
    """The model that is used when only a key is found: small and fast."""

    name: str
    """The configured name; the provider's id is ``ProviderSpec.default_model``."""
    input_price: float
    output_price: float
    context_tokens: int
    """Up to this length the prices hold."""
    service: str = ""
    """The name of the service that gives the key; empty for the provider's title."""


@dataclass(frozen=True, slots=True)
class FineTuningSupport:
    """The fine-tuning that a provider offers."""

    place: Literal["none", "service", "machine"] = "none"
    """``service``: jobs of an OpenAI-compatible API. ``machine``: LoRA training on this machine."""
    methods: tuple[str, ...] = ()
    """``supervised``, ``dpo``."""
    reason: str = "its provider offers no fine-tuning"
    """The reason for ``none``, as a clause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """Everything the program knows of a provider. Only ``name``, ``title`` and ``build`` are required."""

    name: str
    """The value of ``provider`` in the settings; also the name of the entry point."""
    title: str
    build: str
    """Reference to ``build(settings, profile, context) -> Model``; see ``models.interface``."""
    rank: int = 100
    """Position in lists and in discovery, lowest first."""

    key_variable: str = ""
    """Environment variable that holds the key; empty for a provider that needs no key."""
    base_url: str = ""
    """The provider's own address. Its path (``/v1`` or none) is the path that the adapter expects."""
    base_url_variable: str = ""
    """Environment variable that moves the provider's address, as its SDK reads it."""
    hosts: tuple[str, ...] = ()
    """Hosts, with their subdomains, that may get the key of ``key_variable``."""
    endpoints: Mapping[str, str] = field(default_factory=dict[str, str])
    """The path of each API below the base address, by the value of ``api``; the usual one first."""
    api_of_host: tuple[tuple[str, str, str], ...] = ()
    """Hosts and patterns of model ids for which ``api = "auto"`` means another API: host, pattern, API."""
    path_of_host: Mapping[str, str] = field(default_factory=dict[str, str])
    """The path of the API at hosts, with their subdomains, where it differs from the one of ``base_url``."""
    web_pages: Mapping[str, str] = field(default_factory=dict[str, str])
    """Hosts, perhaps with a path, that show pages to people, and what to set instead."""
    foreign_endpoints: Mapping[str, str] = field(default_factory=dict[str, str])
    """Patterns of paths of APIs that no provider here speaks, and what to set instead."""
    default_model: str = ""
    needs_model: bool = True
    """Whether the settings must name a model."""
    tasks: tuple[Task, ...] = TASKS

    local: bool = False
    """Whether it runs inside this program: nothing leaves the machine."""
    free: bool = False
    """Whether it costs neither money nor noticeable time."""
    backend: str = ""
    """Models with the same backend share this machine's compute and one queue."""
    concurrency: int = 4
    native_fim: bool = False
    """Whether the adapter fills in the middle itself, whatever the settings' ``api``."""
    fim_apis: tuple[str, ...] = ()
    """Values of the settings' ``api`` that can fill in the middle."""
    previews_requests: bool = False
    """Whether ``build`` uses the context's ``http_client``, so ``doctor --show-prompt`` can show the request."""
    uses_documents: bool = False
    """Whether it predicts from the context's index of open documents, not from the prompt alone."""

    always_available: bool = False
    """Whether it is used without any configuration."""
    note: str = ""
    """Reason shown in the list of models, for ``always_available``."""
    starter: StarterModel | None = None
    local_servers: tuple[LocalServer, ...] = ()
    """Servers on this machine that speak its protocol."""
    installed: str = ""
    """Reference to ``installed(data_dir) -> list[ModelSettings]``: models found on the disk."""
    problem: str = ""
    """Reference to ``problem(settings, data_dir) -> str | None``: why a model cannot be used, and what to do."""

    fine_tuning: FineTuningSupport = field(default_factory=FineTuningSupport)
    measured_completions: tuple[tuple[str, float], ...] = ()
    """Patterns of model ids with the measured share of exactly right one-line completions."""

    @property
    def needs_key(self) -> bool:
        """Whether the provider's own service asks for a key."""
        return bool(self.key_variable)

    @property
    def service(self) -> str:
        """The name of the provider's own service; empty if a key is not enough to use it."""
        if self.starter is None or not self.key_variable:
            return ""
        return self.starter.service or self.title

    @property
    def trains_here(self) -> bool:
        """Whether its models are fine-tuned on this machine."""
        return self.fine_tuning.place == "machine"

    def to_json(self) -> dict[str, Any]:
        """Return the fields that clients show."""
        return {
            "name": self.name,
            "title": self.title,
            "keyEnv": self.key_variable or None,
            "defaultBaseUrl": self.base_url or None,
            "defaultModel": self.default_model or None,
            "local": self.local,
            "needsKey": self.needs_key,
            "needsModel": self.needs_model,
            "tasks": list(self.tasks),
            "fineTuning": bool(self.fine_tuning.methods),
        }


def specs() -> Mapping[str, ProviderSpec]:
    """Return every provider by name, in order of rank. The first call reads the disk."""
    return _load()[0]


def problems() -> Mapping[str, str]:
    """Return a sentence for each entry point that could not be loaded, by its name."""
    return _load()[1]


def spec_of(provider: str) -> ProviderSpec:
    """Return a provider's spec; one without features for a provider that is not installed."""
    return specs().get(provider) or ProviderSpec(name=provider, title=provider, build="")


def fallback() -> ProviderSpec:
    """Return the provider that needs no configuration and sends nothing anywhere."""
    return next(spec for spec in specs().values() if spec.always_available and spec.local)


def resolve_reference(reference: str) -> Any:
    """Import the object that ``"package.module:name"`` names."""
    return pkgutil.resolve_name(reference)


@lru_cache(maxsize=1)
def _load() -> tuple[Mapping[str, ProviderSpec], Mapping[str, str]]:
    found: dict[str, ProviderSpec] = {}
    failed: dict[str, str] = {}
    for name, load in (*_built_in(), *_declared()):
        try:
            spec = load()
        except Exception as error:  # a third-party package may raise anything when it is imported
            reason = f"{type(error).__name__}: {error}".removesuffix(": ")
            failed[name] = (
                f"the provider {name} cannot be loaded ({reason}); reinstall or remove it"
            )
            continue
        if not isinstance(spec, ProviderSpec) or spec.name != name:
            failed[name] = f"the entry point {name} is not a ProviderSpec of that name; update it"
        elif found.setdefault(name, spec) is not spec:
            failed[name] = f"a second provider is called {name}; remove its package"
    return dict(sorted(found.items(), key=lambda item: item[1].rank)), failed


def _built_in() -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the folders of ``ensemble_lsp.providers``: a source tree may have no metadata."""
    for module in pkgutil.iter_modules(importlib.import_module(GROUP).__path__):
        reference = f"{GROUP}.{module.name}:SPEC"
        yield module.name, lambda reference=reference: resolve_reference(reference)


def _declared() -> Iterator[tuple[str, Callable[[], object]]]:
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP):
        yield entry.name, entry.load
