"""A local job from its data to its file: trained in a thread, stopped by Ctrl-C, picked up again."""

from __future__ import annotations

import asyncio
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import FineTuningError
from ...providers.llamacpp import catalogue
from ..job_runner import Watcher, unchanged
from ..jobs import Job, JobStore
from ..openai_jobs import Event
from .gguf_merge import deltas, facts_of, write
from .libraries import Libraries, load
from .lora import BATCH, EPOCHS, LEARNING_RATE, Plan, Sample, Trainer

Say = Callable[[str, int, int], None]
"""A sentence, the step and the steps."""


@dataclass(frozen=True, slots=True)
class _Work:
    """What the thread is given, and by what it is stopped."""

    job: Job
    base: Path
    folder: Path
    say: Say
    stop: threading.Event


async def train(job: Job, store: JobStore, watcher: Watcher) -> Job:
    """Train a local base, or go on where it was stopped; the job as it then stands, saved.

    The checkpoint and the new GGUF file lie in the data folder. Raises ``FineTuningError``.
    """
    if job.ended:
        return job
    data_dir = store.folder.parent.parent
    base = await asyncio.to_thread(catalogue.weights_path, job.base.model, data_dir)
    if base is None:
        raise FineTuningError(f"The weights of {job.base.name} are not there; see `models list`.")
    loop, news = asyncio.get_running_loop(), asyncio.Queue[tuple[str, int, int] | None]()
    stop = threading.Event()

    def say(sentence: str, step: int, steps: int) -> None:
        loop.call_soon_threadsafe(news.put_nowait, (sentence, step, steps))

    folder = store.folder.parent / "local" / job.name
    work = _Work(job, base, folder, say, stop)
    running = asyncio.ensure_future(asyncio.to_thread(_train, work))
    running.add_done_callback(lambda _: news.put_nowait(None))
    try:
        job = await asyncio.to_thread(store.save, replace(job, state="running"))
        while (told := await news.get()) is not None:
            job = await _tell(job, store, watcher, *told)
        tuned = await running
    except asyncio.CancelledError:
        stop.set()
        await asyncio.gather(running, return_exceptions=True)
        raise
    except FineTuningError as error:
        return await asyncio.to_thread(store.save, replace(job, state="failed", message=str(error)))
    done = replace(job, state="succeeded", tuned=str(tuned), step=job.steps)
    done = await asyncio.to_thread(store.save, done)
    watcher.changed(done, ())
    return done


async def _tell(
    job: Job, store: JobStore, watcher: Watcher, sentence: str, step: int, steps: int
) -> Job:
    event = Event(str(step), time.time(), "info", sentence, step, steps)
    job = replace(job, message=sentence, step=step or job.step, steps=steps or job.steps)
    watcher.changed(job, (event,))
    return await asyncio.to_thread(store.save, job)


def _train(work: _Work) -> Path:
    job, say = work.job, work.say
    unchanged(Path(job.training.path), job.training)
    lib = load()
    # The libraries warn of each other; nothing of it is the user's business.
    warnings.simplefilter("ignore")
    facts = facts_of(lib, work.base)
    work.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    say(f"loading {work.base.name} ({facts.arch})", 0, 0)
    checkpoint = work.folder / "checkpoint.pt"
    trainer = Trainer(lib, work.base, _plan(job), checkpoint, begins=facts.begins)
    samples = trainer.samples(Path(job.training.path))
    held = trainer.samples(Path(job.validation.path)) if job.validation else samples[:20]
    if trainer.before is None:
        trainer.before = trainer.loss(held)
    # Reports are few: each is written down.
    every = max(1, trainer.steps(samples) // 50)

    def told(step: int, steps: int, loss: float) -> None:
        if step % every == 0 or step == steps:
            say(f"Step {step}/{steps}: training loss={loss:.3f}", step, steps)

    if not trainer.train(samples, told, work.stop.is_set):
        raise FineTuningError("stopped")
    return _finish(work, lib, trainer, facts.arch, held)


def _finish(work: _Work, lib: Libraries, trainer: Trainer, arch: str, held: list[Sample]) -> Path:
    after = trainer.loss(held)
    kind = "validation" if work.job.validation else "training"
    work.say(f"{kind} loss {trainer.before or 0:.3f} before, {after:.3f} after", 0, 0)
    # The base's name stays in the file's: by it the program knows window and special tokens.
    target = work.folder / f"{work.job.name}-{work.base.stem}.gguf"
    changes: dict[str, Any] = deltas(trainer.model, trainer.config, arch)
    write(lib, work.base, target, changes, work.job.name)
    (work.folder / "checkpoint.pt").unlink(missing_ok=True)
    return target


def _plan(job: Job) -> Plan:
    given = job.hyperparameters
    return Plan(
        epochs=int(given.get("n_epochs", EPOCHS)),
        batch=int(given.get("batch_size", BATCH)),
        rate=float(given.get("learning_rate", LEARNING_RATE)),
        seed=job.seed or 0,
    )
