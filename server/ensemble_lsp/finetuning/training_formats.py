"""Examples as lines of a training file, in the provider's formats, and the tokens they cost.

- ``chat``: ``{"messages": [system, user, assistant]}``;
- ``completions``: ``{"prompt", "completion"}``, for models that are asked without messages;
- ``preference``: ``{"input": {"messages"}, "preferred_output", "non_preferred_output"}``.
"""

from __future__ import annotations

import json
from typing import Any, Literal, cast

from ..models.interface import Profile
from ..models.profiles import fim_template
from ..models.prompt_rendering import chat_messages, fim_prompt, plain_prompt
from ..models.token_estimates import estimate_tokens
from ..provider_spec import spec_of
from ..providers.llamacpp.local_prompts import completion_text
from ..settings import ModelSettings
from .prices import TOKENS_A_MESSAGE, TOKENS_AN_EXAMPLE
from .training_example import Example, Method

Format = Literal["chat", "completions", "preference"]
Line = dict[str, Any]


def format_for(base: ModelSettings, method: Method) -> Format:
    """The format that a model's jobs take."""
    if method == "dpo":
        return "preference"
    plain = spec_of(base.provider).trains_here or base.api == "completions"
    return "completions" if plain else "chat"


def line_of(example: Example, wanted: Format, profile: Profile) -> Line:
    """An example as one line's object: asked just as the model is asked at work."""
    if wanted == "completions" and spec_of(profile.provider).native_fim:
        healed = completion_text(example.prompt, fim_template(profile.fim))
        return {"prompt": healed.text, "completion": healed.forced + example.answer}
    if wanted == "completions":
        template = fim_template(profile.fim)
        asked = fim_prompt(example.prompt, template) if template else plain_prompt(example.prompt)
        return {"prompt": asked, "completion": example.answer}
    system, user = chat_messages(example.prompt)
    asked_messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    answer = {"role": "assistant", "content": example.answer}
    if wanted == "chat":
        return {"messages": [*asked_messages, answer]}
    return {
        "input": {"messages": asked_messages, "tools": [], "parallel_tool_calls": True},
        "preferred_output": [answer],
        "non_preferred_output": [{"role": "assistant", "content": example.refused or ""}],
    }


def as_text(lines: list[Line]) -> str:
    """A JSONL file's text."""
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def format_of(line: Line) -> Format | None:
    """What a line means to be; None where that cannot be told."""
    if "messages" in line:
        return "chat"
    if "input" in line or "preferred_output" in line:
        return "preference"
    return "completions" if "prompt" in line or "completion" in line else None


def tokens_of(line: Line) -> int:
    """About how many tokens a line trains on (no tokenizer is asked; code errs by some 15 %)."""
    if "messages" in line:
        return _conversation(line["messages"])
    if "input" in line:
        asked = _conversation(line["input"].get("messages"))
        outputs = [line.get("preferred_output"), line.get("non_preferred_output")]
        return sum(asked + _conversation(output) for output in outputs)
    return sum(estimate_tokens(str(line.get(k, ""))) for k in ("prompt", "completion"))


def _conversation(messages: Any) -> int:
    if not isinstance(messages, list):
        return 0
    count = TOKENS_AN_EXAMPLE
    for message in cast("list[Any]", messages):
        if isinstance(message, dict):
            content = cast("dict[str, Any]", message).get("content")
            count += TOKENS_A_MESSAGE + estimate_tokens(content if isinstance(content, str) else "")
    return count
