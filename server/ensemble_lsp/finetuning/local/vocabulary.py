"""Find the fill-in-the-middle tokens in a GGUF file's vocabulary, without a library."""

from __future__ import annotations

from pathlib import Path

from ...models.profiles import fim_names, fim_template, known_model

_HEAD_BYTES = 16_000_000
"""Bytes to read: metadata and vocabulary precede the weights."""


def native_fim(weights: Path) -> str:
    """Return the name of the template that ``llamacpp`` chooses for a file; ``none`` without one.

    It is the first template whose tokens are all in the vocabulary, beginning with the one that the file's
    name suggests.
    """
    try:
        with weights.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return "none"
    for name in dict.fromkeys([known_model(weights.name).fim, *fim_names()]):
        template = fim_template(name)
        if template is None:
            continue
        tokens = [t.strip() for t in (template.prefix, template.suffix, template.middle) if t]
        if all(_string(token) in head for token in tokens):
            return name
    return "none"


def _string(text: str) -> bytes:
    """Return a string as GGUF stores it: its length in eight bytes, little-endian, and its bytes."""
    data = text.encode()
    return len(data).to_bytes(8, "little") + data
