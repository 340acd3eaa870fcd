"""Discover models where none are configured: by keys, on local servers, on the disk."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from ..models.edit_formats import edit_format_of, only_predicts_edits
from ..models.hosted_ids import runs_elsewhere
from ..models.profiles import known_model
from ..provider_spec import LocalServer, ProviderSpec, resolve_reference, specs
from ..settings import ModelSettings
from .forwarding import (
    cloud_models,
    find_forwarding,
    forwards_item,
    forwards_models,
    items_of,
)
from .loopback import ANSWER_SECONDS, get_json

_MAX_MODELS_PER_SERVER = 3
_LOCAL_TIMEOUT = 60.0
"""Timeout in seconds for a local server, which may have to load the model first."""
_LOCAL_CONCURRENCY = 2
"""One completion beside one longer request."""


@dataclass(frozen=True, slots=True)
class DiscoveredModel:
    """A discovered model, and why it is in the list, for the user."""

    settings: ModelSettings
    why: str


# Models that write no text: embeddings, rerankers, speech, images.
_NO_WRITER = re.compile(
    r"embed|rerank|whisper|(^|[-_/])(bge|e5|gte|tts|clip|minilm|ocr|stable-diffusion|flux)([-_.:]|$)",
    re.I,
)
_CODER = re.compile(r"cod(e|er|ing|estral)|devstral|starcoder|(^|[-_/])fim([-_.:]|$)", re.I)


async def discover(
    env: Mapping[str, str], data_dir: Path, *, servers: Sequence[LocalServer] | None = None
) -> list[DiscoveredModel]:
    """Find models by keys, on local servers, and on the disk; add those that are always available.

    ``servers`` replaces the providers' own lists of servers.
    """
    all_specs = specs().values()
    asked = [
        _ask_server(server, spec)
        for spec in all_specs
        for server in (
            spec.local_servers if servers is None else servers if spec.local_servers else ()
        )
    ]
    served, installed = await asyncio.gather(asyncio.gather(*asked), _from_disk(data_dir))
    always = [_always(spec) for spec in all_specs if spec.always_available]
    of_servers = [m for models in served for m in models]
    here = [m for m in of_servers if m.settings.local is None]
    # A server's list is no consent to send code elsewhere: what runs here comes first.
    elsewhere = [m for m in of_servers if m.settings.local is not None]
    return _unique([*_from_keys(env), *here, *installed, *always, *elsewhere])


def _from_keys(env: Mapping[str, str]) -> list[DiscoveredModel]:
    found: list[DiscoveredModel] = []
    for spec in specs().values():
        starter = spec.starter
        if starter is None or not env.get(spec.key_variable, "").strip():
            continue
        with suppress(ValidationError):  # an invalid address: then the key belongs nowhere
            settings = ModelSettings(
                name=starter.name,
                provider=spec.name,
                model=spec.default_model,
                # The key belongs to the address beside it; any other host must not get it.
                base_url=env.get(spec.base_url_variable, "").strip() or None,
                api_key_env=spec.key_variable,
                input_price=starter.input_price,
                output_price=starter.output_price,
                context_tokens=starter.context_tokens,
            )
            found.append(DiscoveredModel(settings, f"the environment has {spec.key_variable}"))
    return found


async def _ask_server(server: LocalServer, spec: ProviderSpec) -> list[DiscoveredModel]:
    origin = f"http://127.0.0.1:{server.port}"
    for path in server.paths:
        items = _items(await get_json(origin + path))
        if items:
            break
    else:
        return []
    tags, forwards = await asyncio.gather(
        get_json(f"{origin}/api/tags"), find_forwarding(f"{origin}/v1", "", "", ANSWER_SECONDS)
    )
    cloud = set(cloud_models(tags))
    forwards = forwards or forwards_models(items)
    remote = {str(item["id"]) for item in items if forwards or _is_remote(item, cloud)}
    writers = [item for item in items if _writes(item)]
    # Stable: else as served.
    writers.sort(key=lambda item: (item["id"] in remote, not _CODER.search(str(item["id"]))))
    context = await _slot_context(server) if server.context_path else None
    return [
        _discovered(server, settings, str(item["id"]) in remote)
        for item in writers[:_MAX_MODELS_PER_SERVER]
        for settings in _served(server, spec, item, context)
    ]


def _is_remote(item: Mapping[str, Any], cloud: set[str]) -> bool:
    name = str(item["id"])
    return runs_elsewhere(name) or name in cloud or bool(forwards_item(item))


def _discovered(server: LocalServer, settings: ModelSettings, remote: bool) -> DiscoveredModel:
    why = f"{server.name} serves it on port {server.port}"
    if not remote:
        return DiscoveredModel(settings, why)
    return DiscoveredModel(
        settings.model_copy(update={"local": False}), f"{why}, from a service elsewhere"
    )


def _served(
    server: LocalServer, spec: ProviderSpec, item: Mapping[str, Any], context: int | None
) -> list[ModelSettings]:
    """Return one model for all tasks; one that fills in the middle completes over another API."""
    ident = str(item["id"])
    name = _name(ident)
    fills = known_model(ident).fim != "none" and spec.fim_apis
    chats = ModelSettings(
        name=name,
        provider=spec.name,
        model=ident,
        base_url=f"http://127.0.0.1:{server.port}/v1",
        timeout=_LOCAL_TIMEOUT,
        context_tokens=context or _context(item),
        concurrency=_LOCAL_CONCURRENCY,
    )
    if only_predicts_edits(edit_format_of(ident)):
        return [chats.model_copy(update={"tasks": ("edit",)})]
    if not fills:
        return [chats]
    api = server.fim_api or spec.fim_apis[0]
    completes = chats.model_copy(update={"api": api, "tasks": ("complete",)})
    if re.search(r"(^|[-_:])base([-_:.]|$)", ident, re.I):
        return [completes]
    more = {"name": f"{name} chat", "tasks": ("explain", "generate", "edit")}
    return [completes, chats.model_copy(update=more)]


async def _from_disk(data_dir: Path) -> list[DiscoveredModel]:
    """Return the models whose weights are installed."""

    def installed(reference: str) -> list[ModelSettings]:
        with suppress(OSError, ImportError):
            return resolve_reference(reference)(data_dir)
        return []

    found = [
        model
        for spec in specs().values()
        if spec.installed
        for model in await asyncio.to_thread(installed, spec.installed)
    ]
    return [DiscoveredModel(settings, "its weights are installed") for settings in found]


def _always(spec: ProviderSpec) -> DiscoveredModel:
    settings = ModelSettings(name=spec.name, provider=spec.name, tasks=spec.tasks)
    return DiscoveredModel(settings, spec.note or "always available")


def _items(answer: Any) -> list[dict[str, Any]]:
    """Return the models of a list in OpenAI's form; none if the answer is anything else."""
    return [item for item in items_of(answer) if _usable(item.get("id"))]


def _usable(ident: Any) -> bool:
    return isinstance(ident, str) and 0 < len(ident) <= 300 and ident.isprintable()


def _writes(item: Mapping[str, Any]) -> bool:
    return not _NO_WRITER.search(item["id"]) and item.get("type") in (None, "llm", "vlm", "model")


def _context(item: Mapping[str, Any]) -> int | None:
    """Return the context window, if the server reports the one it has opened."""
    value = item.get("loaded_context_length") or item.get("max_model_len")
    return value if isinstance(value, int) and value >= 256 else None


async def _slot_context(server: LocalServer) -> int | None:
    """Return the context window of one of the server's slots, in llama.cpp's form."""
    answer: Any = await get_json(f"http://127.0.0.1:{server.port}{server.context_path}")
    for key in ("default_generation_settings", "n_ctx"):
        answer = cast("dict[str, Any]", answer).get(key) if isinstance(answer, dict) else None
    return answer if isinstance(answer, int) and answer >= 256 else None


def _name(ident: str) -> str:
    """Return a short name: the last part of a path, without a weights file's extension."""
    short = re.split(r"[/\\]", ident.rstrip("/\\"))[-1] or ident
    return re.sub(r"\.gguf$", "", short, flags=re.I).strip()[:90] or "model"


def _unique(found: Iterable[DiscoveredModel]) -> list[DiscoveredModel]:
    """Give each model its own name: two servers may serve the same one."""
    taken: set[str] = set()
    named: list[DiscoveredModel] = []
    for item in found:
        name, number = item.settings.name, 2
        while name in taken:
            name, number = f"{item.settings.name} {number}", number + 1
        taken.add(name)
        named.append(DiscoveredModel(item.settings.model_copy(update={"name": name}), item.why))
    return named
