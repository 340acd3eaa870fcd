"""The gate between every remote model and its adapter: no prompt leaves this machine past it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

from ...errors import ConnectionFailedError
from ...types import Chunk, Prompt
from ..interface import Connectable, Model, Preparable, Profile, PromptRedactor
from ..stream_collector import open_stream
from .wrapper_base import Wrapper

FindForwarding = Callable[[float], Awaitable[str | None]]
"""Takes seconds. Returns how a server on this machine shows that it forwards to a service; "" if it does not show it.

``None`` if the server does not answer within the seconds.
"""

_QUICK, _PATIENT = 0.5, 3.0
"""Seconds for the server's answer, ahead of any request and before the first prompts."""
_ATTEMPTS = 2
"""Prompts that wait for the server's answer; a server that never answers counts as its address says."""


class PrivacyGate(Wrapper):
    """Redacts every prompt of a remote model.

    A server on this machine may be a proxy. It is asked before it gets its first prompt; if it
    forwards, the model is a remote one from then on.
    """

    def __init__(
        self, inner: Model, redactor: PromptRedactor, find_forwarding: FindForwarding | None = None
    ) -> None:
        super().__init__(inner)
        self._redactor = redactor
        self._find_forwarding = find_forwarding
        self._profile = inner.profile
        self._unanswered = 0
        self.forwarding = ""
        """The sign by which the server was recognised as a proxy; empty without one."""

    @property
    def profile(self) -> Profile:
        """The model's profile; it is not local once the server is known to forward."""
        return self._profile

    async def prepare(self) -> None:
        """Load what the adapter needs, and ask the server."""
        await self.ask_server(_QUICK)
        if isinstance(self.inner, Preparable):
            await self.inner.prepare()

    def expect_request(self) -> None:
        """Have a connection open; a prompt comes later, and is redacted."""
        if isinstance(self.inner, Connectable):
            self.inner.expect_request()

    async def stream(self, prompt: Prompt) -> AsyncIterator[Chunk]:
        """Stream the inner model's answer to the redacted prompt.

        Raises ``ConnectionFailedError`` for a prompt that was made for a local model, if the server
        turns out to be a proxy.
        """
        made_for_local = self._profile.local
        await self.ask_server(_PATIENT)
        if not self._profile.local:
            if made_for_local:
                name = self._profile.name
                text = (
                    f"{name}: its server {self.forwarding}, so the model counts as a remote one "
                    "from now on. Ask again, or set `local = true` if code stays on this machine."
                )
                error = ConnectionFailedError(name, text)
                error.trips_breaker = error.was_sent = False
                raise error
            prompt = await self._redactor.redact_prompt(prompt)
        async with open_stream(self.inner, prompt) as chunks:
            async for chunk in chunks:
                yield chunk

    async def ask_server(self, seconds: float = _QUICK) -> None:
        """Ask a server on this machine whether it forwards, until it has answered once."""
        if self._find_forwarding is None:
            return
        start = time.monotonic()
        found = await self._find_forwarding(seconds)
        if found is None:
            # A server that is not running answers at once, and may be started later.
            self._unanswered += time.monotonic() - start >= _PATIENT
            if self._unanswered >= _ATTEMPTS:
                self._find_forwarding = None
            return
        self._find_forwarding = None
        if found:
            self.forwarding = found
            self._profile = replace(self._profile, local=False)
