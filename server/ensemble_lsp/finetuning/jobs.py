"""Stored fine-tuning jobs: one file each in the data folder, so that a job survives a restart.

A file is replaced atomically, only the user can read it, and it holds no key.
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
from ..settings.regular_files import read_regular, replace_file
from .training_example import Method

FINAL_STATES = ("succeeded", "failed", "cancelled")

_CHECK = "check its permissions and the disk"

HyperParameters = dict[str, float | int | str]


@dataclass(frozen=True, slots=True)
class Upload:
    """A training or validation file: its local path and the provider's id."""

    path: str
    sha256: str
    examples: int = 0
    file_id: str = ""
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class TuningJob:
    """One fine-tuning job, from the request to its model."""

    name: str
    """Our unique name, also stored with the job at the provider."""
    created: float
    """Unix seconds."""
    base: ModelSettings
    """The configured model to tune."""
    model: str
    """The provider's id of the model to tune."""
    method: Method
    training: Upload
    validation: Upload | None = None
    suffix: str = ""
    seed: int | None = None
    hyperparameters: HyperParameters = field(default_factory=HyperParameters)
    estimate: float | None = None
    """Estimated price in US dollars."""
    state: str = "new"
    """``new``, ``uploaded``, then the provider's own: ``validating_files``, ``queued``, ``running``,
    ``succeeded``, ``failed``, ``cancelled``."""
    tried: bool = False
    """Whether an upload or the creation may have succeeded although the answer was lost."""
    job_id: str = ""
    last_event: str = ""
    message: str = ""
    """Message of the latest event, or the reason for a failure."""
    step: int = 0
    steps: int = 0
    trained_tokens: int | None = None
    tuned: str = ""
    """The provider's id of the tuned model, or the file of a local one."""
    joined: str = ""
    """Name of the tuned model in the config."""
    retired: bool = False
    updated: float = 0.0

    @property
    def ended(self) -> bool:
        """Return whether the job is in a final state."""
        return self.state in FINAL_STATES

    @property
    def local(self) -> bool:
        """Return whether the job trains on this machine."""
        return spec_of(self.base.provider).trains_here

    @property
    def uploads(self) -> list[Upload]:
        """Return the uploaded files that are still with the provider."""
        files = [upload for upload in (self.training, self.validation) if upload is not None]
        return [upload for upload in files if upload.file_id and not upload.deleted]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON, with the base as in the settings."""
        table = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        for name in ("training", "validation"):
            table[name] = dataclasses.asdict(table[name]) if table[name] else None
        table["base"] = self.base.model_dump(mode="json", by_alias=True, exclude_none=True)
        return table


class JobStore:
    """The jobs of one user. All methods use the disk: call them in a thread."""

    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "finetuning" / "jobs"
        self.notices: list[str] = []
        """Notices about files that cannot be read."""

    def add(self, job: TuningJob) -> TuningJob:
        """Save a new job, with a number after its name if that is taken."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise FineTuningError(
                f"{self.folder} cannot be created ({error.strerror}); {_CHECK}."
            ) from error
        base_name = re.sub(r"[^\w.-]+", "-", job.name).strip("-.") or "job"
        for number in range(1, 10_000):
            name = base_name if number == 1 else f"{base_name}-{number}"
            try:
                os.close(os.open(self._path(name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                continue
            except OSError as error:
                raise FineTuningError(
                    f"{self.folder} cannot be written ({error.strerror}); {_CHECK}."
                ) from error
            return self.save(dataclasses.replace(job, name=name))
        raise FineTuningError(f"Too many jobs are called {base_name}; choose another --name.")

    def save(self, job: TuningJob) -> TuningJob:
        """Save a job, replacing its earlier state."""
        job = dataclasses.replace(job, updated=time.time())
        try:
            replace_file(
                self._path(job.name), json.dumps(job.to_json(), indent=2, ensure_ascii=False)
            )
        except OSError as error:
            raise FineTuningError(
                f"{self._path(job.name)} cannot be written ({error.strerror}); {_CHECK}."
            ) from error
        return job

    def all(self) -> list[TuningJob]:
        """Return the jobs, oldest first; files that cannot be read are listed in ``notices``."""
        found: list[TuningJob] = []
        try:
            paths = sorted(self.folder.glob("*.json"))
        except OSError as error:
            self.notices.append(f"{self.folder} cannot be read ({error.strerror}); {_CHECK}.")
            return []
        for path in paths:
            try:
                found.append(_ADAPTER.validate_json(read_regular(path)))
            except (OSError, ValidationError):
                self.notices.append(f"{path} is damaged and was skipped; delete it.")
        return sorted(found, key=lambda job: job.created)

    def get(self, name: str | None) -> TuningJob:
        """Return a job by name; without a name the latest active one, else the latest."""
        jobs = self.all()
        if not jobs:
            raise FineTuningError(
                "There are no fine-tuning jobs; begin with `ensemble-lsp finetune prepare`."
            )
        if name is None:
            return next((job for job in reversed(jobs) if not job.ended), jobs[-1])
        for job in jobs:
            if name in (job.name, job.job_id, job.joined):
                return job
        known = ", ".join(job.name for job in jobs)
        raise FineTuningError(f"No fine-tuning job is called {name!r}; choose from {known}.")

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


_ADAPTER = TypeAdapter(TuningJob)
