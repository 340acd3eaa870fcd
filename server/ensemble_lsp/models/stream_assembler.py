"""Assemble a provider's deltas into chunks: stop strings, limits, confidence, and the final check."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Literal

from ..errors import ContentFilteredError, InvalidResponseError, advice_first
from ..types import Chunk, Prompt, Usage
from .interface import Profile
from .token_estimates import MAX_CHARACTERS_PER_TOKEN, tokens_of

_SURROGATES = re.compile("[\ud800-\udfff]")

Finish = Literal["stop", "length", "filter"]


@dataclass(frozen=True, slots=True)
class Delta:
    """One piece of a provider's stream, in a common form."""

    text: str = ""
    finish: Finish | None = None
    usage: Usage | None = None
    logprobs: tuple[float, ...] = ()
    refusal: bool = False
    thought: bool = False
    """Whether the model thinks: a thought came, or tokens of one were counted."""


class NoTextError(InvalidResponseError):
    """The length limit was used up before any text came: by a thought, as far as one can tell."""


class StopStrings:
    """Cuts a stream of text at the first stop string, however it is split into pieces.

    Services take few stop strings, and some servers ignore them; the text after one would still be
    paid for.
    """

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = tuple(s for s in stops if s)
        self._held: str = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """Return the text that cannot belong to a stop string."""
        if self.stopped:
            return ""
        text = _join_halves(self._held + text)
        found = [at for at in (text.find(s) for s in self._stops) if at >= 0]
        if found:
            self.stopped, self._held = True, ""
            return text[: min(found)]
        # The second half of a character outside the basic plane may come with the next piece.
        half = int("\ud800" <= text[-1:] <= "\udbff")
        keep = max((_overlap(text, s) for s in self._stops), default=0) or half
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    @property
    def holds(self) -> bool:
        """Whether text that may begin a stop string is held back."""
        return bool(self._held)

    def rest(self) -> str:
        """Return the text that is held back, at the end of the stream."""
        rest, self._held = self._held, ""
        return rest


def _join_halves(text: str) -> str:
    """Join surrogates that came in two pieces of a stream; a lone one becomes U+FFFD at the end."""
    if text.isascii() or not _SURROGATES.search(text):
        return text
    half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
    whole = text[: len(text) - len(half)]
    return whole.encode("utf-16", "surrogatepass").decode("utf-16", "replace") + half


def _overlap(text: str, stop: str) -> int:
    """Return how many of the text's last characters begin the stop string."""
    for size in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:size]):
            return size
    return 0


class _Answer:
    """The state of an answer while it streams."""

    def __init__(self, name: str, max_chars: int) -> None:
        self.name = name
        self.left = max_chars
        self.length = 0
        self.finish: Finish | None = None
        self.usage: Usage | None = None
        self.full = False
        self.thought = False
        self._log_sum = 0.0
        self._log_count = 0

    def take(self, delta: Delta) -> None:
        self.finish = delta.finish or self.finish
        self.usage = delta.usage or self.usage
        self.thought = self.thought or delta.thought
        for value in delta.logprobs:
            self._log_sum += value
            self._log_count += 1

    @property
    def confidence(self) -> float | None:
        return math.exp(self._log_sum / self._log_count) if self._log_count else None

    def chunk(self, text: str) -> Chunk:
        if len(text) >= self.left:
            text, self.full = text[: self.left], True
        self.left -= len(text)
        self.length += len(text)
        return Chunk(text, self.name, confidence=self.confidence)


async def assemble(
    deltas: AsyncIterator[Delta],
    profile: Profile,
    prompt: Prompt,
    stops: tuple[str, ...],
    asked: int,
) -> AsyncGenerator[Chunk, None]:
    """Yield the chunks of an answer; the last one has usage and finish.

    A chunk with ``finish`` is sent as soon as the provider reports that the text is complete, so
    readers need not wait for the token counts and the end of the connection.

    ``asked`` is the length of the request in characters, for providers that report no usage. The
    stream ends early at a stop string, and at far more text than ``prompt.max_tokens`` allows. Raises
    ``ContentFilteredError`` for a refusal, ``InvalidResponseError`` for a broken or an empty stream.
    """
    stop = StopStrings(stops)
    answer = _Answer(profile.name, prompt.max_tokens * MAX_CHARACTERS_PER_TOKEN)
    async for delta in deltas:
        answer.take(delta)
        if delta.refusal:
            raise _refused(profile)
        if text := stop.feed(delta.text):
            yield answer.chunk(text)
        if answer.full or stop.stopped:
            answer.finish = "length" if answer.full else "stop"
            break
        if delta.finish in ("stop", "length") and (answer.length or stop.holds):
            if text := stop.rest():
                yield answer.chunk(text)
            yield Chunk("", profile.name, answer.usage, answer.finish, answer.confidence)
    if (text := stop.rest()) and not answer.full:
        yield answer.chunk(text)
    _check(answer, profile, prompt, stop.stopped)
    usage = answer.usage or Usage(tokens_of(asked), tokens_of(answer.length), estimated=True)
    yield Chunk("", profile.name, usage, answer.finish, answer.confidence)


def _refused(profile: Profile) -> ContentFilteredError:
    advice = "ask differently or choose another model"
    text = advice_first(profile.name, "the model declined to answer", advice)
    return ContentFilteredError(profile.name, text)


def _check(answer: _Answer, profile: Profile, prompt: Prompt, stopped: bool) -> None:
    name = profile.name
    if answer.finish == "filter":
        raise _refused(profile)
    if answer.finish is None:
        fault = "the answer broke off" if answer.length else "the answer is empty"
        text = advice_first(name, fault, "try again, and check baseUrl and api if it happens again")
        raise InvalidResponseError(name, text)
    if answer.length:
        return
    # Some servers call it a stop when a thought has used up the limit.
    spent = answer.usage.output_tokens if answer.usage and answer.thought else 0
    if answer.finish == "length" or (spent and spent >= prompt.max_tokens):
        fault = "the model used up its tokens before it wrote anything"
        text = advice_first(name, fault, "choose a model that does not think first")
        raise NoTextError(name, text)
    # An empty text is a valid completion or edit, but not a valid answer to a question.
    if prompt.task not in ("complete", "edit") and not stopped:
        raise InvalidResponseError(name, advice_first(name, "the answer is empty", "try again"))
