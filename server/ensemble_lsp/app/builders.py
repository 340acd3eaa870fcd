"""What a session is made of, each built from the settings: the registry, the selector, the history's options."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..models.log_redaction import RedactKeys
from ..registry.model_registry import Registry
from ..selection import make_selector, offline_priors
from ..selection.choice import Selector
from ..selection.daily_budget import DailyBudget
from ..selection.history_sync import Learning
from ..settings import Raw, Settings, SettingsIssue, read_config, resolve
from .runtime import Runtime


@dataclass(frozen=True, slots=True)
class SettingsLayers:
    """The raw options a session was made from, lowest first."""

    config: Raw
    initialization: Raw
    editor: Raw

    def resolve(self, trusted: bool) -> tuple[Settings, list[SettingsIssue]]:
        """The settings they give, and what is wrong in them."""
        layers = [
            ("config", self.config),
            ("initializationOptions", self.initialization),
            ("settings", self.editor),
        ]
        untrusted = () if trusted else ("initializationOptions", "settings")
        return resolve(layers, untrusted=untrusted)


async def read_config_async(path: Path) -> tuple[dict[str, Any], list[SettingsIssue]]:
    """``read_config`` off the event loop."""
    return await asyncio.to_thread(read_config, path)


def history_options(settings: Settings) -> dict[str, Any]:
    """What ``History.open`` and ``History.configure`` take."""
    chosen = settings.history
    return {
        "url": chosen.url,
        "retention_days": chosen.retention_days,
        "keep_text": chosen.keep_text,
    }


async def registry(
    settings: Settings,
    runtime: Runtime,
    previous: Registry | None,
    redact: RedactKeys | None = None,
) -> Registry:
    """The models; those of ``previous`` that stay the same go on running."""
    return await Registry.build(
        settings,
        env=runtime.env,
        data_dir=runtime.data_dir,
        document_index=runtime.recall,
        on_call=runtime.call,
        previous=previous,
        redact=redact,
    )


async def learned(
    settings: Settings, runtime: Runtime, registry: Registry
) -> tuple[Selector, Learning, DailyBudget]:
    """The selector of the settings, with what was learned so far, and today's money."""
    selector = make_selector(settings.selector)
    learning = Learning(runtime.history, selector)
    await learning.start()
    budget = DailyBudget(runtime.history, settings.selector.daily_budget)
    await budget.refresh()
    known = await asyncio.to_thread(offline_priors.load, runtime.data_dir)
    offline_priors.teach(selector, known, registry.ids())
    return selector, learning, budget
