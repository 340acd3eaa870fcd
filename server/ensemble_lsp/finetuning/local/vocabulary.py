"""Which fill-in-the-middle tokens a GGUF file's vocabulary has, read without any library."""

from __future__ import annotations

from pathlib import Path

from ...models.profiles import fim_names, fim_template, known_model

_HEAD = 16_000_000
"""Bytes: metadata and vocabulary stand before the weights."""


def native_fim(weights: Path) -> str:
    """The template's name that ``llamacpp`` uses for a file by itself; ``none`` for none.

    As the adapter asks its engine: the first template whose every token is one of the vocabulary's,
    the one that the file's name speaks of first.
    """
    try:
        with weights.open("rb") as file:
            head = file.read(_HEAD)
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
    """A string as GGUF stores it: its length in eight bytes, little-endian, and its bytes."""
    data = text.encode()
    return len(data).to_bytes(8, "little") + data
