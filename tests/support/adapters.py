"""Adapters that talk to a loopback provider."""

from __future__ import annotations

import tempfile
from itertools import count
from pathlib import Path
from typing import Any

from ensemble_lsp.models.interface import BuildContext, Notify
from ensemble_lsp.models.profiles import make_profile
from ensemble_lsp.models.sdk_model import SdkModel
from ensemble_lsp.providers.anthropic.anthropic_model import AnthropicModel
from ensemble_lsp.providers.openai.openai_model import OpenAIModel
from ensemble_lsp.settings import ModelSettings

from .providers import LoopbackProvider

APIS = ("chat", "completions", "responses", "messages")
_FOLDER = tempfile.TemporaryDirectory(prefix="ensemble-lsp-facts-")
_NUMBERS = count()
SECRET = "sk-proj-abcdefghijklmnop1234567890"


def adapter(
    provider: LoopbackProvider | str,
    api: str = "chat",
    key: str | None = SECRET,
    http_client: Any = None,
    data_dir: Path | None = None,
    on_notice: Notify | None = None,
    **fields: Any,
) -> SdkModel:
    """A model on that provider (or address) over one of ``APIS``; without ``data_dir`` it knows no facts."""
    url = provider if isinstance(provider, str) else provider.base_url
    messages = api == "messages"
    settings = ModelSettings(
        **{
            "name": "mine",
            "provider": "anthropic" if messages else "openai",
            "model": "loopback",
            "base_url": url,
            "api": "chat" if messages else api,
            "timeout": 5.0,
            "api_key_env": "MY_KEY",
            **fields,
        }
    )
    make = AnthropicModel if messages else OpenAIModel
    folder = data_dir or Path(_FOLDER.name) / str(next(_NUMBERS))
    context = BuildContext(folder, key, http_client=http_client, on_notice=on_notice)
    return make(settings, make_profile(settings), context)
