"""Which providers can fine-tune, and what to say of those that cannot."""

from __future__ import annotations

from ..settings import ModelSettings
from .local.libraries import missing
from .training_example import Method


def no_jobs(base: ModelSettings, method: Method = "supervised") -> str | None:
    """Why a model cannot be fine-tuned, in one sentence; None where it can."""
    if base.provider == "llamacpp" and method == "dpo":
        return f"{base.name} is trained on this machine, which does supervised training alone."
    if base.provider == "anthropic":
        return (
            f"{base.name} cannot be fine-tuned: Anthropic has no public fine-tuning endpoint; "
            "choose an openai model or a local one."
        )
    if base.provider == "recall":
        return (
            f"{base.name} cannot be fine-tuned: recall has no weights and learns from the open "
            "files as they are; choose an openai model or a local one."
        )
    return None


def not_here(base: ModelSettings) -> str | None:
    """Why this machine cannot train a local base, and what to do; None for all others."""
    return missing() if base.provider == "llamacpp" else None
