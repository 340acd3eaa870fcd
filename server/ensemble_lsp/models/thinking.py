"""Models that think before they write: switch thinking off or down, and keep it out of the text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ..types import Task
from .token_estimates import THINKING_TOKENS

THINKS = "thinks"
"""Fact: the model was seen to think."""
STARVED = "starved"
"""Fact: the model used up its room for thought when thinking was only turned down."""

Level = Literal["off", "low"]
_LENGTHS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


@dataclass(frozen=True, slots=True)
class Switch:
    """One way of a service to switch thinking off or down."""

    name: str
    level: Level
    body: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Parameters that it adds to a request."""
    text: str = ""
    """Text that it adds to the user's message."""
    reliable: bool = False
    """Whether the service documents that no thought comes then, so that none needs room."""

    @property
    def refused(self) -> str:
        """The fact that it is refused or has no effect."""
        return f"no {self.name}"

    @property
    def quiet(self) -> str:
        """The fact that an answer came without a thought."""
        return f"quiet {self.name}"

    @property
    def parameter(self) -> str:
        """The parameter that it adds."""
        return next(iter(self.body), "")


@dataclass(frozen=True, slots=True)
class ThinkingPlan:
    """The treatment of thinking in one request."""

    switch: Switch | None = None
    room: bool = False
    """Whether the length limit has to leave room for thought."""

    def apply(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the request with the switch and the room."""
        body = {**body, **(self.switch.body if self.switch else {})}
        if self.switch and self.switch.text:
            last = body["messages"][-1]
            switched = {**last, "content": f"{last['content']}\n{self.switch.text}"}
            body["messages"] = [*body["messages"][:-1], switched]
        if self.room:
            body |= {k: body[k] + THINKING_TOKENS for k in _LENGTHS if k in body}
        return body


_IMPATIENT: tuple[Task, ...] = ("complete", "edit")


def plan_thinking(
    switches: Iterable[Switch], facts: frozenset[str], task: Task, setting: str, thinks: bool
) -> ThinkingPlan:
    """Choose the switch for a task: completions and edits want no thought; other tasks a short one.

    ``setting`` is the model's own ``thinking``; ``thinks`` tells whether the model is known to think.
    """
    if not thinks and setting == "auto":
        return ThinkingPlan()
    wanted = setting if setting != "auto" else "off" if task in _IMPATIENT else "low"
    left = [s for s in switches if s.refused not in facts]
    off, low = ([s for s in left if s.level == level] for level in ("off", "low"))
    # Many services only switch thinking on or off: for the other tasks it stays on, with room, until it
    # starves an answer.
    last = off if setting == "low" or STARVED in facts else []
    order = [*off, *low] if wanted == "off" else [*low[::-1], *last]
    switch = next(iter(order), None)
    if switch is None or switch.level == "low":
        return ThinkingPlan(switch, room=True)
    return ThinkingPlan(switch, room=not switch.reliable and switch.quiet not in facts)


_OPENINGS = {
    **{f"<{n}>": f"</{n}>" for n in ("think", "thinking", "thought", "reasoning", "seed:think")},
    "[THINK]": "[/THINK]",
    "<|channel>thought": "<channel|>",  # Gemma 4, which writes an empty one when thinking is off
}
_CHANNEL = "<|channel|>"
_FINAL = re.compile(r"<\|channel\|>\s*final[^<]*<\|message\|>")
_LONGEST_END = 64
"""Characters that may belong to the end of a thought."""


class ThoughtFilter:
    """Leaves a thought at the beginning of an answer out of its text.

    Some servers put it there, in tags or in gpt-oss's channels. Tags anywhere else are text.
    """

    def __init__(self) -> None:
        self._held = ""
        self._end: re.Pattern[str] | None = None
        self._decided = False
        self._trim = False
        self.seen = False
        """Whether there was a thought that was not empty."""

    def feed(self, text: str) -> str:
        """Return the text outside of thoughts."""
        if self._decided:
            return self._after(text)
        self._held += text
        if self._end is None and not self._begins():
            return "" if _may_begin(self._held) else self._release(self._held)
        assert self._end is not None
        found = self._end.search(self._held)
        thought = self._held[: found.start()] if found else self._held[:-_LONGEST_END]
        self.seen = self.seen or bool(thought.strip())
        if found is None:
            self._held = self._held[-_LONGEST_END:]
            return ""
        self._trim = True
        return self._release(self._held[found.end() :])

    def rest(self) -> str:
        """Return the text held back, at the end of the answer; a thought without an end is no text."""
        held, self._held = self._held, ""
        if self._end is None or self._decided:
            return held
        self.seen = self.seen or bool(held.strip())
        return ""

    def _begins(self) -> bool:
        """Take the opening tag away, and remember what ends the thought."""
        start = self._held.lstrip()
        for opening, closing in _OPENINGS.items():
            if start.startswith(opening):
                self._held = start.removeprefix(opening)
                self._end = re.compile(re.escape(closing))
        if start.startswith(_CHANNEL):
            self._end = _FINAL
        return self._end is not None

    def _release(self, text: str) -> str:
        self._decided, self._held = True, ""
        return self._after(text)

    def _after(self, text: str) -> str:
        """Leave out the empty lines between a thought and the text."""
        if self._trim:
            text = text.lstrip("\r\n")
            self._trim = not text
        return text


def _may_begin(text: str) -> bool:
    start = text.lstrip()
    return any(opening.startswith(start) for opening in (*_OPENINGS, _CHANNEL))
