"""What the adapters of both SDKs share: lazy import, a stream that closes at once, one translation.

An adapter brings a ``Wire``: how a prompt becomes a request and an event a ``Delta``. The SDK does
connections, headers, addresses, errors and events; bodies go in and events come out as plain JSON (its
``post``, cast to ``object``): turning them into its types and back took as long as all the rest.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, cast

from ..errors import (
    AuthenticationError,
    BadRequestError,
    InvalidResponseError,
    ModelNotFoundError,
    ServiceUnavailableError,
)
from ..provider_spec import spec_of
from ..settings import ModelSettings
from ..types import Chunk, Prompt
from .api_keys import missing_key
from .error_mapping import AnswerError, Source, translate
from .interface import BuildContext, Profile
from .profiles import base_url
from .stream_assembler import Delta, assemble

Body = dict[str, Any]
Open = Callable[[Body], Awaitable[Any]]
"""Sends a request's body, and gives the SDK's stream of decoded events."""

# Enough for an SDK to import and build all that a real answer will need.
_CANNED = 'event: message_stop\ndata: {"type": "message_stop"}\n\n'


@dataclass(frozen=True, slots=True)
class WireFormat:
    """One wire format of one SDK, as plain functions."""

    load: Callable[[Any, str], tuple[Any, Open]]
    """From an HTTP client and a key: the SDK's client, and what opens a stream with it.

    Runs in a thread, and imports whatever the first request would.
    """
    body: Callable[[Prompt, frozenset[str]], Body]
    """The request, without the parameters that were refused before."""
    reader: Callable[[], Callable[[Body], Delta]]
    """A fresh function that reads the events of one stream, decoded and nothing else."""
    stops: Callable[[Prompt], tuple[str, ...]]
    """Stop strings to hold to whatever the service does."""
    optional: Mapping[str, re.Pattern[str]]
    """Parameters a request can do without, and how an error names them."""
    auth: Callable[[str], dict[str, str]]
    """The headers that carry a key."""


class SdkModel:
    """A model behind a provider's SDK. Holds no policy: no retry of failures, no queue."""

    def __init__(
        self,
        settings: ModelSettings,
        profile: Profile,
        key: str | None,
        wire: WireFormat,
        *,
        http_client: Any = None,
    ) -> None:
        self._settings = settings
        self._profile = profile
        self._key = (key or "").strip()
        self._wire = wire
        self._http = http_client
        self._client: Any = None
        self._send: Open | None = None
        self._loading = asyncio.Lock()
        self._refused: set[str] = set()
        self._source = _source(settings, profile, self._key)

    @classmethod
    def build(cls, settings: ModelSettings, profile: Profile, context: BuildContext) -> SdkModel:
        """Build the adapter of a provider's spec."""
        return cast(Any, cls)(settings, profile, context.key, http_client=context.http_client)

    @property
    def profile(self) -> Profile:
        """What is known of the model."""
        return self._profile

    async def prepare(self) -> None:
        """Import the SDK now, off the event loop, so that no request waits for it."""
        await self._ready()

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Answer in pieces; see ``base.Model``."""
        begun = False
        try:
            stream, body = await self._open(prompt)
            begun = True
            try:
                await self._check_kind(stream)
                deltas, asked = self._deltas(stream), _characters(body)
                stops = self._wire.stops(prompt)
                answer = assemble(deltas, self._profile, prompt, stops, asked)
                async with aclosing(deltas), aclosing(answer):
                    async for chunk in answer:
                        yield chunk
            finally:
                await stream.close()
        except Exception as error:
            # The SDK's own exception holds the request, key included: it is not kept as the cause.
            raise translate(error, self._source, begun) from None

    async def close(self) -> None:
        """Close the connections."""
        client, self._client, self._send = self._client, None, None
        if client is not None:
            await client.close()

    async def _ready(self) -> Open:
        async with self._loading:
            if self._send is None:
                self._check_key()
                self._client, self._send = await asyncio.to_thread(self._load)
            return self._send

    def _load(self) -> tuple[Any, Open]:
        http = self._http
        if http is None:
            from .http_transport import make_client

            self._warm_up()
            auth = self._wire.auth(self._key) if self._key else {}
            http = make_client(self._profile, auth)
        # Without a key an SDK takes one from the environment, which may be meant for another host.
        return self._wire.load(http, self._key or "none")

    def _warm_up(self) -> None:
        """Let the SDK read one canned answer, here in the thread.

        It imports and builds things when it first meets them, which would hold the event loop.
        """
        from .http_transport import canned_client

        async def read(client: Any, send: Open) -> None:
            async for _ in await send(self._wire.body(Prompt("complete", "", ""), frozenset())):
                pass
            await client.close()

        # What goes wrong here goes wrong again, and is told, with the real request.
        with suppress(Exception):
            # Imported before the loop runs: the SDK looks up its own version among the installed files.
            client, send = self._wire.load(canned_client(_CANNED), "none")
            asyncio.run(read(client, send))

    def _check_key(self) -> None:
        name = self._profile.name
        if not self._key:
            if remedy := missing_key(self._settings):
                raise AuthenticationError(name, f"{name}: {remedy}.")
        elif not (self._key.isascii() and self._key.isprintable()):
            text = f"{name}: {self._source.key_name} holds characters no key has; set it again."
            raise AuthenticationError(name, text)

    async def _open(self, prompt: Prompt) -> tuple[Any, Body]:
        send = await self._ready()
        while True:
            body = self._wire.body(prompt, frozenset(self._refused))
            try:
                return await send(body), body
            except Exception as error:
                name = self._newly_refused(error)
                if name is None:
                    raise
                self._refused.add(name)

    def _newly_refused(self, error: Exception) -> str | None:
        """The parameter the service will not have, if that is what the error says."""
        meaning = translate(error, self._source)
        if not isinstance(meaning, BadRequestError | ServiceUnavailableError | ModelNotFoundError):
            return None
        if getattr(error, "status_code", 0) not in (400, 422, 500):
            return None
        param = str(getattr(error, "param", None) or "")
        open_ones = [n for n in self._wire.optional if n not in self._refused]
        if param in open_ones:
            return param
        said = f"{getattr(error, 'body', '')} {error}"[:2000]
        return next((n for n in open_ones if self._wire.optional[n].search(said)), None)

    async def _check_kind(self, stream: Any) -> None:
        """Refuse what is no event stream: a web page, an error in JSON, an answer in one piece."""
        response = stream.response
        kind = str(response.headers.get("content-type", "")).split(";")[0].strip().lower()
        if kind in ("", "text/event-stream"):
            return
        await response.aread()
        if "json" in kind:
            body: Any = response.json()
            if isinstance(body, dict) and cast("dict[str, Any]", body).get("error"):
                raise AnswerError(body)
        shown = kind if re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind) else "something"
        text = (
            f"{self._profile.name}: {self._source.place} sends {shown[:60]} in place of an answer; "
            "check baseUrl and api."
        )
        raise InvalidResponseError(self._profile.name, text)

    async def _deltas(self, stream: Any) -> AsyncGenerator[Delta, None]:
        read = self._wire.reader()
        async for event in stream:
            if isinstance(event, dict):
                yield read(cast(Body, event))


def _source(settings: ModelSettings, profile: Profile, key: str) -> Source:
    variable = settings.api_key_env or spec_of(settings.provider).key_variable
    where = f"the key in {variable}" if settings.api_key_env else f"the key ({variable} or keyring)"
    url = base_url(settings)
    return Source(profile.name, settings.model, url, where if key else "", key, profile.local)


def _characters(body: Any) -> int:
    """How many characters of text a request holds."""
    if isinstance(body, str):
        return len(body)
    if isinstance(body, dict):
        return sum(map(_characters, cast("dict[str, Any]", body).values()))
    if isinstance(body, list):
        return sum(map(_characters, cast("list[Any]", body)))
    return 0


def table(value: Any) -> Body:
    """A JSON object inside an event; an empty one where the provider sent none, or something else."""
    return cast(Body, value) if isinstance(value, dict) else {}


def whole(value: Any) -> int:
    """A count a provider sent, 0 where it sent none or nonsense."""
    return value if isinstance(value, int) and value > 0 else 0
