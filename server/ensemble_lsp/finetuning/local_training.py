"""Runs a local job in a thread, from its data to its GGUF file; Ctrl-C stops it, and it can resume."""

from __future__ import annotations

import asyncio
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import FineTuningError
from ..providers.llamacpp import catalogue
from .job_runner import JobObserver, check_unchanged
from .jobs import JobStore, TuningJob
from .local.gguf_merge import read_facts, weight_deltas, write_merged
from .local.libraries import Libraries, load_libraries
from .local.lora import BATCH, EPOCHS, LEARNING_RATE, LoraPlan, LoraTrainer, TokenizedExample
from .openai_jobs import JobEvent

ReportProgress = Callable[[str, int, int], None]
"""Arguments: a message, the step and the number of steps."""

_STOP_SECONDS = 5.0
"""After Ctrl-C: for the step that is being computed and its checkpoint. A longer step is lost."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Inputs of the training thread, and the event that stops it."""

    job: TuningJob
    base: Path
    folder: Path
    report: ReportProgress
    stop: threading.Event
    trains: threading.Event
    """Set once there are steps that a checkpoint can keep."""

    def check(self) -> None:
        """Raise ``FineTuningError`` if the thread must stop."""
        if self.stop.is_set():
            raise FineTuningError("stopped")


async def train(job: TuningJob, store: JobStore, observer: JobObserver) -> TuningJob:
    """Train a local base, or resume it; return the updated job, already saved.

    The checkpoint and the new GGUF file are in the data folder. Raises ``FineTuningError``.
    """
    if job.ended:
        return job
    data_dir = store.folder.parent.parent
    base = await asyncio.to_thread(catalogue.weights_path, job.base.model, data_dir)
    if base is None:
        raise FineTuningError(
            f"The weights of {job.base.name} are missing; run `ensemble-lsp models list`."
        )
    loop, news = asyncio.get_running_loop(), asyncio.Queue[tuple[str, int, int] | None]()

    def say(sentence: str, step: int, steps: int) -> None:
        loop.call_soon_threadsafe(news.put_nowait, (sentence, step, steps))

    folder = store.folder.parent / "local" / job.name
    work = _Run(job, base, folder, say, threading.Event(), threading.Event())
    running = asyncio.ensure_future(asyncio.to_thread(_train, work))
    running.add_done_callback(lambda _: news.put_nowait(None))
    try:
        job = await asyncio.to_thread(store.save, replace(job, state="running"))
        while (message := await news.get()) is not None:
            job = await _notify(job, store, observer, *message)
        tuned = await running
    except asyncio.CancelledError:
        work.stop.set()
        try:
            await asyncio.wait({running}, timeout=_STOP_SECONDS if work.trains.is_set() else 0)
        finally:
            if not running.done():
                _remove_partial(folder)
        raise
    except FineTuningError as error:
        return await asyncio.to_thread(store.save, replace(job, state="failed", message=str(error)))
    done = replace(job, state="succeeded", tuned=str(tuned), step=job.steps)
    done = await asyncio.to_thread(store.save, done)
    observer.changed(done, ())
    return done


def _remove_partial(folder: Path) -> None:
    """Remove the files that a thread is still writing: the process ends without it."""
    for path in (*folder.glob(".*"), *folder.glob("*.new")):
        path.unlink(missing_ok=True)


async def _notify(
    job: TuningJob, store: JobStore, observer: JobObserver, sentence: str, step: int, steps: int
) -> TuningJob:
    event = JobEvent(str(step), time.time(), "info", sentence, step, steps)
    job = replace(job, message=sentence, step=step or job.step, steps=steps or job.steps)
    observer.changed(job, (event,))
    return await asyncio.to_thread(store.save, job)


def _train(work: _Run) -> Path:
    job, say = work.job, work.report
    check_unchanged(Path(job.training.path), job.training)
    lib = load_libraries()
    # The libraries warn about each other, which does not help the user.
    warnings.simplefilter("ignore")
    facts = read_facts(lib, work.base)
    work.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    say(f"loading {work.base.name} ({facts.arch})", 0, 0)
    checkpoint = work.folder / "checkpoint.pt"
    work.check()
    trainer = LoraTrainer(lib, work.base, _plan(job), checkpoint, begins=facts.adds_bos)
    samples = trainer.tokenize(Path(job.training.path))
    held = trainer.tokenize(Path(job.validation.path)) if job.validation else samples[:20]
    if trainer.base_loss is None:
        trainer.base_loss = trainer.loss(held, work.check)
    # Report rarely, because each report is saved.
    interval = max(1, trainer.steps(samples) // 50)

    def report_step(step: int, steps: int, loss: float) -> None:
        if step % interval == 0 or step == steps:
            say(f"Step {step}/{steps}: training loss={loss:.3f}", step, steps)

    work.trains.set()
    trainer.train(samples, report_step, work.stop.is_set)
    work.check()
    return _finish(work, lib, trainer, facts.arch, held)


def _finish(
    work: _Run, lib: Libraries, trainer: LoraTrainer, arch: str, held: list[TokenizedExample]
) -> Path:
    after = trainer.loss(held, work.check)
    kind = "validation" if work.job.validation else "training"
    work.report(f"{kind} loss {trainer.base_loss or 0:.3f} before, {after:.3f} after", 0, 0)
    # Keep the base's name in the file name: it tells the context window and special tokens.
    target = work.folder / f"{work.job.name}-{work.base.stem}.gguf"
    changes: dict[str, Any] = weight_deltas(trainer.model, trainer.config, arch)
    write_merged(lib, work.base, target, changes, work.job.name, work.check)
    (work.folder / "checkpoint.pt").unlink(missing_ok=True)
    return target


def _plan(job: TuningJob) -> LoraPlan:
    given = job.hyperparameters
    return LoraPlan(
        epochs=int(given.get("n_epochs", EPOCHS)),
        batch=int(given.get("batch_size", BATCH)),
        rate=float(given.get("learning_rate", LEARNING_RATE)),
        seed=job.seed or 0,
    )
