"""Prompts for a small local model: short, with a beginning that stays the same while the user types.

Reading a prompt is the slow part without a graphics card (a hundred tokens a second for half a
billion parameters), and llama.cpp keeps what it has read while the beginning is the same.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from ...models.profiles import FimTemplate
from ...models.prompt_rendering import fim_prompt, plain_prompt
from ...models.token_estimates import CHARACTERS_PER_TOKEN
from ...types import Prompt, confidence_of

_READ_SECONDS = 2.5
_LEAST_CHARACTERS, _FIRST_CHARACTERS, _MOST_CHARACTERS = 1200, 2400, 8000
_FAST_TOKENS_A_SECOND = 400.0
_ANCHOR_CHARACTERS = 120
_SPEED_SAMPLE_TOKENS = 48
_MOST_FILES = 16
_HOLE_CHARACTERS, _HOLE_LINES = 1200, 30
"""Most characters and lines typed in a hole; after that a new hole begins at the cursor's line."""

_END = re.compile(r"([^\S\r\n])?((?:[^\w\s]|_)*)([^\W_]{0,40})\Z")
_END_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Healed:
    """A text without the half-typed word or the line ends at its end, and those, to be forced back."""

    text: str
    forced: str

    @property
    def grammar(self) -> str:
        """A GBNF grammar: the answer begins with the word, and the rest is free."""
        return f'root ::= "{_gbnf(self.forced)}" [^\\x00]*' if self.forced else ""


def heal(text: str) -> Healed:
    """Remove the half-typed word: a word cut in the middle has tokens that the model never saw.

    Tokenizers join a space, or one sign behind a word (``.name``, ``(arg``, ``_part``), to the letters
    that follow; several signs (``def __``, ``["``) are separate tokens, and stay. They join line ends
    to the indentation that follows: after a bare line end a model writes another, or a comment.
    """
    if text.endswith("\n"):
        bare = text.rstrip("\r\n")
        return Healed(bare, text[len(bare) :].replace("\r\n", "\n"))
    found = _END.search(text[-_END_CHARACTERS:])
    space, signs, letters = found.groups("") if found else ("", "", "")
    if not signs:
        forced = space + letters
    elif not letters:
        forced = space + signs if len(signs) == 1 else ""
    else:
        before = text[-len(signs + letters) - 1 : -len(signs + letters)]
        forced = signs + letters if len(signs) == 1 and before.isalnum() else letters
    return Healed(text[: len(text) - len(forced)], forced)


def _gbnf(text: str) -> str:
    """A text inside a GBNF string literal."""
    escapes = {"\\": "\\\\", '"': '\\"', "\t": "\\t"}
    return "".join(escapes.get(c) or (c if c.isprintable() else _code(c)) for c in text)


def _code(character: str) -> str:
    return f"\\U{ord(character):08X}"


@dataclass(slots=True)
class _Shown:
    """The part of one file that the last prompt showed."""

    anchor: str = ""
    """The start of the text above the hole."""
    above: str = ""
    """All text above the hole."""
    suffix: str = ""
    """The text below the hole."""


class PromptWindow:
    """The part of a file that a completion shows, adapted to the model's reading speed."""

    def __init__(self) -> None:
        self._speed = 0.0
        self._shown: OrderedDict[str, _Shown] = OrderedDict()
        """By the file's path: back in a file, its prompt is the one that the engine still has."""

    def learn(self, tokens: int, tokens_a_second: float) -> None:
        """Record a prompt that was read: its tokens that were not in the cache, and how fast."""
        if tokens >= _SPEED_SAMPLE_TOKENS and tokens_a_second > 0:
            old = self._speed or tokens_a_second
            self._speed = 0.7 * old + 0.3 * tokens_a_second

    @property
    def fast(self) -> bool:
        """Whether there is time for related files too."""
        return self._speed >= _FAST_TOKENS_A_SECOND

    @property
    def characters(self) -> int:
        """The maximum number of characters before the cursor."""
        if not self._speed:
            return _FIRST_CHARACTERS
        wanted = int(self._speed * _READ_SECONDS * CHARACTERS_PER_TOKEN)
        return max(_LEAST_CHARACTERS, min(_MOST_CHARACTERS, wanted))

    def fit(self, prompt: Prompt) -> Prompt:
        """Return the prompt, cut to the length that can be read in time."""
        max_chars = self.characters
        last = self._last(prompt.path)
        prefix = _sticky_prefix(prompt.prefix, last, max_chars)
        suffix = _sticky_suffix(prompt.suffix, last.suffix, max_chars // 4)
        related = prompt.related if self.fast else ()
        imports = prompt.imports if len(prompt.imports) <= max_chars // 4 else ""
        return replace(prompt, prefix=prefix, suffix=suffix, related=related, imports=imports)

    def hole(self, fitted: Prompt) -> int:
        """Return where the hole begins in the prefix of a prompt from ``fit``.

        It stays where it was while the user types below it, over several lines: the text typed since then
        is the start of what the model writes. So a new line does not move the suffix, which comes after
        the text above the hole and would be read again.
        """
        prefix, last = fitted.prefix, self._last(fitted.path)
        typed = prefix[len(last.above) :]
        near = len(typed) <= _HOLE_CHARACTERS and typed.count("\n") <= _HOLE_LINES
        if not near or not prefix.startswith(last.above) or fitted.suffix != last.suffix:
            last.above = prefix[: line_start(prefix)]
        last.suffix = fitted.suffix
        return len(last.above)

    def _last(self, path: str) -> _Shown:
        shown = self._shown.pop(path, None) or _Shown()
        self._shown[path] = shown
        while len(self._shown) > _MOST_FILES:
            self._shown.popitem(last=False)
        return shown


def _sticky_prefix(prefix: str, last: _Shown, max_chars: int) -> str:
    """Begin where the last prompt began while that is near; else well short of ``max_chars``."""
    at = prefix.rfind(last.anchor) if last.anchor else -1
    if at >= 0 and 0.4 * max_chars <= len(prefix) - at <= 1.3 * max_chars:
        return prefix[at:]
    if len(prefix) > max_chars:
        prefix = prefix[-int(0.6 * max_chars) :]
        line = prefix.find("\n") + 1
        prefix = prefix[line:] if 0 < line < len(prefix) else prefix
    last.anchor = prefix[:_ANCHOR_CHARACTERS]
    return prefix


def _sticky_suffix(suffix: str, last: str, max_chars: int) -> str:
    """End where the last prompt ended while that is near: ``max_chars`` changes with the reading speed."""
    least = min(len(suffix), max_chars // 2)
    if least <= len(last) <= 2 * max_chars and suffix.startswith(last):
        return last
    cut = suffix[:max_chars]
    return cut[: cut.rindex("\n") + 1] if len(cut) < len(suffix) and "\n" in cut else cut


def line_start(text: str) -> int:
    """Return where the last line of a text begins."""
    return max(text.rfind("\n"), text.rfind("\r")) + 1


def completion_text(
    prompt: Prompt, template: FimTemplate | None, hole: int | None = None
) -> Healed:
    """Return the raw text of a completion; it fills in the middle if the model was trained to.

    The text before the cursor on its line, or from ``hole`` on, comes last, as if the model had begun
    to write it: while the user types there, everything before it stays the same and is not read again.
    """
    if template is None:
        return heal(plain_prompt(prompt))
    at = line_start(prompt.prefix) if hole is None else hole
    above = replace(prompt, prefix=prompt.prefix[:at])
    healed = heal(prompt.prefix[at:])
    line = healed.text
    for token in template.tokens:
        line = line.replace(token, f"{token[0]} {token[1:]}")
    return Healed(fim_prompt(above, template) + line, healed.forced)


def short_messages(prompt: Prompt, characters: int) -> tuple[str, str]:
    """Return system and user message for models too small to follow detailed instructions."""
    language = prompt.language or "plain text"
    if prompt.task == "explain":
        code = prompt.selection or _around(prompt, characters)
        instruction = (
            prompt.instruction or f"Explain in a few sentences what this {language} code does."
        )
        return (
            "You explain code to a programmer, briefly and in plain words.",
            f"{instruction}\n\n{_fenced(language, code[:characters])}",
        )
    instruction = prompt.instruction or "Write the code that is described here."
    before = prompt.prefix[-characters // 2 :].strip("\n")
    parts = [f"The {language} file so far:\n\n{_fenced(language, before)}"] if before else []
    if prompt.selection:
        parts.append(f"Rewrite this code:\n\n{_fenced(language, prompt.selection[:characters])}")
    parts.append(f"Write {language} code: {instruction}")
    return "You are an expert programmer. You answer with code only.", "\n\n".join(parts)


def _around(prompt: Prompt, characters: int) -> str:
    half = characters // 2
    return prompt.prefix[-half:] + prompt.suffix[:half]


def _fenced(language: str, code: str) -> str:
    return f"```{language}\n{code}\n```"


class Confidence:
    """Geometric mean of the probabilities of what the model wrote itself.

    A token that also holds the end of the forced word is counted among those that could have been
    there; tokens of the forced word alone say nothing.
    """

    def __init__(self, forced: str) -> None:
        self._forced = forced
        self._at = 0
        self._logprobs: list[float] = []

    def add(self, tokens: Sequence[Mapping[str, Any]]) -> None:
        """Take in the ``completion_probabilities`` of one event."""
        for token in tokens:
            text, logprob = token.get("token"), token.get("logprob")
            if not isinstance(text, str) or not isinstance(logprob, int | float):
                continue
            left = self._forced[self._at :]
            self._at += len(text)
            if left and len(text) <= len(left):
                continue
            if left:
                logprob -= _log_share(token, left, logprob)
            self._logprobs.append(max(-50.0, min(0.0, float(logprob))))

    @property
    def value(self) -> float | None:
        """The mean so far; None before the first token of the model's own."""
        return confidence_of(self._logprobs)


def _log_share(token: Mapping[str, Any], left: str, logprob: float) -> float:
    """Logarithm of the probability that all tokens which fit the rest of the forced word have."""
    others = cast("Sequence[Mapping[str, Any]]", token.get("top_logprobs") or ())
    if not others:
        return 0.0  # no alternatives: keep the token's own probability
    share = 0.0
    for other in others:
        text = str(other.get("token", ""))
        if text and (text.startswith(left) or left.startswith(text)):
            share += math.exp(float(other.get("logprob", -50.0)))
    return math.log(max(share, math.exp(logprob)))
