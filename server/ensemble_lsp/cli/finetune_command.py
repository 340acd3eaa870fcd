"""``finetune``: training data, jobs and fine-tuned models."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..app import AppContext
from ..errors import FineTuningError, SettingsError
from ..finetuning.from_file import InvalidTrainingFileError
from ..finetuning.job_runner import JobRunner, PollingSchedule
from ..finetuning.jobs import HyperParameters, JobStore, TuningJob
from ..finetuning.openai_jobs import FineTuningClient
from ..finetuning.prepare import TrainingTarget
from ..finetuning.prepared_data import CheckedFiles, TrainingFiles, check_training_files, open_data
from ..finetuning.prices import MAX_SUFFIX_CHARS
from ..finetuning.provider_support import no_jobs, not_here
from ..finetuning.registration import ConfigTarget, register_model, retire_model
from ..finetuning.training_example import Method
from ..models.api_keys import Keyring, find_key
from ..models.profiles import make_profile
from ..provider_spec import spec_of
from ..settings import ModelSettings, default_data_dir
from ..wording import dollars, plural
from .common import app_of, run_async
from .console import DASH, print_json, print_table, safe, warn
from .finetune_data import (
    folder_of,
    model_of,
    new_folder,
    path_of,
    prepare_own_file,
    price_line,
    run_prepare,
    target_of,
)
from .finetune_watch import Watch
from .questions import confirmed
from .sentence_layout import say

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_MAX_FAULTS = 20
"""Faults of a training file that are printed."""


def run(args: argparse.Namespace) -> int:
    """Run an action."""
    actions = {
        "prepare": run_prepare, "start": _start, "status": _status,
        "list": _list, "cancel": _cancel, "retire": _retire,
    }  # fmt: skip

    async def work() -> int:
        async with app_of(args) as app:
            return await actions[args.action](args, app)

    try:
        return run_async(work)
    except InvalidTrainingFileError as error:
        for fault in error.faults[:_MAX_FAULTS] if len(error.faults) > 1 else ():
            say(safe(str(fault)), to_stderr=True, indent="  ")
        if (more := len(error.faults) - _MAX_FAULTS) > 0:
            say(f"and {plural(more, 'more fault')}", to_stderr=True)
        raise


# -- jobs ------------------------------------------------------------------------------------------


async def _start(args: argparse.Namespace, app: AppContext) -> int:
    data = await asyncio.to_thread(open_data, path_of(args), folder_of(args) / "data")
    method: Method = args.method or await asyncio.to_thread(data.method)
    target = target_of(args, app, args.model or data.base, args.base or _ident(args, data), method)
    if obstacle := not_here(target.base):
        raise FineTuningError(obstacle)
    if args.suffix and len(args.suffix) > MAX_SUFFIX_CHARS:
        raise SettingsError(f"--suffix may have at most {MAX_SUFFIX_CHARS} characters.")
    with ExitStack() as stack:
        if data.own_file:
            dry = Path(stack.enter_context(TemporaryDirectory())) if args.dry_run else None
            data = await prepare_own_file(args, data.training, target, dry or new_folder(args))
        checked = await asyncio.to_thread(check_training_files, data, target)
    job = _new_job(args, target, checked)
    if args.dry_run and args.json:
        print_json({**_row(job), "estimate": dict(checked.estimate)})
        return 0
    if args.dry_run:
        say(_intent(target, checked))
        return 0
    _confirm(args, target, checked)
    job = await asyncio.to_thread(_store(args).add, job)
    return await _resume(args, app, job, follow=not args.no_follow)


def _new_job(args: argparse.Namespace, target: TrainingTarget, checked: CheckedFiles) -> TuningJob:
    return TuningJob(
        name=args.name or f"{target.base.name}-tuned",
        created=time.time(),
        base=target.base,
        model=target.model_id,
        method=target.method,
        training=checked.training,
        validation=checked.validation,
        suffix=args.suffix or "",
        seed=args.seed,
        hyperparameters=_hyperparameters(args, target.base, target.method),
        estimate=checked.estimate["price"],
    )


def _ident(args: argparse.Namespace, data: TrainingFiles) -> str:
    """Return the id that the data was prepared for, unless --model names another model."""
    return data.model if args.model in (None, data.base) else ""


def _hyperparameters(
    args: argparse.Namespace, base: ModelSettings, method: Method
) -> HyperParameters:
    if args.beta is not None and method != "dpo":
        raise SettingsError("--beta needs --method dpo.")
    rate = "learning_rate" if spec_of(base.provider).trains_here else "learning_rate_multiplier"
    given = {
        "n_epochs": args.epochs,
        "batch_size": args.batch_size,
        rate: args.learning_rate,
        "beta": args.beta,
    }
    return {name: value for name, value in given.items() if value is not None}


def _confirm(args: argparse.Namespace, target: TrainingTarget, checked: CheckedFiles) -> None:
    """Ask before anything is sent or paid."""
    say(_intent(target, checked), to_stderr=True)
    if args.yes:
        return
    if not sys.stdin.isatty():
        raise SettingsError("add --yes to start without a question.")
    if not confirmed("Start?"):
        raise FineTuningError("Nothing was sent.")


def _intent(target: TrainingTarget, checked: CheckedFiles) -> str:
    """Return in one line where the data goes, and the price."""
    if spec_of(target.base.provider).trains_here:
        return safe(f"{target.model_id}: train on this machine; free")
    held = checked.validation.examples if checked.validation else 0
    sent = f"send {plural(checked.training.examples + held, 'example')} of your code"
    sent += f" ({held} of them for validation)" if held else ""
    return safe(f"{target.model_id}: {sent}; {price_line(checked.estimate)}")


async def _resume(args: argparse.Namespace, app: AppContext, job: TuningJob, follow: bool) -> int:
    """Resume a job and register its model; return the exit code."""
    store = _store(args)
    try:
        job = await _advance(args, app, job, follow)
    except asyncio.CancelledError:
        warn(f"stopped; `ensemble-lsp finetune status {job.name} --follow` continues")
        raise
    job = await register_model(job, store, _home(app))
    return _report(args, job)


async def _advance(
    args: argparse.Namespace, app: AppContext, job: TuningJob, follow: bool
) -> TuningJob:
    """Train here, or start and follow the provider's job; return the job as it is then."""
    store = _store(args)
    if job.local:
        from ..finetuning.local_training import train

        with Watch(job, quiet=args.json) as watch:
            job = await train(job, store, watch)
    elif not job.ended:
        async with _service(job, app) as service:
            with Watch(job, quiet=args.json) as watch:
                runner = JobRunner(service, store, watch, _pace(args))
                if follow:
                    job = await runner.run(job)
                else:
                    job = await runner.refresh(await runner.start(job))
    return job


def _report(args: argparse.Namespace, job: TuningJob) -> int:
    if args.json:
        print_json(_row(job))
    elif job.state == "failed":
        file = f" The file is {job.training.path}." if "training_file" in job.message else ""
        rest = f" {_uploads_remain(job)}." if job.uploads else ""
        raise FineTuningError(f"{job.name} failed: {job.message.rstrip('.')}.{file}{rest}")
    elif job.joined and not job.retired:
        say(f"{job.name}: {job.state}; {job.joined} ({safe(job.tuned)}) is now one of your models")
    elif job.ended:
        say(f"{job.name}: {job.state}{_end_of_uploads(job)}")
    elif not job.job_id and not job.local:
        again = f"`ensemble-lsp finetune status {job.name} --follow` tries again"
        cancel = f"; `ensemble-lsp finetune cancel {job.name}` deletes the uploaded files"
        say(f"{job.name}: not started; {again}{cancel if job.uploads else ''}")
    else:
        follow = f"`ensemble-lsp finetune status {job.name} --follow`"
        say(f"{job.name}: {job.state}; {follow} follows it")
    return 1 if job.state == "failed" else 0


def _uploads_remain(job: TuningJob) -> str:
    cancel = f"`ensemble-lsp finetune cancel {job.name}`"
    return f"The uploaded files are still with the provider; {cancel} tries again to delete them"


def _end_of_uploads(job: TuningJob) -> str:
    """Return the rest of a sentence on a job that has ended: what became of its uploaded files."""
    if job.uploads:
        remain = _uploads_remain(job)
        return f". {remain}."
    return "; the uploaded files were deleted" if job.training.deleted else ""


async def _status(args: argparse.Namespace, app: AppContext) -> int:
    job = await asyncio.to_thread(_store(args).get, args.what)
    submitted = bool(job.job_id) or job.local
    if args.follow or job.ended:
        return await _resume(args, app, job, follow=True)
    if submitted and not job.local:
        async with _service(job, app) as service:
            job = await JobRunner(service, _store(args)).refresh(job)
        job = await register_model(job, _store(args), _home(app))
    code = _report(args, job)
    if job.message and not args.json:
        say(safe(job.message))
    return code


async def _list(args: argparse.Namespace, app: AppContext) -> int:
    store = _store(args)
    jobs = await asyncio.to_thread(store.all)
    for notice in store.notices:
        print(f"ensemble-lsp: {notice}", file=sys.stderr)
    rows = [_row(job) for job in jobs]
    if args.model:
        rows += await _others(args, app, {job.job_id for job in jobs})
    if args.json:
        print_json(rows)
        return 0
    columns = ("name", "state", "of", "method", "examples", "price", "tuned model", "joined as")
    print_table(
        columns,
        [
            (
                row["name"], row["state"], row["model"], row["method"], str(row["examples"]),
                _price(row["estimate"]), row["tuned"],
                f"{row['joined']} (retired)" if row["retired"] else row["joined"],
            )
            for row in rows
        ],
        optional=("method", "examples", "of", "price"),
        empty="There are no fine-tuning jobs; begin with `ensemble-lsp finetune prepare`.",
    )  # fmt: skip
    return 0


async def _others(
    args: argparse.Namespace, app: AppContext, known: set[str]
) -> list[dict[str, Any]]:
    """Return the account's jobs that were started elsewhere."""
    base = model_of(app, args.model)
    if obstacle := no_jobs(base):
        raise FineTuningError(obstacle)
    async with await _connect(base, app) as service:
        return [
            {
                "name": seen.id, "state": seen.status, "model": seen.model, "method": "",
                "examples": "", "estimate": None, "tuned": seen.tuned, "joined": "",
                "retired": False, "jobId": seen.id, "message": seen.error,
            }
            for seen in await service.jobs() if seen.id not in known
        ]  # fmt: skip


async def _cancel(args: argparse.Namespace, app: AppContext) -> int:
    if not args.what:
        raise SettingsError("name the job: `ensemble-lsp finetune cancel JOB`.")
    store = _store(args)
    job = await asyncio.to_thread(store.get, args.what)
    ended = job.ended
    if job.local:
        if job.ended:
            raise FineTuningError(f"{job.name} has already ended ({job.state}).")
        job = await asyncio.to_thread(store.save, replace(job, state="cancelled"))
    else:
        async with _service(job, app) as service:
            job = await JobRunner(service, store).cancel(job)
    if ended and not args.json:  # only its files were left to delete
        say(f"{job.name}: {job.state}{_end_of_uploads(job)}")
        return 1 if job.uploads else 0
    job = await register_model(job, store, _home(app))
    return _report(args, job)


async def _retire(args: argparse.Namespace, app: AppContext) -> int:
    if not args.what:
        raise SettingsError("name the model: `ensemble-lsp finetune retire NAME`.")
    if args.delete and not args.yes:
        raise SettingsError("--delete deletes the model permanently; add --yes.")
    job = await retire_model(_store(args), args.what, _home(app), again=args.delete)
    if args.delete and job.local:
        await asyncio.to_thread(Path(job.tuned).unlink, missing_ok=True)
    elif args.delete:
        async with _service(job, app) as service:
            await service.delete_model(job.tuned)
    if args.json:
        print_json(_row(job))
    else:
        action = "deleted" if args.delete else "removed from your models"
        print(f"{job.joined} was {action}.")
    return 0


# -- shared ---------------------------------------------------------------------------------------


@asynccontextmanager
async def _service(job: TuningJob, app: AppContext) -> AsyncGenerator[FineTuningClient]:
    async with await _connect(job.base, app) as service:
        yield service


async def _connect(base: ModelSettings, app: AppContext) -> FineTuningClient:
    key = await find_key(base, app.env, Keyring())
    return FineTuningClient(base, make_profile(base), key)


def _home(app: AppContext) -> ConfigTarget:
    configured = app.settings.models
    entries = app.registry.entries()
    found: Sequence[ModelSettings] = () if configured else [e.settings for e in entries]
    return ConfigTarget(app.config_path, os.environ, found, Keyring())


def _pace(args: argparse.Namespace) -> PollingSchedule:
    if args.every is None:
        return PollingSchedule()
    return PollingSchedule(first=args.every, max_wait=args.every)


def _store(args: argparse.Namespace) -> JobStore:
    return JobStore(args.data_dir or default_data_dir())


def _price(estimate: float | None) -> str:
    return DASH if estimate is None else dollars(estimate)


def _row(job: TuningJob) -> dict[str, Any]:
    return {
        "name": job.name, "state": job.state, "base": job.base.name, "model": job.model,
        "method": job.method, "examples": job.training.examples, "jobId": job.job_id,
        "step": job.step, "steps": job.steps, "message": job.message, "estimate": job.estimate,
        "trainedTokens": job.trained_tokens, "tuned": job.tuned, "joined": job.joined,
        "retired": job.retired, "created": job.created, "updated": job.updated,
    }  # fmt: skip
