"""Learn facts about a service from its answers and errors."""

from __future__ import annotations

import re

from ..errors import (
    BadRequestError,
    ContextTooLongError,
    ModelNotFoundError,
    ProviderError,
    ServiceUnavailableError,
    advice_first,
)
from ..types import Task
from .error_mapping import AnswerError
from .error_words import words_of
from .stream_assembler import Delta, Finish, NoTextError
from .thinking import STARVED, THINKS, Switch, plan_thinking
from .wire_facts import WireFacts
from .wire_format import BARE, LENGTHS, STREAM, WireRequest, limit_fact, limit_of, use_api

_STREAM = re.compile(
    r"verified to stream|(?<![\w-])stream(ing)?[\"'`]? ?(mode )?(is |does |are )?(not|un)[ -]?supported"
    r"|not support (the )?[\"'`]?stream|set [\"'`]?stream[\"'`]? to false",
    re.I,
)
_LIMIT = re.compile(
    r"max(?:imum)?[ _](?:\w+_)?tokens.{0,140}?"
    r"(?:(?:at most|or equal to|no more than|<=|>|\[\d+,|between \d+ and)\D{0,3}|exceed\D{0,60})(\d{2,7})",
    re.I | re.S,
)
_WINDOW = re.compile(
    r"(?:maximum context length (?:is|of)|`inputs` tokens \+ `max_new_tokens` must be <=) (\d{3,7})",
    re.I,
)
_IN_THE_COMPLETION = re.compile(r"in (?:the|your) (?:completion|output)|max_(?:\w+_)?tokens", re.I)
_THINKING_WORDS = re.compile(r"think|reasoning|budget|effort", re.I)
_PARAMETER_WORDS = re.compile(
    r"param|argument|unrecogni|extra_forbidden|extra inputs|unknown (name|field)|unexpected"
    r"|not (supported|permitted|allowed)|unsupported|参数"
    r"|invalid value|supported values|(expected|must be) one of|input should be",
    re.I,
)
# The service does not know the parameter at all: no other value of it will do.
_UNKNOWN = re.compile(
    r"unrecogni[sz]ed|unknown(?! variant)|unexpected|extra[_ ](forbidden|inputs|fields)"
    r"|(unsupported|not support\w*) (the )?(request )?(param|argument|field|property|thinking|reasoning)"
    r"|(parameter|argument|property)\S* [\"'`]?\w*[\"'`]? ?(is )?(not supported|unsupported)",
    re.I,
)
_MUST_BE_OFF = re.compile(r"must be (set to )?(false|disabled)", re.I)
_USED_UP = re.compile(r"token limit|max_tokens|length limit|output limit", re.I)
_NOT_FINISHED = re.compile(r"could not finish the message because max_tokens", re.I)
"""OpenAI's refusal, with status 400, of an answer whose thought used up the limit."""
_CHOICES = ("chat", "completions", "fim")
"""APIs whose texts have no end of their own."""
_NO_API = (404, 405, 501)
_OTHER_API = re.compile(
    r"(?:not a chat model|only (?:supported|available) (?:in|on|via|with)|did you mean to use|use)\b"
    r".{0,90}?\bv1/(responses|completions)\b",
    re.I | re.S,
)
_NOT_CHAT = re.compile(
    r"chat ?completions? operation does not work|unsupported_api_for_model"
    r"|not (?:accessible|supported|available) (?:via|in|on|by|with) the \S{0,6}chat/completions",
    re.I,
)
"""A refusal that names no API which would do: Azure's, GitHub's."""


class Lessons:
    """Learns from one request."""

    def __init__(self, facts: WireFacts, setting: str, request: WireRequest | None = None) -> None:
        self._facts = facts
        self._setting = setting
        self._request = request
        self._thought = False
        self._text = False
        self._ends_in_text = False
        """Whether the latest event had text or the usage, so that nothing damaged is at the end."""

    def see(self, delta: Delta) -> None:
        """Learn from a piece of the answer whether the model thinks, and whether a switch works."""
        if delta.thought and not self._thought:
            self._thought = True
            self._facts.learn(THINKS)
            if (switch := self._switch()) and switch.level == "off":
                self._facts.forget(switch.quiet)
                self._facts.learn(switch.refused)
        self._ends_in_text = bool(delta.text or delta.thought or delta.usage)
        if delta.finish is not None and BARE in self._facts.known:
            self._facts.forget(BARE)
        if delta.text and not self._text:
            self._text = True
            if not self._thought and (switch := self._switch()) and switch.level == "off":
                self._facts.learn(switch.quiet)

    def bare_end(self, sound: bool) -> Finish | None:
        """Return the finish of a stream whose end nothing announces: whole if it is this service's habit.

        The first such answer counts as broken off. Only the end of a ``sound`` body differs from a cut.
        """
        sound = sound and self._text and self._ends_in_text
        if not (sound and self._request and self._request.wire.name in _CHOICES):
            return None
        known = BARE in self._facts.known
        self._facts.learn(BARE)
        return "stop" if known else None

    def from_starvation(self, error: ProviderError | AnswerError, task: Task) -> bool:
        """Learn from an answer without text; return whether the next request differs."""
        if self._request is None or self._text:
            return False
        if isinstance(error, AnswerError):
            if not (self._thought and _USED_UP.search(words_of(error.body))):
                return False
        elif not isinstance(error, NoTextError):
            return False
        switch = self._switch()
        if switch is not None and switch.level == "off":
            self._facts.forget(switch.quiet)
            self._facts.learn(THINKS, switch.refused)
        elif self._request.plan.room:
            self._facts.learn(THINKS, STARVED)
        else:
            self._facts.learn(THINKS)
        wire = self._request.wire
        plan = plan_thinking(wire.switches, self._facts.known, task, self._setting, True)
        return plan != self._request.plan

    def no_text(self, name: str) -> NoTextError:
        """Return the error of a request that was given up."""
        fault = "the model used up its tokens before it wrote anything"
        advice = "set thinking to off, or choose a model that does not think first"
        return NoTextError(name, advice_first(name, fault, advice))

    def from_refusal(self, error: Exception, meaning: ProviderError) -> list[str]:
        """Learn from a refused request; return the new facts, none if it teaches nothing."""
        status, request = getattr(error, "status_code", 0), self._request
        kinds = BadRequestError | ServiceUnavailableError | ModelNotFoundError | ContextTooLongError
        if request is None or not isinstance(meaning, kinds):
            return []
        reason = f"{words_of(getattr(error, 'body', None))} {error}"[:4000]
        if request.wire.replaceable and status in _NO_API:
            return self._learn(request.wire.missing)
        if (other := _OTHER_API.search(reason)) and other[1] in request.wire.alternatives:
            return self._learn(use_api(other[1]))
        if _NOT_CHAT.search(reason) and request.wire.alternatives:
            return self._learn(use_api(request.wire.alternatives[0]))
        if status not in (400, 422, 500):
            return []
        if _NOT_FINISHED.search(reason):
            return self._learn(THINKS)
        if limit := self._limit(reason):
            return self._learn(limit_fact(limit))
        if isinstance(meaning, ContextTooLongError):
            return []
        param = str(getattr(error, "param", None) or "")
        return (
            self._from_streaming(param, reason)
            or self._from_parameter(param, reason)
            or self._from_switch(param, reason)
        )

    def _limit(self, reason: str) -> int:
        """Return the longest answer that the service allows, if it is less than was asked for.

        Where the answer and the prompt exceed the window together, the answer gets half of it.
        """
        found = _LIMIT.search(reason)
        window = _WINDOW.search(reason) if _IN_THE_COMPLETION.search(reason) else None
        if not (found or window) or self._request is None:
            return 0
        limit = int(window[1]) // 2 if window else int(found[1]) if found else 0
        body = self._request.body
        asked = max((body[name] for name in LENGTHS if name in body), default=0)
        known = limit_of(self._facts.known)
        return limit if 16 <= limit < asked and (not known or limit < known) else 0

    def _from_streaming(self, param: str, reason: str) -> list[str]:
        refused = param == STREAM or (param in ("", "null") and _STREAM.search(reason))
        return self._learn(STREAM) if refused else []

    def _from_parameter(self, param: str, reason: str) -> list[str]:
        assert self._request is not None
        optional = self._request.wire.optional
        left = [name for name in optional if name not in self._facts.known]
        if param in left:
            return self._learn(param)
        return self._learn(*[name for name in left if optional[name].search(reason)][:1])

    def _from_switch(self, param: str, reason: str) -> list[str]:
        """Learn that a switch is refused, or that one is demanded."""
        assert self._request is not None
        switches, switch = self._request.wire.switches, self._switch()
        if switch is None:
            named = [
                s for s in switches if s.parameter and re.search(rf"\b{s.parameter}\b", reason)
            ]
            wanted = named and _MUST_BE_OFF.search(reason)
            return (
                self._learn(THINKS, *(s.refused for s in _before(switches, named[0])))
                if wanted
                else []
            )
        named = switch.parameter in (param, *re.findall(r"\w+", reason)) or _THINKING_WORDS.search(
            reason
        )
        if not named and (switch.quiet in self._facts.known or not _PARAMETER_WORDS.search(reason)):
            return []
        if not _UNKNOWN.search(reason) or not switch.parameter:
            return self._learn(switch.refused)
        return self._learn(*(s.refused for s in switches if s.parameter == switch.parameter))

    def _switch(self) -> Switch | None:
        return self._request.plan.switch if self._request else None

    def _learn(self, *facts: str) -> list[str]:
        new = [fact for fact in facts if fact not in self._facts.known]
        self._facts.learn(*new)
        return new


def _before(switches: tuple[Switch, ...], switch: Switch) -> tuple[Switch, ...]:
    return switches[: switches.index(switch)]
