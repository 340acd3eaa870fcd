"""``doctor --show-prompt``: print exactly what a completion would send, and where."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from ..app import AppContext
from ..app.failures import no_model
from ..context.completion_mode import CompletionMode, completion_mode_at
from ..context.prompt_builder import complete_prompt
from ..provider_spec import spec_of
from ..registry.dry_run import preview_request
from ..registry.model_registry import Entry
from ..types import Document, Position, Prompt
from .common import app_of, file_line_column, open_file, place_in
from .console import print_json, safe

_FIELDS = ("path", "symbol", "imports", "related", "prefix", "suffix")


@dataclass(frozen=True, slots=True)
class Shown:
    """The input of one model. Exactly one of ``request``, ``prompt`` and ``nothing`` is set."""

    model: str
    to: str
    """An address, or the program on this machine."""
    local: bool
    """Whether it stays on this machine; if it does, nothing is withheld or redacted."""
    request: dict[str, Any] | None = None
    """The body of the request."""
    prompt: dict[str, Any] | None = None
    """For embedded models: the parts of the prompt."""
    nothing: str | None = None
    """The reason why nothing would be sent."""


async def show_prompt(args: argparse.Namespace) -> int:
    """Print the input of every model that can complete, in the order of the selector."""
    path, place = file_line_column(args.show_prompt, "name the place: --show-prompt FILE:LINE:COL.")
    async with app_of(args, path) as app:
        document = await open_file(app, path)
        shown = await _all(app, document, place_in(document, *place))
    if args.json:
        print_json([asdict(one) for one in shown])
        return 0
    for one in shown:
        _print(one)
    return 0


async def _all(app: AppContext, document: Document, position: Position) -> list[Shown]:
    await app.workspace.context.prepare(document)
    models = app.decide("complete", document, position).models
    await app.workspace.context.guard(m.profile for m in models)
    order = [m.profile.name for m in models]
    if not order:
        raise no_model(app, "complete")
    mode = completion_mode_at(document, position, app.workspace.context.trees)
    entries = {entry.profile.name: entry for entry in app.registry.entries()}
    return [await _one(app, entries[name], document, position, mode) for name in order]


async def _one(
    app: AppContext, entry: Entry, document: Document, position: Position, mode: CompletionMode
) -> Shown:
    profile, workspace = entry.profile, app.workspace.context
    prompt = complete_prompt(
        document,
        position,
        profile=profile,
        workspace=workspace,
        mode=mode,
        max_lines=app.settings.complete.max_lines,
    )
    shown = Shown(profile.name, f"{profile.provider}, embedded", profile.local)
    if mode == "none":
        return replace(shown, nothing="there is nothing to complete here")
    if spec_of(profile.provider).uses_documents:
        return replace(shown, nothing="it looks into its own index of the open files")
    if prompt is None:
        return replace(
            shown, nothing=workspace.exclusion_reason(document, profile) or "it may not see it"
        )
    request = await preview_request(entry.settings, profile, prompt, workspace)
    if request is None:
        return replace(shown, prompt=_parts(prompt))
    return replace(shown, to=request.url, request=request.body)


def _parts(prompt: Prompt) -> dict[str, Any]:
    whole = asdict(prompt)
    return {name: whole[name] for name in _FIELDS if whole[name]}


def _print(shown: Shown) -> None:
    where = "on this machine" if shown.local else "OFF this machine"
    print(f"== {safe(shown.model)} → {safe(shown.to)} ({where})")
    if shown.nothing is not None:
        print(f"nothing: {safe(shown.nothing)}")
        return
    for place, value in _flat(shown.request or shown.prompt or {}):
        text = safe(str(value))
        print(f"-- {safe(place)}:\n{text}" if "\n" in text else f"-- {safe(place)}: {text}")
    print()


def _flat(value: Any, place: str = "") -> list[tuple[str, Any]]:
    """Return a body's values with their paths, such as ``messages[1].content``."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return [found for k, v in items for found in _flat(v, f"{place}.{k}" if place else k)]
    if isinstance(value, list | tuple):
        inner = enumerate(cast("list[Any]", value))
        return [found for n, v in inner for found in _flat(v, f"{place}[{n}]")]
    return [(place, value)]
