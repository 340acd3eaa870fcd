"""Base class of adapters with an SDK: lazy import, a stream that closes at once, error translation.

An adapter describes its ``WireFormat``s: how a prompt becomes a request, and an event a ``Delta``. The SDK
handles connections, headers, addresses and errors; ``event_stream`` reads the bytes of an answer. What
a service refuses and whether its model thinks is learned from its answers, see ``wire_facts``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from ..errors import AuthenticationError, InvalidResponseError, advice_first
from ..provider_spec import spec_of
from ..settings import ModelSettings
from ..types import Chunk, Prompt
from .address import address_of
from .api_keys import missing_key
from .error_mapping import AnswerError, Source, is_loading, translate
from .error_words import complaint_in
from .interface import BuildContext, Profile
from .stream_assembler import Delta, NoTextError, assemble
from .thinking import ThoughtFilter
from .wire_facts import WireFacts, facts_at
from .wire_format import Body, WireFormat, WireRequest
from .wire_learning import Lessons

if TYPE_CHECKING:
    from .kept_connection import KeptConnection

Post = Callable[[str, Body], Awaitable[Any]]
"""Sends a body to a path and returns the HTTP response, not read yet; raises the SDK's errors."""
Connect = Callable[[Any, str], tuple[Any, Post]]
"""From an HTTP client and a key, returns the SDK's client and the function that sends.

Runs in a thread and imports everything that the first request needs.
"""

# Makes an SDK import and build everything that a real answer needs.
_CANNED = 'event: message_stop\ndata: {"type": "message_stop"}\n\ndata: [DONE]\n\n'
_MOST_ANSWERS = 4
"""Answers without text after which a request fails, even if each taught a new fact."""
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 2.0
"""Seconds between two requests to a server that loads its model."""


class SdkModel:
    """A model behind a provider's SDK. Holds no policy: no retry of failures, no queue."""

    def __init__(
        self,
        settings: ModelSettings,
        profile: Profile,
        context: BuildContext,
        *,
        connect: Connect,
        auth: Callable[[str], dict[str, str]],
    ) -> None:
        self._settings = settings
        self._profile = profile
        self._context = context
        self._key = (context.key or "").strip()
        self._connect = connect
        self._auth = auth
        self._address = address_of(settings)
        self._http = context.http_client
        self._client: Any = None
        self._post: Post | None = None
        self._kept: KeptConnection | None = None
        self._loading = asyncio.Lock()
        self._facts = WireFacts()
        self._waiting = False
        self._source = _source(settings, profile, self._key)

    @property
    def profile(self) -> Profile:
        """The model's profile."""
        return self._profile

    @property
    def is_loading(self) -> bool:
        """Whether the server said that it is loading the model."""
        return self._waiting

    def wire(self, prompt: Prompt, facts: frozenset[str]) -> WireFormat:
        """Return the format for a prompt, given the facts known of the service."""
        raise NotImplementedError

    async def prepare(self) -> None:
        """Import the SDK off the event loop, so no request waits for it."""
        await self._ready()

    def expect_request(self) -> None:
        """Open a connection ahead of the next request; send nothing."""
        if self._kept is not None and self._post is not None:
            self._kept.expect_request()

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Stream an answer; see ``interface.Model``."""
        started = False
        lessons = Lessons(self._facts, self._settings.thinking)
        try:
            for _ in range(_MOST_ANSWERS):
                response, request = await self._open(prompt)
                started = True
                lessons = Lessons(self._facts, self._settings.thinking, request)
                try:
                    deltas = self._deltas(response, request, lessons)
                    stops = request.wire.stops(prompt)
                    answer = assemble(
                        deltas, self._profile, prompt, stops, _characters(request.body)
                    )
                    async with aclosing(deltas), aclosing(answer):
                        async for chunk in answer:
                            yield chunk
                    return
                except (NoTextError, AnswerError) as error:
                    if not lessons.from_starvation(error, prompt.task):
                        raise
                finally:
                    await response.aclose()
            raise lessons.no_text(self._profile.name)
        except NoTextError as error:
            raise InvalidResponseError(error.model, str(error)) from None
        except Exception as error:
            # The SDK's own exception holds the request, key included: it is not kept as the cause.
            raise translate(error, self._source, started) from None

    async def close(self) -> None:
        """Close the connections."""
        client, self._client, self._post = self._client, None, None
        if client is not None:
            await client.close()

    def notice(self, text: str) -> None:
        """Tell the user what a request waits for; ``""`` when it is over."""
        if self._context.on_notice is not None:
            self._context.on_notice(self._profile.name, text)

    async def on_connected(self) -> None:
        """Ask the server what it is; called once, before the first request."""

    def before_request(self, prompt: Prompt) -> None:
        """Start work that runs beside a request."""

    async def _ready(self) -> Post:
        async with self._loading:
            if self._post is None:
                self._check_key()
                self._client, post = await asyncio.to_thread(self._load)
                if self._context.http_client is None:
                    await self.on_connected()
                self._post = post
            return self._post

    def _load(self) -> tuple[Any, Post]:
        if self._context.http_client is None:
            from .http_transport import LIMITS, make_client
            from .kept_connection import kept_connection

            self._warm_up()  # also imports ``event_stream``
            auth = self._auth(self._key) if self._key else {}
            self._kept = kept_connection(self._profile, self._address.base, LIMITS)
            self._http = make_client(self._profile, auth, kept=self._kept)
            place = self._address.base.partition("://")[2].partition("/")[0]
            key = f"{self._profile.provider} {place} {self._profile.model}"
            self._facts = facts_at(self._context.data_dir).of(key)
        # Without a key an SDK takes one from the environment, which may be meant for another host.
        return self._connect(self._http, self._key or "none")

    def _warm_up(self) -> None:
        """Let the SDK read one canned answer in this thread.

        It imports and builds its parts on first use, which would block the event loop.
        """
        from .event_stream import EventReader
        from .http_transport import canned_client

        async def read(client: Any, post: Post) -> None:
            wire = self.wire(Prompt("complete", "", ""), frozenset())
            async for _ in EventReader(await post(wire.path, {})).events():
                pass
            await client.close()

        # A failure here repeats, and is reported, with the real request.
        with suppress(Exception):
            # Imported before the loop runs: the SDK looks up its own version among the installed files.
            client, post = self._connect(canned_client(_CANNED), "none")
            asyncio.run(read(client, post))

    def _check_key(self) -> None:
        name = self._profile.name
        if not self._key:
            if remedy := missing_key(self._settings):
                advice = remedy.removeprefix("no key: ")
                raise AuthenticationError(name, advice_first(name, "no key", advice))
        elif not (self._key.isascii() and self._key.isprintable()):
            fault = f"{self._source.key_name} holds characters no key has"
            raise AuthenticationError(name, advice_first(name, fault, "set the key again"))

    def _request(self, prompt: Prompt) -> WireRequest:
        facts = self._facts.known
        wire = self.wire(prompt, facts)
        return WireRequest.build(wire, prompt, facts, self._settings.thinking)

    async def _open(self, prompt: Prompt) -> tuple[Any, WireRequest]:
        post = await self._ready()
        self.before_request(prompt)
        learned: list[str] = []
        wait = _FIRST_WAIT
        while True:
            request = self._request(prompt)
            try:
                response = await post(self._address.path(request.wire.path), request.body)
            except Exception as error:
                if is_loading(translate(error, self._source)):
                    await self._wait_for_loading(wait)
                    wait = min(wait * 2, _LONGEST_WAIT)
                    continue
                SdkModel.answered(self)
                lessons = Lessons(self._facts, self._settings.thinking, request)
                new = lessons.from_refusal(error, translate(error, self._source))
                if not new:
                    # The lessons did not explain the refusal, so the next request does not apply them.
                    self._facts.forget(*learned)
                    raise
                learned += new
            else:
                return response, request

    async def _wait_for_loading(self, seconds: float) -> None:
        if not self._waiting:
            self._waiting = True
            self.notice(f"{self._source.place} is loading {self._profile.model or 'the model'}")
        await asyncio.sleep(seconds)

    def answered(self) -> None:
        """Record that the server answers: no model is loading."""
        if self._waiting:
            self._waiting = False
            self.notice("")

    async def _deltas(
        self, response: Any, request: WireRequest, lessons: Lessons
    ) -> AsyncGenerator[Delta, None]:
        from .event_stream import EventReader, NotAnAnswerError

        reader, wire = EventReader(response), request.wire.reader()
        thoughts = ThoughtFilter() if request.wire.is_chat else None
        started = finished = has_text = False
        complaint: Any = None
        try:
            async with aclosing(reader.events()) as events:
                async for event in events:
                    if not started:
                        started = True
                        self.answered()
                    complaint = complaint or complaint_in(event)
                    delta = wire.read(event)
                    if thoughts is not None:
                        delta = _without_thought(delta, thoughts)
                    lessons.see(delta)
                    finished = finished or delta.finish is not None
                    has_text = has_text or bool(delta.text)
                    yield delta
        except NotAnAnswerError as error:
            raise self._not_an_answer(error.kind) from None
        rest = thoughts.rest() if thoughts is not None else ""
        if complaint is not None and not (finished or has_text or rest):
            raise AnswerError(complaint)
        if not finished:
            yield Delta(rest, finish=wire.end(reader.complete) or lessons.bare_end(reader.sound))

    def _not_an_answer(self, kind: str) -> InvalidResponseError:
        shown = kind if kind.replace("/", "").replace("-", "").replace(".", "").isalnum() else ""
        name, fault = self._profile.name, f"{self._source.place} sends {shown[:60] or 'something'}"
        text = advice_first(name, f"{fault} instead of an answer", "check baseUrl and api")
        return InvalidResponseError(name, text)


def _without_thought(delta: Delta, thoughts: ThoughtFilter) -> Delta:
    """Return the delta without a thought in its text; text held back comes with the finish."""
    if not delta.text and delta.finish is None:
        return delta
    text = thoughts.feed(delta.text) if delta.text else ""
    if delta.finish is not None:
        text += thoughts.rest()
    if text == delta.text and thoughts.seen == delta.thought:
        return delta
    return replace(delta, text=text, thought=delta.thought or thoughts.seen)


def _source(settings: ModelSettings, profile: Profile, key: str) -> Source:
    variable = settings.api_key_env or spec_of(settings.provider).key_variable
    where = f"the key in {variable}" if settings.api_key_env else f"the key ({variable} or keyring)"
    url = address_of(settings).base
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
