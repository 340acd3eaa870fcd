"""Ways to switch thinking off or down; nearly every service with OpenAI's chat API has another.

The order is a guess by address and model id: a switch that is refused or has no effect is remembered,
and the next one is tried.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ...models.profiles import OLLAMA_PORT
from ...models.thinking import Switch

EFFORT = {
    "none": Switch("reasoning_effort=none", "off", {"reasoning_effort": "none"}),
    "minimal": Switch("reasoning_effort=minimal", "low", {"reasoning_effort": "minimal"}),
    "low": Switch("reasoning_effort=low", "low", {"reasoning_effort": "low"}),
}
DISABLED = Switch("thinking=disabled", "off", {"thinking": {"type": "disabled"}})
ENABLE = Switch("enable_thinking=false", "off", {"enable_thinking": False})
TEMPLATE = Switch(
    "chat_template_kwargs",
    "off",
    {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}},
)
ROUTER_OFF = Switch("reasoning=off", "off", {"reasoning": {"enabled": False}})
ROUTER_LOW = Switch("reasoning=low", "low", {"reasoning": {"effort": "low"}})
OLLAMA = Switch("think=false", "off", {"think": False})
NO_THINK = Switch("/no_think", "off", text="/no_think")

_EFFORTS = (EFFORT["none"], EFFORT["minimal"], EFFORT["low"])
_PARAMETER = {
    # By the address: a service's own way first.
    r"openrouter\.ai": (ROUTER_OFF, ROUTER_LOW),
    r"dashscope|/compatible-mode/|siliconflow": (ENABLE,),
    r"deepseek\.com|z\.ai|bigmodel|moonshot|volces\.com|/paas/": (DISABLED,),
    r"generativelanguage|groq\.com|x\.ai|fireworks|cerebras|inceptionlabs|openai": _EFFORTS,
}
_FAMILIES = {
    # By the model's id, if the address matches none of these.
    r"deepseek|glm|kimi|doubao|seed": (DISABLED, TEMPLATE, ENABLE),
    r"qwen|qwq|smollm3|granite|nemotron|hunyuan|ernie": (ENABLE, TEMPLATE),
}
_TAKES_NO_THINK = r"qwen-?3|smollm3|qwq"


def switches_for(model: str, url: str, local: bool) -> tuple[Switch, ...]:
    """Return the switches to try for a model, the likeliest first."""
    ident = model.lower()
    if re.search(r"gpt-?oss|(?<![a-z])o[1-9]\b", ident):
        return (EFFORT["low"],)
    if re.search(r"(?<![a-z0-9])gpt-5(-mini|-nano)?(-20\d\d|$)", ident):
        return (EFFORT["minimal"], EFFORT["low"])
    by_host = next((s for pattern, s in _PARAMETER.items() if re.search(pattern, url.lower())), ())
    by_family = next((s for pattern, s in _FAMILIES.items() if re.search(pattern, ident)), ())
    own = (NO_THINK,) if re.search(_TAKES_NO_THINK, ident) else ()
    if local:
        # Servers of open weights ignore unknown fields, and pass template arguments on.
        ollama = urlsplit(url).port == OLLAMA_PORT
        order = (*_EFFORTS, OLLAMA, *own) if ollama else (TEMPLATE, *own, *_EFFORTS, OLLAMA)
    else:
        order = (*by_host, *by_family, *_EFFORTS, *own)
    return tuple({switch.name: switch for switch in order}.values())
