"""HTTP with the child: one client, JSON in, JSON or a stream of events out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .event_parser import Event, error_of, events, read_object
from .server_process import Endpoint

if TYPE_CHECKING:
    import httpx2

SLOT_COMPLETE, SLOT_CHAT = 0, 1
"""One slot for each kind of work, so that an explanation does not evict a completion's prompt."""


def make_client() -> httpx2.AsyncClient:
    """Return the client for loopback. Imports modules and reads files: call it in a thread."""
    import httpx2

    return httpx2.AsyncClient(
        # The policies around the model limit the time of an answer.
        timeout=httpx2.Timeout(None, connect=5.0),
        # The engine closes a connection after an answer, sometimes just as the next request uses it.
        limits=httpx2.Limits(max_keepalive_connections=0),
        trust_env=False,  # a proxy from the environment cannot reach loopback
    )


@dataclass(frozen=True, slots=True)
class EngineClient:
    """The connection to one running child. Raises ``ProviderError`` and ``httpx2.HTTPError``."""

    client: httpx2.AsyncClient
    endpoint: Endpoint
    model: str
    """The configured name, for errors."""

    async def ask(self, path: str, body: dict[str, Any]) -> Event:
        """Send one request; return the JSON object of its answer."""
        url = self.endpoint.url + path
        response = await self.client.post(url, json=body, headers=self._headers)
        answer = read_object(response.content, self.model)
        if response.status_code != 200:
            raise error_of(self.model, response.status_code, answer)
        return answer

    async def listen(self, path: str, body: dict[str, Any]) -> AsyncGenerator[Event]:
        """Send one request and yield its events; closing the generator closes the connection."""
        url = self.endpoint.url + path
        async with self.client.stream("POST", url, json=body, headers=self._headers) as response:
            if response.status_code != 200:
                answer = read_object(await response.aread(), self.model)
                raise error_of(self.model, response.status_code, answer)
            async with aclosing(events(response.aiter_lines(), self.model)) as stream:
                async for event in stream:
                    yield event

    async def is_token(self, text: str) -> bool:
        """Return whether the model's vocabulary has the text as one token, control tokens included."""
        body = {"content": text, "add_special": False, "parse_special": True}
        tokens = (await self.ask("/tokenize", body)).get("tokens")
        return isinstance(tokens, list) and len(tokens) == 1

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.endpoint.key}"}
