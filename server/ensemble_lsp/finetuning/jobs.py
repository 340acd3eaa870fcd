"""Jobs as this program remembers them: one file each in the data folder, so that a restart goes on.

A file is replaced in one step, only the user can read it, and it holds no key.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..errors import FineTuningError
from ..provider_spec import spec_of
from ..settings import ModelSettings
from .prepare import private
from .training_example import Method

ENDED = ("succeeded", "failed", "cancelled")
BEGINNINGS = ("new", "uploaded")
"""States of our own, before the provider has made a job."""

HyperParameters = dict[str, float | int | str]


@dataclass(frozen=True, slots=True)
class Upload:
    """A training or validation file: where it lies here, and what the provider calls it."""

    path: str
    sha256: str
    examples: int = 0
    file_id: str = ""
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One fine-tuning job, from the wish to its model."""

    name: str
    """Ours, unique; also what the job is found by at the provider."""
    created: float
    """Unix seconds."""
    base: ModelSettings
    """The model that is to be tuned, as it was configured."""
    model: str
    """The provider's id of what is tuned."""
    method: Method
    training: Upload
    validation: Upload | None = None
    suffix: str = ""
    seed: int | None = None
    hyperparameters: HyperParameters = field(default_factory=HyperParameters)
    estimate: float | None = None
    """US dollars."""
    state: str = "new"
    """``new``, ``uploaded``, then the provider's own: ``validating_files``, ``queued``, ``running``,
    ``succeeded``, ``failed``, ``cancelled``."""
    tried: bool = False
    """Whether an upload or the creation may have arrived although no answer came."""
    job_id: str = ""
    last_event: str = ""
    message: str = ""
    """The latest event's, or the reason of a failure."""
    step: int = 0
    steps: int = 0
    trained_tokens: int | None = None
    tuned: str = ""
    """The provider's id of the tuned model; of a local one its file."""
    joined: str = ""
    """The name under which it is one of the models."""
    retired: bool = False
    updated: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether nothing more will come from the provider."""
        return self.state in ENDED

    @property
    def local(self) -> bool:
        """Whether it trains on this machine."""
        return spec_of(self.base.provider).trains_here

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, with the base as in the settings."""
        table = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        for name in ("training", "validation"):
            table[name] = dataclasses.asdict(table[name]) if table[name] else None
        table["base"] = self.base.model_dump(mode="json", by_alias=True, exclude_none=True)
        return table


class JobStore:
    """The jobs of one user. Everything here touches the disk: call it in a thread."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "finetuning" / "jobs"
        self.notices: list[str] = []
        """Sentences on files that cannot be read."""

    def add(self, job: Job) -> Job:
        """Write a new job under a name that is free: its own, else with a number."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise FineTuningError(f"{self.folder} cannot be made ({error.strerror}).") from error
        wanted = re.sub(r"[^\w.-]+", "-", job.name).strip("-.") or "job"
        for number in range(1, 10_000):
            name = wanted if number == 1 else f"{wanted}-{number}"
            try:
                os.close(os.open(self._path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                continue
            except OSError as error:
                raise FineTuningError(
                    f"{self.folder} cannot be written ({error.strerror})."
                ) from error
            return self.save(dataclasses.replace(job, name=name))
        raise FineTuningError(f"There are too many jobs called {wanted}; choose another --name.")

    def save(self, job: Job) -> Job:
        """Replace what is known of a job."""
        job = dataclasses.replace(job, updated=time.time())
        try:
            private(self._path(job.name), json.dumps(job.to_json(), indent=2, ensure_ascii=False))
        except OSError as error:
            raise FineTuningError(
                f"{self._path(job.name)} cannot be written ({error.strerror})."
            ) from error
        return job

    def all(self) -> list[Job]:
        """The jobs, oldest first; a file that cannot be read is named in ``notices``."""
        found: list[Job] = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                found.append(_ADAPTER.validate_json(path.read_bytes()))
            except (OSError, ValidationError):
                self.notices.append(f"{path} is damaged and left out; remove it.")
        return sorted(found, key=lambda job: job.created)

    def get(self, name: str | None) -> Job:
        """A job by name (without one, the latest that has not ended, else the latest)."""
        jobs = self.all()
        if not jobs:
            raise FineTuningError(
                "There are no fine-tuning jobs; begin with `ensemble-lsp finetune`."
            )
        if name is None:
            return next((job for job in reversed(jobs) if not job.ended), jobs[-1])
        for job in jobs:
            if name in (job.name, job.job_id, job.joined):
                return job
        known = ", ".join(job.name for job in jobs)
        raise FineTuningError(f"No fine-tuning job is called {name!r}; there are {known}.")

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


_ADAPTER = TypeAdapter(Job)
