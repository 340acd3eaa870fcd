"""Ids of models that run at a service, whatever the address of the server that lists them."""

from __future__ import annotations

import re

_HOSTED = re.compile(
    r"""(?:^|[/.])(?:gpt-?(?:3\.5|[4-9](?!all))|chatgpt-|o[1-9](?:$|-(?:mini|pro|preview|deep|high|medium|low|\d{4}))|codex-|computer-use-
        |(?:text-)?(?:davinci|babbage)-00\d|text-embedding-(?:3|ada)
        |claude-(?:\d|v\d|opus|sonnet|haiku|instant|code)|gemini-(?:\d|pro|flash|ultra|exp)|(?:text|chat|code)-(?:bison|gecko|unicorn)
        |grok-(?:[3-9]|beta|code)|sonar(?:$|-(?:pro|reasoning|deep|small|medium|large|huge))
        |mistral-(?:large|medium|small|tiny)-\d{4}$|deepseek-(?:chat|reasoner)$|moonshot-v1|mercury(?:-coder|-edit)?(?:$|-)
        |command-(?:a|r|r-plus|r7b)-\d\d-\d{4}$|command-(?:light|nightly)|nova-(?:micro|lite|pro|premier)
        |qwen(?:[\d.]{1,3})?-(?:coder-|vl-)?(?:max|plus|turbo|flash|long)(?:$|-)|glm-4-(?:plus|long|flash|airx?)$)
    |^(?:\w{2,6}\.)?(?:anthropic|amazon|cohere|meta|mistral|ai21|deepseek|openai|writer|twelvelabs)\.[a-z]
    |^(?:azure|azure_ai|azure-openai|bedrock|vertex_ai|vertexai|vertex|gemini|groq|together|together_ai|fireworks|fireworks_ai
        |openrouter|xai|x-ai|perplexity|github|github_copilot|github-copilot|copilot|databricks|watsonx|replicate|deepinfra
        |anyscale|sambanova|cerebras|novita|hyperbolic|nebius|cloudflare|workers-ai|@cf|nvidia_nim|dashscope|volcengine|moonshot
        |anthropic|cohere|cohere_chat|ai21|sagemaker|snowflake|oci|heroku|vercel_ai_gateway|zai|minimax|aiml|chutes|poe)/
    |^accounts/|/.+:(?:free|nitro|floor|online|extended|thinking|beta)$|-latest$""",
    re.IGNORECASE | re.VERBOSE,
)
"""Ids that only a service has: its own models, the prefixes of gateways, and names that move along with a model."""
_CLOUD = re.compile(r"[:-]cloud(?::latest|@\S*)?\s*$", re.IGNORECASE)
"""Ollama's ids of models in its cloud; it lists them with the models on this machine."""


def is_hosted(model: str) -> bool:
    """Return whether only a service has a model, by its id: a server that lists it forwards."""
    return _HOSTED.search(model.strip()) is not None


def runs_elsewhere(model: str) -> bool:
    """Return whether no program on this machine runs a model, by its id."""
    return is_hosted(model) or _CLOUD.search(model) is not None
