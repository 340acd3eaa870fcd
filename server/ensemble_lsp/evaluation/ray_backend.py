"""Sample models from a Ray cluster (``--engine ray``, the extra ``[cluster]``).

Cases, prompts, the budget, each model's limit and ``results.jsonl`` stay with the comparing process, so that they
apply to the whole cluster. Workers, one a processor, send the requests and clean and score the answers. Models on
this machine (``llamacpp``, ``recall``) are asked from here.

Keys travel from memory to memory, in one call to each running worker: Ray stores a worker's constructor arguments and
environment with the cluster, and logs the latter.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..context.workspace_index import WorkspaceContext
from ..errors import EnsembleError, InvalidResponseError, NoModelError, SettingsError
from ..installation import extra_command
from ..models.api_keys import Keyring, find_key
from ..models.interface import Model
from ..models.wrappers import ModelCall
from ..registry.model_registry import Registry
from ..settings import ModelSettings, Settings
from ..types import Prompt
from .eval_answer import EvalAnswer
from .sampler import ScoringSettings, sample_answer
from .scenario import Scenario

if TYPE_CHECKING:
    from ..app import AppContext

MAX_WORKERS = 64
"""Largest number of workers."""
_MAX_CONCURRENT = 1000
"""Concurrent requests of one worker; the models' own limits are far lower."""


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """Settings and environment for a worker's models. Never log it: the environment contains keys."""

    settings: Settings
    env: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class WorkerReply:
    """A worker's reply: an answer or an error, and the calls made."""

    answer: EvalAnswer | None
    error: tuple[type[EnsembleError], str, dict[str, Any]] | None
    calls: tuple[ModelCall, ...]


class RayWorker:
    """Sends requests to models from a node of the cluster."""

    def __init__(self) -> None:
        self._registry: Registry | None = None
        self._calls: list[ModelCall] = []
        # Not the shared one, in which other users could leave facts about models.
        self._folder = tempfile.TemporaryDirectory(prefix="ensemble-lsp-")

    async def use(self, config: WorkerConfig) -> None:
        """Build the models."""
        self._registry = await Registry.build(
            config.settings,
            env=config.env,
            data_dir=Path(self._folder.name),
            document_index=None,
            on_call=self._calls.append,
            keyring=Keyring(_no_keyring),
            prompt_redactor=WorkspaceContext(config.settings.privacy),
        )

    async def answer(
        self, name: str, prompt: Prompt, scenario: Scenario, scoring: ScoringSettings
    ) -> WorkerReply:
        """Ask a model, then clean and score its answer."""
        assert self._registry is not None
        answer, failure = None, None
        try:
            answer = await sample_answer(self._registry.get(name), prompt, scenario, scoring)
        except EnsembleError as error:
            # Pickle keeps an exception's class and arguments, but not our errors' fields.
            failure = (type(error), str(error), dict(vars(error)))
        calls = [call for call in self._calls if call.model == name]
        self._calls = [call for call in self._calls if call.model != name]
        return WorkerReply(answer, failure, tuple(calls))


class RaySampler:
    """The workers, used in turn. Create it with ``open``; ``close`` ends them."""

    def __init__(self, ray: Any, workers: Sequence[Any], note: Callable[[ModelCall], None]) -> None:
        self._ray = ray
        self._workers = list(workers)
        self._turn = itertools.cycle(range(len(self._workers)))
        self._note = note
        self._ours = False

    @classmethod
    async def open(cls, app: AppContext, names: Sequence[str]) -> RaySampler:
        """Join the cluster at ``RAY_ADDRESS``, or start one on this machine, and set up its workers.

        Raises ``SettingsError`` if Ray is missing or its cluster cannot be reached.
        """
        config = await _worker_config(app, names)
        ray, ours = await asyncio.to_thread(_join)
        try:
            count = max(1, min(MAX_WORKERS, int(ray.cluster_resources().get("CPU", 1))))
            made = ray.remote(RayWorker)
            workers = [
                made.options(num_cpus=1, max_concurrency=_MAX_CONCURRENT).remote()
                for _ in range(count)
            ]
            cluster = cls(ray, workers, app.suggestions.record_call)
            cluster._ours = ours
            await asyncio.gather(*(worker.use.remote(config) for worker in workers))
        except BaseException:
            if ours:
                await asyncio.to_thread(ray.shutdown)
            raise
        return cluster

    @property
    def size(self) -> int:
        """Number of workers."""
        return len(self._workers)

    async def sample(
        self, model: Model, prompt: Prompt, scenario: Scenario, scoring: ScoringSettings
    ) -> EvalAnswer:
        """Sample from the next worker. Cancelling makes the worker close the model's stream."""
        name = model.profile.name
        worker = self._workers[next(self._turn)]
        asked = worker.answer.remote(name, prompt, scenario, scoring)
        try:
            reply: WorkerReply = await asked
        except asyncio.CancelledError:
            self._ray.cancel(asked)
            raise
        except self._ray.exceptions.RayError as error:
            # Its progress is unknown: count it as paid, and let the next run ask again.
            raise InvalidResponseError(
                name, f"The cluster lost the worker that asked {name} ({type(error).__name__})."
            ) from None
        for call in reply.calls:
            self._note(call)
        if reply.answer is None:
            raise _error(reply)
        return reply.answer

    async def close(self) -> None:
        """End the workers, and the cluster if this process started it."""
        for worker in self._workers:
            self._ray.kill(worker)
        if self._ours:
            await asyncio.to_thread(self._ray.shutdown)


async def _worker_config(app: AppContext, names: Sequence[str]) -> WorkerConfig:
    """Return the models' settings, with each key in a variable, so that no worker looks up keys itself."""
    env: dict[str, str] = {}
    models: list[ModelSettings] = []
    for entry in app.registry.entries():
        if entry.profile.name not in names or entry.profile.local:
            continue
        settings, variable = entry.settings, f"ENSEMBLE_CLUSTER_{len(models)}"
        key = await find_key(settings, app.env, Keyring())
        if key:
            env[variable] = key.reveal()
        models.append(settings.model_copy(update={"api_key_env": variable}))
    if not models:
        raise NoModelError(
            "All of these models run on this machine, so a cluster has nothing to do; omit --engine ray."
        )
    settings = Settings(models=tuple(models), discover=False, privacy=app.settings.privacy)
    return WorkerConfig(settings, env)


def _join() -> tuple[Any, bool]:
    """Connect to Ray; return it and whether this process started the cluster. Slow."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    try:
        import ray
    except ImportError:
        raise SettingsError(
            f"--engine ray needs Ray: run `{extra_command('cluster')}`, or omit the option."
        ) from None
    address = os.environ.get("RAY_ADDRESS")
    common: dict[str, Any] = {"logging_level": "error", "log_to_driver": False}
    try:
        if address:
            ray.init(address=address, **common)
        else:
            ray.init(address="local", include_dashboard=False, **common)
    except Exception as error:  # Ray raises errors of many kinds here
        where = f"at RAY_ADDRESS={address}" if address else "on this machine"
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise SettingsError(
            f"Cannot join a Ray cluster {where}: {lines[0].rstrip('.')}; check RAY_ADDRESS, or omit --engine ray."
        ) from error
    return ray, not address


def _error(reply: WorkerReply) -> EnsembleError:
    assert reply.error is not None
    kind, message, fields = reply.error
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    vars(error).update(fields)
    return error


def _no_keyring() -> Any:
    raise OSError("workers do not use a keyring")
