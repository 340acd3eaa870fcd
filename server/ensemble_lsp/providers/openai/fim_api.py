"""``/fim/completions``: fill-in-the-middle of Mistral (Codestral) and Inception (Mercury)."""

from __future__ import annotations

from ...models.prompt_rendering import plain_prompt
from ...models.wire_format import Body, WireFormat
from ...settings import ModelSettings
from ...types import Prompt
from .choices import MOST_STOPS, OPTIONAL, ChoiceReader, without


def fim_wire(settings: ModelSettings, path: str = "/fim/completions") -> WireFormat:
    """Return the format of completions between a prompt and a suffix. It does no other task."""

    def body(prompt: Prompt, facts: frozenset[str]) -> Body:
        # No `stream_options`: Mistral refuses it, and counts the tokens without it.
        wanted: Body = {
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
            "suffix": prompt.suffix,
        }
        if stop := list(prompt.stop[:MOST_STOPS]):
            wanted["stop"] = stop
        return {"model": settings.model, "prompt": plain_prompt(prompt), **without(wanted, facts)}

    return WireFormat(
        name="fim",
        path=path,
        body=body,
        reader=ChoiceReader,
        stops=lambda prompt: prompt.stop,
        optional=OPTIONAL,
        is_chat=False,
        replaceable=True,
    )
