"""The ``openai`` provider: OpenAI and every server that speaks one of its APIs."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import urlsplit

from ...models.address import Address, address_of
from ...models.interface import BuildContext, Profile
from ...models.profiles import known_model
from ...models.sdk_model import Body, Post, SdkModel
from ...models.wire_format import WireFormat, use_api
from ...settings import ModelSettings
from ...types import Prompt
from .chat_api import chat_wire
from .completions_api import completions_wire
from .fim_api import fim_wire
from .infill_api import infill_wire
from .local_server import OllamaLoader, get_json
from .responses_api import responses_wire

_EDIT_SERVICE, _EDIT_MODEL = (
    re.compile(r"//api\.inceptionlabs\.ai"),
    re.compile(r"mercury-(coder|edit)"),
)
"""The service, and its models, that answer prompts for edits at ``/edit/completions``."""
_AZURE = re.compile(r"\.(azure\.com|azure-api\.net|azure\.us|azure\.cn)$")


class OpenAIModel(SdkModel):
    """A model behind an API of OpenAI's kind; ``api`` names it, else the address or the server tells."""

    def __init__(self, settings: ModelSettings, profile: Profile, context: BuildContext) -> None:
        address = address_of(settings)
        super().__init__(
            settings,
            profile,
            context,
            connect=lambda http, key: _connect(address, http, key),
            auth=lambda key: _auth(address, key),
        )
        # A plain address in the user's own network may be such a server too.
        self._local = settings.local is not False and address.origin.startswith("http://")
        self._wires = _wires(settings, profile, address)
        self._infills = address.api == "infill"
        self._edits = _EDIT_SERVICE.search(address.origin) is not None and (
            profile.edit_format == "mercury" and _EDIT_MODEL.search(settings.model) is not None
        )
        self._loader = OllamaLoader(profile, address, self.notice) if self._local else None

    @classmethod
    def build(cls, settings: ModelSettings, profile: Profile, context: BuildContext) -> OpenAIModel:
        """Build the adapter of a provider's spec."""
        return cls(settings, profile, context)

    @property
    def is_loading(self) -> bool:
        """Whether the server is loading the model."""
        return super().is_loading or (self._loader is not None and self._loader.is_loading)

    def wire(self, prompt: Prompt, facts: frozenset[str]) -> WireFormat:
        """Return the format for a task: APIs that only fill in leave the other tasks to chat.

        A raw text in the model's own format goes to ``/completions``, whatever the settings' ``api``.
        """
        if prompt.rendered is not None:
            if prompt.rendered.text:
                return self._wires["completions"]
            if self._edits:
                return self._wires["edit"]
        api = "infill" if self._infills else self._address.api
        if api in ("fim", "infill"):
            fills = self._wires[api]
            return (
                fills
                if prompt.task == "complete" and fills.missing not in facts
                else self._wires["chat"]
            )
        if api == "chat" and self._settings.api == "auto":
            api = next(
                (name for name in ("responses", "completions") if use_api(name) in facts), api
            )
        return self._wires.get(api) or self._wires["chat"]

    async def on_connected(self) -> None:
        """Ask a server of the user's own what it is."""
        if self._loader is not None:
            await asyncio.gather(self._loader.find(self._http), self._find_infill())

    async def _find_infill(self) -> None:
        """Use a llama.cpp server's own API for a model that fills in the middle."""
        settings = self._settings
        if settings.api != "auto" or self._address.api != "chat" or settings.fim == "none":
            return
        props = await get_json(self._http, f"{self._address.root}/props")
        if "default_generation_settings" in props:
            names = settings.model, str(props.get("model_path") or "")
            self._infills = any(known_model(name).fim != "none" for name in names)

    def before_request(self, prompt: Prompt) -> None:
        """Have an Ollama server load the model, and keep it loaded."""
        if self._loader is not None and self._context.http_client is None:
            self._loader.wake(self._http)

    def answered(self) -> None:
        """Note that the server answers."""
        super().answered()
        if self._loader is not None:
            self._loader.answered()

    async def close(self) -> None:
        """Close the connections."""
        if self._loader is not None:
            await self._loader.close()
        await super().close()


def _wires(settings: ModelSettings, profile: Profile, address: Address) -> dict[str, WireFormat]:
    # llama.cpp has `/infill` beside `/v1`; Mistral and Inception have `/fim` below it.
    return {
        "chat": chat_wire(settings, profile),
        "edit": chat_wire(settings, profile, "/edit/completions"),
        "completions": completions_wire(settings, profile),
        "responses": responses_wire(settings),
        "fim": fim_wire(settings),
        "infill": infill_wire(f"{address.root}/infill"),
    }


def _connect(address: Address, http: Any, key: str) -> tuple[Any, Post]:
    import httpx2
    import openai

    from ...models.http_transport import quiet

    quiet("openai", "httpx2")
    client = openai.AsyncOpenAI(api_key=key, base_url=address.base, max_retries=0, http_client=http)
    kind = openai.AsyncStream[object]

    def post(path: str, body: Body) -> Any:
        return client.post(path, cast_to=httpx2.Response, body=body, stream=True, stream_cls=kind)

    return client, post


def _auth(address: Address, key: str) -> dict[str, str]:
    """Return the headers with the key: Azure's deployments take it in a different one."""
    parts = urlsplit(address.base)
    azure = _AZURE.search(parts.hostname or "") or "/openai/deployments/" in parts.path
    # A token of Entra goes where every token goes.
    if azure and not key.startswith("eyJ"):
        return {"api-key": key}
    return {"authorization": f"Bearer {key}"}
