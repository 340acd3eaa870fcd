"""The provider's formats for lines of a training file, and estimates of their tokens.

- ``chat``: ``{"messages": [system, user, assistant]}``;
- ``completions``: ``{"prompt", "completion"}``, for models without a chat format;
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
from .prices import TOKENS_PER_EXAMPLE, TOKENS_PER_MESSAGE
from .training_example import Example, Method

Format = Literal["chat", "completions", "preference"]
Line = dict[str, Any]


def format_for(base: ModelSettings, method: Method) -> Format:
    """Return the format that jobs of a model take."""
    if method == "dpo":
        return "preference"
    plain = spec_of(base.provider).trains_here or base.api == "completions"
    return "completions" if plain else "chat"


def line_of(example: Example, file_format: Format, profile: Profile) -> Line:
    """Return an example as the object of one line, with the prompt exactly as in use."""
    if file_format == "completions" and spec_of(profile.provider).native_fim:
        healed = completion_text(example.prompt, fim_template(profile.fim))
        return {"prompt": healed.text, "completion": healed.forced + example.answer}
    if file_format == "completions":
        template = fim_template(profile.fim)
        prompt = fim_prompt(example.prompt, template) if template else plain_prompt(example.prompt)
        return {"prompt": prompt, "completion": example.answer}
    system, user = chat_messages(example.prompt)
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    answer = {"role": "assistant", "content": example.answer}
    if file_format == "chat":
        return {"messages": [*messages, answer]}
    return {
        "input": {"messages": messages, "tools": [], "parallel_tool_calls": True},
        "preferred_output": [answer],
        "non_preferred_output": [{"role": "assistant", "content": example.rejected or ""}],
    }


def as_text(lines: list[Line]) -> str:
    """Return the text of a JSONL file."""
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def format_of(line: Line) -> Format | None:
    """Return the format of a line by its keys; None if unclear."""
    if "messages" in line:
        return "chat"
    if "input" in line or "preferred_output" in line:
        return "preference"
    return "completions" if "prompt" in line or "completion" in line else None


def tokens_of(line: Line) -> int:
    """Estimate the trained tokens of a line without a tokenizer (about 15 % off for code)."""
    if "messages" in line:
        return _conversation_tokens(line["messages"])
    if "input" in line:
        prompt = _conversation_tokens(line["input"].get("messages"))
        outputs = [line.get("preferred_output"), line.get("non_preferred_output")]
        return sum(prompt + _conversation_tokens(output) for output in outputs)
    return sum(estimate_tokens(str(line.get(k, ""))) for k in ("prompt", "completion"))


def _conversation_tokens(messages: Any) -> int:
    if not isinstance(messages, list):
        return 0
    count = TOKENS_PER_EXAMPLE
    for message in cast("list[Any]", messages):
        if isinstance(message, dict):
            content = cast("dict[str, Any]", message).get("content")
            count += TOKENS_PER_MESSAGE + estimate_tokens(
                content if isinstance(content, str) else ""
            )
    return count
