"""One thing to learn: what a model is asked, and what it should have answered."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, TypeVar

from ..context.secret_redaction import Redactor
from ..types import Prompt, Snippet

Method = Literal["supervised", "dpo"]
METHODS: tuple[Method, ...] = ("supervised", "dpo")

CONTROL = (
    "<|endoftext|>",
    "<|endofprompt|>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|im_sep|>",
)
"""Texts that providers refuse in training data: their tokenizers read them as commands."""


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt as the model will see it at work, and the right answer to it."""

    file: str
    """What the split keeps together: the file's path, or the like."""
    prompt: Prompt
    answer: str
    refused: str | None = None
    """For preference training: an answer to the same prompt that was not taken."""

    @property
    def key(self) -> str:
        """Equal for examples that teach the same: white space apart, same surroundings and answer."""
        near = self.prompt.prefix[-400:], self.prompt.suffix[:200], self.answer, self.refused or ""
        text = "\0".join(" ".join(part.split()) for part in near)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class Gathered:
    """Examples, and how many were left out for which reason."""

    examples: list[Example] = field(default_factory=list[Example])
    left_out: Counter[str] = field(default_factory=Counter[str])
    redacted: int = 0
    """Secrets that were replaced in what surrounds the answers."""


def screen(gathered: Gathered) -> Gathered:
    """Without repetitions, answers with secrets, and control tokens; secrets elsewhere redacted.

    A secret in an answer would be taught; one in a prompt becomes ``<redacted>``, as at work.
    """
    kept = Gathered(left_out=Counter(gathered.left_out), redacted=gathered.redacted)
    seen: set[str] = set()
    redactor = Redactor()
    for example in gathered.examples:
        reason = _objection(example, redactor)
        if reason is None and example.key in seen:
            reason = "the same example again"
        if reason is not None:
            kept.left_out[reason] += 1
            continue
        seen.add(example.key)
        prompt, count = _clean(example.prompt, redactor)
        kept.redacted += count
        kept.examples.append(replace(example, prompt=prompt))
    return kept


def _objection(example: Example, redactor: Redactor) -> str | None:
    answers = example.answer + "\0" + (example.refused or "")
    if not example.answer.strip():
        return "no answer"
    if "<redacted>" in answers or redactor.redact(answers)[1]:
        return "a secret in the answer"
    if any(_completes_a_secret(example.prompt, one, redactor) for one in answers.split("\0")):
        return "a secret in the answer"
    texts = (answers, example.prompt.prefix, example.prompt.suffix, example.prompt.selection)
    if any(token in text for token in CONTROL for text in texts):
        return "a control token of the model's in the text"
    if any("\ufffd" in text or not _is_text(text) for text in texts):
        return "characters that are no text"
    return None


def _completes_a_secret(prompt: Prompt, answer: str, redactor: Redactor) -> bool:
    """Whether an answer is a secret only where it stands, such as a value after ``password =``."""
    before, after = prompt.prefix, prompt.suffix
    return bool(
        redactor.seam(before, answer + after)[2] or redactor.seam(before + answer, after)[2]
    )


def _is_text(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


_PARTS = ("prefix", "suffix", "selection", "instruction", "imports", "symbol")


def _clean(prompt: Prompt, redactor: Redactor) -> tuple[Prompt, int]:
    texts: dict[str, str] = {}
    total = 0
    for name in _PARTS:
        texts[name], count = redactor.redact(getattr(prompt, name))
        total += count
    related: list[Snippet] = []
    for snippet in prompt.related:
        text, count = redactor.redact(snippet.text)
        related.append(replace(snippet, text=text))
        total += count
    return replace(prompt, related=tuple(related), **texts), total


_MOST_VALIDATION = 0.3
"""Of all examples; a larger part is not taken from the training for want of smaller files."""

Item = TypeVar("Item", bound="_OfAFile")


class _OfAFile(Protocol):
    @property
    def file(self) -> str: ...


def split(examples: list[Item], share: float, seed: int) -> tuple[list[Item], list[Item]]:
    """Training and validation examples; no file is in both.

    ``share`` (0 to below 1) of the examples is aimed at for validation. Files go there in an order
    that depends on the seed and their names alone. With one file there is no validation.
    """
    by_file: dict[str, list[Item]] = {}
    for example in examples:
        by_file.setdefault(example.file, []).append(example)
    if share <= 0 or len(by_file) < 2:
        return examples, []
    wanted, chosen, count = share * len(examples), set[str](), 0
    ranked = sorted(by_file, key=lambda name: _rank(name, seed))
    for file in ranked[:-1]:
        size = len(by_file[file])
        if count < wanted and count + size <= max(wanted, 1.0) * 1.5:
            chosen.add(file)
            count += size
    smallest = min(ranked, key=lambda name: len(by_file[name]))
    if not chosen and len(by_file[smallest]) <= _MOST_VALIDATION * len(examples):
        chosen.add(smallest)
    training = [e for e in examples if e.file not in chosen]
    return training, [e for e in examples if e.file in chosen]


def _rank(name: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode("utf-8", "surrogatepass")).hexdigest()
