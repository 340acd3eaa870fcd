"""Base class of adapters with an SDK: lazy import, a stream that closes at once, error translation.

An adapter describes a ``WireFormat``: how a prompt becomes a request, and an event a ``Delta``. The SDK
handles connections, headers, addresses, errors and events. Bodies and events are plain JSON (the SDK's
``post``, cast to ``object``): its typed objects took as long as everything else together.
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
"""Sends a request's body and returns the SDK's stream of decoded events."""

# Makes an SDK import and build everything that a real answer needs.
_CANNED = 'event: message_stop\ndata: {"type": "message_stop"}\n\n'


@dataclass(frozen=True, slots=True)
class WireFormat:
    """One wire format of one SDK, as plain functions."""

    load: Callable[[Any, str], tuple[Any, Open]]
    """From an HTTP client and a key, returns the SDK's client and the function that opens a stream.

    Runs in a thread and imports everything that the first request needs.
    """
    body: Callable[[Prompt, frozenset[str]], Body]
    """Returns the request without the parameters that the service has refused."""
    reader: Callable[[], Callable[[Body], Delta]]
    """Returns a new function that reads the events of one stream."""
    stops: Callable[[Prompt], tuple[str, ...]]
    """Returns stop strings to enforce even if the service ignores them."""
    optional: Mapping[str, re.Pattern[str]]
    """Optional parameters, and the pattern by which an error names each."""
    auth: Callable[[str], dict[str, str]]
    """Returns the headers that carry a key."""


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
        """The model's profile."""
        return self._profile

    async def prepare(self) -> None:
        """Import the SDK off the event loop, so no request waits for it."""
        await self._ready()

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Stream an answer; see ``interface.Model``."""
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
        """Let the SDK read one canned answer in this thread.

        It imports and builds its parts on first use, which would block the event loop.
        """
        from .http_transport import canned_client

        async def read(client: Any, send: Open) -> None:
            async for _ in await send(self._wire.body(Prompt("complete", "", ""), frozenset())):
                pass
            await client.close()

        # A failure here repeats, and is reported, with the real request.
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
        """Return the parameter that the service refuses, if the error names one."""
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
        """Raise for anything but an event stream: a web page, an error in JSON, an unstreamed answer."""
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
            f"{self._profile.name}: {self._source.place} sends {shown[:60]} instead of an answer; "
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
    """Return the number of characters of text in a request."""
    if isinstance(body, str):
        return len(body)
    if isinstance(body, dict):
        return sum(map(_characters, cast("dict[str, Any]", body).values()))
    if isinstance(body, list):
        return sum(map(_characters, cast("list[Any]", body)))
    return 0


def table(value: Any) -> Body:
    """Return a JSON object inside an event; an empty one for anything else."""
    return cast(Body, value) if isinstance(value, dict) else {}


def whole(value: Any) -> int:
    """Return a count that a provider sent; 0 for anything but a positive number."""
    return value if isinstance(value, int) and value > 0 else 0
