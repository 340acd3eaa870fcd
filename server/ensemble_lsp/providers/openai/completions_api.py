"""OpenAI's ``/completions``: raw text, and fill-in-the-middle by a template or a ``suffix``."""

from __future__ import annotations

from ...models.interface import Profile
from ...models.profiles import FimTemplate, fim_template, known_model
from ...models.prompt_rendering import fim_prompt, plain_prompt
from ...models.wire_format import Body, WireFormat
from ...settings import ModelSettings
from ...types import Prompt
from .choices import MOST_STOPS, OPTIONAL, ChoiceReader, without


def completions_wire(settings: ModelSettings, profile: Profile) -> WireFormat:
    """Return the format of plain completions."""

    def template(facts: frozenset[str]) -> FimTemplate | None:
        if profile.fim == "suffix" and "suffix" in facts:
            return fim_template(known_model(settings.model).fim)
        return fim_template(profile.fim)

    def stops(prompt: Prompt) -> tuple[str, ...]:
        if prompt.task != "complete":
            return prompt.stop
        known = template(frozenset(("suffix",)))
        return prompt.stop + (known.stop if known else ())

    def body(prompt: Prompt, facts: frozenset[str]) -> Body:
        fim = template(facts) if prompt.task == "complete" else None
        text = fim_prompt(prompt, fim) if fim else plain_prompt(prompt)
        wanted: Body = {
            "stream_options": {"include_usage": True},
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
        }
        if prompt.task == "complete" and profile.fim == "suffix":
            wanted["suffix"] = prompt.suffix
        if profile.local:
            wanted["logprobs"] = 1
        if allowed := list(stops(prompt)[: 4 * MOST_STOPS if profile.local else MOST_STOPS]):
            wanted["stop"] = allowed
        return {"model": settings.model, "prompt": text, **without(wanted, facts)}

    return WireFormat(
        name="completions",
        path="/completions",
        body=body,
        reader=ChoiceReader,
        stops=stops,
        optional=OPTIONAL,
        is_chat=False,
    )
