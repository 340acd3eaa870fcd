"""What the machine offers where no models are configured: keys, servers, weights, ``recall``."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from ..models.profiles import known_model
from ..settings import ModelSettings, Provider

_CONNECT_SECONDS = 0.3
_ANSWER_SECONDS = 0.5
"""More than it takes to connect: the program is busy with its own start meanwhile."""
_MOST_BYTES = 1 << 20
_MODELS_A_SERVER = 3
_LOCAL_TIMEOUT = 60.0
"""Seconds for an answer of a server on this machine: it may have to load the model first."""
_LOCAL_CONCURRENCY = 2
"""One for a completion beside one for anything longer."""


@dataclass(frozen=True, slots=True)
class DiscoveredModel:
    """A model that was found, and why it is there, for people."""

    settings: ModelSettings
    why: str


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A program that serves models on this machine, and the port it usually listens on."""

    name: str
    port: int
    paths: tuple[str, ...] = ("/v1/models",)
    """Lists of models, the one that tells most first."""


SERVERS = (
    LocalServer("Ollama", 11434),
    LocalServer("LM Studio", 1234, ("/api/v0/models", "/v1/models")),
    LocalServer("llama.cpp", 8080),
)


@dataclass(frozen=True, slots=True)
class _Service:
    """A provider's own service, and the model to begin with: its small, fast one."""

    provider: Provider
    variable: str
    address_variable: str
    name: str
    model: str
    input_price: float
    output_price: float
    context_tokens: int
    """Up to where these prices hold; a longer prompt costs more."""


_SERVICES = (
    _Service(
        "openai", "OPENAI_API_KEY", "OPENAI_BASE_URL", "gpt", "gpt-6-luna", 0.10, 0.50, 272_000
    ),
    _Service(
        "anthropic",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",
        "claude",
        "claude-haiku-5-5",
        0.10,
        0.50,
        100_000,
    ),
)

# Served, but not to talk to: embeddings, rerankers, speech, pictures.
_NO_WRITER = re.compile(
    r"embed|rerank|whisper|(^|[-_/])(bge|e5|gte|tts|clip|minilm|ocr|stable-diffusion|flux)([-_.:]|$)",
    re.I,
)
_CODER = re.compile(r"cod(e|er|ing|estral)|devstral|starcoder|(^|[-_/])fim([-_.:]|$)", re.I)


async def discover(
    env: Mapping[str, str], data_dir: Path, *, servers: Sequence[LocalServer] = SERVERS
) -> list[DiscoveredModel]:
    """Models from keys, from servers on this machine, from installed weights, and ``recall``."""
    local, embedded = await asyncio.gather(_from_servers(servers), _from_weights(data_dir))
    return _unique([*_from_keys(env), *local, *embedded, _recall()])


def _from_keys(env: Mapping[str, str]) -> list[DiscoveredModel]:
    found: list[DiscoveredModel] = []
    for service in _SERVICES:
        if not env.get(service.variable, "").strip():
            continue
        with suppress(ValidationError):  # an address that is none: then the key belongs nowhere
            settings = ModelSettings(
                name=service.name,
                provider=service.provider,
                model=service.model,
                # Beside an address of its own, the key would be given away anywhere else.
                base_url=env.get(service.address_variable, "").strip() or None,
                api_key_env=service.variable,
                input_price=service.input_price,
                output_price=service.output_price,
                context_tokens=service.context_tokens,
            )
            found.append(DiscoveredModel(settings, f"the environment has {service.variable}"))
    return found


async def _from_servers(servers: Iterable[LocalServer]) -> list[DiscoveredModel]:
    found = await asyncio.gather(*(_ask_server(server) for server in servers))
    return [model for models in found for model in models]


async def _ask_server(server: LocalServer) -> list[DiscoveredModel]:
    for path in server.paths:
        items = _items(await _get_json(server.port, path))
        if items:
            break
    else:
        return []
    writers = [item for item in items if _writes(item)]
    writers.sort(key=lambda item: not _CODER.search(str(item["id"])))  # stable: else as served
    context = await _llama_context(server) if server.name == "llama.cpp" else None
    return [
        DiscoveredModel(settings, f"{server.name} serves it on port {server.port}")
        for item in writers[:_MODELS_A_SERVER]
        for settings in _served(server, item, context)
    ]


def _served(
    server: LocalServer, item: Mapping[str, Any], context: int | None
) -> list[ModelSettings]:
    """One model for all tasks; one that can fill in the middle does so over another API."""
    ident = str(item["id"])
    name = _name(ident)
    fills = known_model(ident).fim != "none"

    chats = ModelSettings(
        name=name,
        provider="openai",
        model=ident,
        base_url=f"http://127.0.0.1:{server.port}/v1",
        timeout=_LOCAL_TIMEOUT,
        context_tokens=context or _context(item),
        concurrency=_LOCAL_CONCURRENCY,
    )
    if not fills:
        return [chats]
    completes = chats.model_copy(update={"api": "completions", "tasks": ("complete",)})
    if re.search(r"(^|[-_:])base([-_:.]|$)", ident, re.I):
        return [completes]
    more = {"name": f"{name} chat", "tasks": ("explain", "generate")}
    return [completes, chats.model_copy(update=more)]


async def _from_weights(data_dir: Path) -> list[DiscoveredModel]:
    """The packaged models whose weights are installed."""

    def installed() -> list[str]:
        from ..providers.llamacpp import catalogue

        return [entry.name for entry in catalogue.installed(data_dir)]

    names: list[str] = []
    with suppress(OSError, ImportError):
        names = await asyncio.to_thread(installed)
    return [
        DiscoveredModel(
            ModelSettings(name=name, provider="llamacpp", model=name), "its weights are installed"
        )
        for name in names
    ]


def _recall() -> DiscoveredModel:
    settings = ModelSettings(name="recall", provider="recall", tasks=("complete",))
    return DiscoveredModel(settings, "always there: it completes from your own open files")


def _items(answer: Any) -> list[dict[str, Any]]:
    """The models of a list in OpenAI's form; none where the answer is anything else."""
    if not isinstance(answer, dict):
        return []
    data = cast("dict[str, Any]", answer).get("data")
    if not isinstance(data, list):
        return []
    return [
        cast("dict[str, Any]", item)
        for item in cast("list[Any]", data)
        if isinstance(item, dict) and _usable(cast("dict[str, Any]", item).get("id"))
    ]


def _usable(ident: Any) -> bool:
    return isinstance(ident, str) and 0 < len(ident) <= 300 and ident.isprintable()


def _writes(item: Mapping[str, Any]) -> bool:
    told = item.get("type")
    return not _NO_WRITER.search(item["id"]) and (told is None or told in ("llm", "vlm", "model"))


def _context(item: Mapping[str, Any]) -> int | None:
    """The window, where a server tells what it has opened."""
    value = item.get("loaded_context_length") or item.get("max_model_len")
    return value if isinstance(value, int) and value >= 256 else None


async def _llama_context(server: LocalServer) -> int | None:
    """The window of one of llama.cpp's slots."""
    answer: Any = await _get_json(server.port, "/props")
    for key in ("default_generation_settings", "n_ctx"):
        answer = cast("dict[str, Any]", answer).get(key) if isinstance(answer, dict) else None
    return answer if isinstance(answer, int) and answer >= 256 else None


def _name(ident: str) -> str:
    """A short name: the last part of a path, without the ending of a file of weights."""
    short = re.split(r"[/\\]", ident.rstrip("/\\"))[-1] or ident
    return re.sub(r"\.gguf$", "", short, flags=re.I).strip()[:90] or "model"


def _unique(found: Iterable[DiscoveredModel]) -> list[DiscoveredModel]:
    """Give each its own name: two servers may serve the same model."""
    taken: set[str] = set()
    named: list[DiscoveredModel] = []
    for item in found:
        name, number = item.settings.name, 2
        while name in taken:
            name, number = f"{item.settings.name} {number}", number + 1
        taken.add(name)
        named.append(DiscoveredModel(item.settings.model_copy(update={"name": name}), item.why))
    return named


async def _get_json(port: int, path: str) -> Any:
    """What a server on this machine answers; None for anything but JSON in time.

    A plain socket: a client library takes longer to import than this may take, and an environment's
    proxy has no business here.
    """
    try:
        connecting = asyncio.open_connection("127.0.0.1", port, limit=_MOST_BYTES)
        reader, writer = await asyncio.wait_for(connecting, _CONNECT_SECONDS)
        try:
            request = f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n"
            writer.write(request.encode())  # HTTP/1.0: no chunks, and the server closes
            return json.loads(await asyncio.wait_for(_body(reader), _ANSWER_SECONDS))
        finally:
            writer.close()
    except (OSError, asyncio.TimeoutError, ValueError, RecursionError, EOFError):
        return None


async def _body(reader: asyncio.StreamReader) -> bytes:
    """The body of a good answer, else nothing; cut where it is too long to be a list of models."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        return b""
    if b" 200" not in head.split(b"\r\n", 1)[0]:
        return b""
    length = re.search(rb"\r\ncontent-length:[ \t]*(\d{1,9})\r\n", head, re.I)
    if length:
        return await reader.readexactly(min(int(length[1]), _MOST_BYTES))
    body = b""
    while len(body) < _MOST_BYTES and (piece := await reader.read(_MOST_BYTES)):
        body += piece
    return body
