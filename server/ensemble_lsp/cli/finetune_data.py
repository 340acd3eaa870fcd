"""``finetune prepare``, and helpers that the actions of ``finetune`` share."""

from __future__ import annotations

import argparse
import asyncio
import shlex
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..app import AppContext
from ..errors import FineTuningError, SettingsError
from ..finetuning.from_history import from_history
from ..finetuning.from_repository import from_repository
from ..finetuning.local.vocabulary import native_fim
from ..finetuning.prepare import PreparedData, TrainingTarget, prepare, prepare_file
from ..finetuning.prepared_data import TrainingFiles, open_data
from ..finetuning.provider_support import no_jobs
from ..finetuning.training_example import METHODS, Method
from ..languages import language_of
from ..models.profiles import make_profile
from ..providers.llamacpp import catalogue
from ..settings import ModelSettings, default_data_dir
from ..uris import expand_user
from ..wording import plural
from .common import require_file
from .console import print_json, safe
from .sentence_layout import say


async def run_prepare(args: argparse.Namespace, app: AppContext) -> int:
    """Collect, check, summarise and write training data; return the exit code."""
    source, path = _source(args)
    method: Method = args.method or "supervised"
    target = target_of(args, app, args.model or "", args.base or "", method)
    prepared = await _gather(args, app, source, path, target)
    summary: dict[str, Any] = prepared.summary()
    if args.dry_run:
        summary["faults"] = [str(fault) for fault in prepared.check()]
    else:
        out = args.out or new_folder(args)
        summary["folder"] = str(await asyncio.to_thread(prepared.write, out))
    if args.json:
        print_json(summary)
    else:
        _print_summary(args, summary)
    return 1 if summary.get("faults") else 0


_NO_MODEL = "none of your models can be fine-tuned; add a model of OpenAI or a GGUF file (provider llamacpp)"


def _source(args: argparse.Namespace) -> tuple[str, Path]:
    """Return the source of the examples, by --from or else by the kind of the path."""
    path = path_of(args) or Path.cwd()
    if not args.source and not args.what:
        return "history", path
    if args.what and not path.exists():
        raise SettingsError(f"{path} does not exist; check the path.")
    source = args.source or ("repository" if path.is_dir() else "file")
    if source == "repository" and args.method == "dpo":
        raise SettingsError(
            "a repository has no rejected answers; use --from history or a file for dpo."
        )
    if source == "file" and not path.is_file():
        raise SettingsError("name the JSONL file: `ensemble-lsp finetune prepare FILE`.")
    if not args.source and source == "file" and language_of(path) not in ("json", "plaintext"):
        raise SettingsError(f"{path} is not a JSONL file; name the folder of your code instead.")
    return source, path


async def _gather(
    args: argparse.Namespace, app: AppContext, source: str, path: Path, target: TrainingTarget
) -> PreparedData:
    seed = args.seed or 0
    split = {"share": args.validation, "seed": seed}
    privacy = app.settings.privacy
    if source == "file":
        return await asyncio.to_thread(prepare_file, path, target, **split)
    if source == "history":
        history = app.history
        await history.ready()
        if not await history.stats():
            require_file(history)
        gathered = await from_history(
            history.suggestions(),
            target.profile,
            privacy,
            target.method,
            keeps_text=history.keeps_text,
        )
        gathered.examples = gathered.examples[-args.examples :]
    else:
        gathered = await asyncio.to_thread(
            from_repository, path, target.profile, privacy, max_examples=args.examples, seed=seed
        )
    label = "the history" if source == "history" else str(path)
    return await asyncio.to_thread(prepare, gathered, target, source=label, **split)


async def prepare_own_file(
    args: argparse.Namespace, path: Path, target: TrainingTarget, out: Path
) -> TrainingFiles:
    """Prepare a JSONL file as ``prepare`` does, so that both train on the same examples."""
    prepared = await asyncio.to_thread(prepare_file, path, target, seed=args.seed or 0)
    for line in _left_out(prepared.left_out):
        say(line, to_stderr=True)
    return open_data(await asyncio.to_thread(prepared.write, out), out)


def new_folder(args: argparse.Namespace) -> Path:
    """Return a folder for training data that does not exist yet."""
    base = folder_of(args) / "data" / time.strftime("%Y%m%d-%H%M%S")
    free, number = base, 2
    while free.exists():
        free, number = base.with_name(f"{base.name}-{number}"), number + 1
    return free


def _left_out(counts: Mapping[str, int]) -> list[str]:
    return [f"skipped: {reason} ({count:,})" for reason, count in counts.items()]


def _print_summary(args: argparse.Namespace, summary: dict[str, Any]) -> None:
    training, validation = summary["training"], summary["validation"]
    say(f"from {safe(summary['source'])} for {safe(summary['base'])} ({summary['method']})")
    for name, part in (("training", training), ("validation", validation)):
        examples, files = plural(part["examples"], "example"), plural(part["files"], "file")
        found = f"{examples} from {files}, about {plural(part['tokens'], 'token')}"
        say(f"{name}: {found if part['examples'] else 'no examples'}")
    for line in _left_out(summary["leftOut"]):
        say(line)
    if summary["redacted"]:
        say(f"secrets replaced in prompts: {summary['redacted']}")
    for fault in summary.get("faults", ()):
        say(f"fault: {fault}")
    say(price_line(summary))
    if "folder" in summary:
        # The price holds for these options, which the data does not store.
        options = [("--epochs", args.epochs), ("--price", args.price)]
        given = [
            part for name, value in options if value is not None for part in (name, f"{value:g}")
        ]
        command = shlex.join(["ensemble-lsp", "finetune", "start", summary["folder"], *given])
        say(f"written to {summary['folder']}; `{command}` trains on it")


def price_line(estimate: Any) -> str:
    """Return the estimated price as a line."""
    epochs, tokens = plural(estimate["epochs"], "epoch"), plural(estimate["trainedTokens"], "token")
    if estimate["pricePerMillion"] == 0:
        return f"price: free ({epochs}, about {tokens})"
    if estimate["price"] is None:
        return (
            f"price: unknown for this model ({epochs}, about {tokens}); "
            "set the price per million tokens with --price"
        )
    return (
        f"price: about ${estimate['price']:.2f} ({epochs}, about {tokens} at "
        f"${estimate['pricePerMillion']:g} per million)"
    )


def target_of(
    args: argparse.Namespace, app: AppContext, name: str, ident: str, method: Method
) -> TrainingTarget:
    """Return the model to train and the method; raise ``FineTuningError`` if it cannot be trained."""
    assert method in METHODS
    base = model_of(app, name)
    if obstacle := no_jobs(base, method):
        raise FineTuningError(obstacle)
    profile = make_profile(base)
    if profile.fim == "native":
        weights = catalogue.weights_path(base.model, args.data_dir or default_data_dir())
        profile = replace(profile, fim=native_fim(weights) if weights else "none")
    return TrainingTarget(base, profile, method, args.epochs, args.price, ident)


def model_of(app: AppContext, name: str) -> ModelSettings:
    """Return a model by name; without a name, the only one that can be fine-tuned."""
    entries = app.registry.entries()
    if name:
        app.registry.get(name)  # raises for an unknown name
        return next(e.settings for e in entries if e.profile.name == name)
    tunable = [e.settings for e in entries if not no_jobs(e.settings)]
    if len(tunable) == 1:
        return tunable[0]
    known = ", ".join(model.name for model in tunable)
    problem = f"name the model with --model: {known}" if known else _NO_MODEL
    raise SettingsError(f"{problem}.")


def path_of(args: argparse.Namespace) -> Path | None:
    """Return the path argument, absolute."""
    return expand_user(Path(args.what)).absolute() if args.what else None


def folder_of(args: argparse.Namespace) -> Path:
    """Return the folder of data and jobs."""
    return (args.data_dir or default_data_dir()) / "finetuning"
