"""Training examples: a prompt with the right answer; screening, and the split by file."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, TypeVar

from ..context.redacted_documents import redact_prompt
from ..context.secret_redaction import PLACEHOLDER, Redactor
from ..types import Prompt

Method = Literal["supervised", "dpo"]
METHODS: tuple[Method, ...] = ("supervised", "dpo")

CONTROL_TOKENS = (
    "<|endoftext|>",
    "<|endofprompt|>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|im_sep|>",
)
"""Control tokens, which providers refuse in training data."""


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt as the model will get it in use, and the right answer."""

    file: str
    """Source file; the split keeps examples of a file together."""
    prompt: Prompt
    answer: str
    rejected: str | None = None
    """For preference training: an answer to the same prompt that the user did not choose."""

    @property
    def key(self) -> str:
        """Return a key equal for examples with the same context and answer, ignoring white space."""
        near = self.prompt.prefix[-400:], self.prompt.suffix[:200], self.answer, self.rejected or ""
        text = "\0".join(" ".join(part.split()) for part in near)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(slots=True)
class ExampleSet:
    """Examples, and the number of excluded ones by reason."""

    examples: list[Example] = field(default_factory=list[Example])
    left_out: Counter[str] = field(default_factory=Counter[str])
    redacted: int = 0
    """Secrets replaced in prompts."""


def excluded_note(left_out: Mapping[str, int]) -> str:
    """Return a sentence on the excluded examples, to append to a message; empty without any."""
    reasons = ", ".join(f"{reason} ({count})" for reason, count in left_out.items())
    return f" Left out: {reasons}." if reasons else ""


def screen(gathered: ExampleSet) -> ExampleSet:
    """Return the examples without repetitions, secrets in answers and control tokens.

    A model would learn a secret in an answer; one in a prompt becomes ``<redacted>``, as in use.
    """
    kept = ExampleSet(left_out=Counter(gathered.left_out), redacted=gathered.redacted)
    seen: set[str] = set()
    redactor = Redactor()
    for example in gathered.examples:
        reason = _rejection_reason(example, redactor)
        if reason is None and example.key in seen:
            reason = "repeated examples"
        if reason is not None:
            kept.left_out[reason] += 1
            continue
        seen.add(example.key)
        prompt, _ = redact_prompt(example.prompt, redactor)
        kept.redacted += _placeholders(prompt)
        kept.examples.append(replace(example, prompt=prompt))
    return kept


def _rejection_reason(example: Example, redactor: Redactor) -> str | None:
    answers = example.answer + "\0" + (example.rejected or "")
    if not example.answer.strip():
        return "examples without an answer"
    if "<redacted>" in answers or redactor.redact(answers)[1]:
        return "examples with a secret in the answer"
    if any(_completes_a_secret(example.prompt, one, redactor) for one in answers.split("\0")):
        return "examples with a secret in the answer"
    texts = (answers, example.prompt.prefix, example.prompt.suffix, example.prompt.selection)
    if any(token in text for token in CONTROL_TOKENS for text in texts):
        return "examples with a control token"
    if any("\ufffd" in text or not _is_text(text) for text in texts):
        return "examples with invalid characters"
    return None


def _completes_a_secret(prompt: Prompt, answer: str, redactor: Redactor) -> bool:
    """Return whether the answer is a secret in its context, such as a value after ``password =``."""
    before, after = prompt.prefix, prompt.suffix
    return bool(
        redactor.seam(before, answer + after)[2] or redactor.seam(before + answer, after)[2]
    )


def _placeholders(prompt: Prompt) -> int:
    texts = [prompt.prefix, prompt.suffix, prompt.selection, prompt.instruction, prompt.imports]
    texts += [prompt.symbol, *(snippet.text for snippet in prompt.related)]
    return sum(text.count(PLACEHOLDER) for text in texts)


def _is_text(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


_MAX_VALIDATION = 0.3
"""Maximum share of all examples for validation, if all files are large."""

Item = TypeVar("Item", bound="_HasFile")


class _HasFile(Protocol):
    @property
    def file(self) -> str: ...


def split(examples: list[Item], share: float, seed: int) -> tuple[list[Item], list[Item]]:
    """Return training and validation examples; no file is in both.

    Validation gets about ``share`` (0 to below 1) of the examples. The order of the files depends only
    on the seed and their names. With one file there is no validation.
    """
    by_file: dict[str, list[Item]] = {}
    for example in examples:
        by_file.setdefault(example.file, []).append(example)
    if share <= 0 or len(by_file) < 2:
        return examples, []
    target, chosen, count = share * len(examples), set[str](), 0
    ranked = sorted(by_file, key=lambda name: _rank(name, seed))
    for file in ranked[:-1]:
        size = len(by_file[file])
        if count < target and count + size <= max(target, 1.0) * 1.5:
            chosen.add(file)
            count += size
    smallest = min(ranked, key=lambda name: len(by_file[name]))
    if not chosen and len(by_file[smallest]) <= _MAX_VALIDATION * len(examples):
        chosen.add(smallest)
    training = [e for e in examples if e.file not in chosen]
    return training, [e for e in examples if e.file in chosen]


def _rank(name: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode("utf-8", "surrogatepass")).hexdigest()
