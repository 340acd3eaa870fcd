"""OpenAI's ``/chat/completions``, which most services speak."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ...models.interface import Profile
from ...models.profiles import base_url, known_model
from ...models.prompt_rendering import chat_messages
from ...models.thinking import THINKS
from ...models.wire_format import Body, WireFormat
from ...settings import ModelSettings
from ...types import Prompt
from .choices import MOST_STOPS, OPTIONAL, ChoiceReader, chat_stops, without
from .thinking_switches import switches_for

# Models that take the old code along as a prediction, so that an unchanged line costs no time.
_PREDICTS = re.compile(
    r"gpt-4o|gpt-4\.1|codestral|devstral|mistral-(large|medium|small)|mercury", re.I
)


def chat_wire(
    settings: ModelSettings, profile: Profile, path: str = "/chat/completions"
) -> WireFormat:
    """Return the format of chat messages."""
    known = known_model(settings.model)
    url = base_url(settings)
    own = (urlsplit(url).hostname or "").endswith("openai.com")

    def body(prompt: Prompt, facts: frozenset[str]) -> Body:
        system, user = chat_messages(prompt)
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        if not system:
            messages = messages[1:]
        elif "system" in facts:
            messages = [{"role": "user", "content": f"{system}\n\n{user}"}]
        wanted: Body = {"stream_options": {"include_usage": True}}
        if not known.thinks:
            wanted["temperature"] = prompt.temperature
        if THINKS not in facts and (stop := list(chat_stops(prompt)[:MOST_STOPS])):
            wanted["stop"] = stop
        if prediction := _prediction(settings.model, prompt):
            wanted["prediction"] = prediction
        # Both mean the same: OpenAI's own models want the newer name, most other servers the older.
        names = ["max_completion_tokens", "max_tokens"]
        # OpenAI takes no prediction beside the newer name.
        newer = (own or known.thinks) and "prediction" not in wanted
        names = names if newer else names[::-1]
        wanted[next((n for n in names if n not in facts), "")] = prompt.max_tokens
        return {"model": settings.model, "messages": messages, **without(wanted, facts)}

    return WireFormat(
        name="chat",
        path=path,
        body=body,
        reader=ChoiceReader,
        stops=chat_stops,
        optional=OPTIONAL,
        switches=switches_for(settings.model, url, profile.local),
        thinks=known.thinks,
        alternatives=("responses", "completions") if settings.api == "auto" else (),
    )


def _prediction(model: str, prompt: Prompt) -> Body | None:
    """Return the code that is rewritten as a prediction of its new form."""
    if prompt.rendered is not None:
        code = prompt.rendered.prediction
    else:
        code = prompt.selection if prompt.task == "generate" else ""
    if not code.strip() or not _PREDICTS.search(model):
        return None
    return {"type": "content", "content": code}
