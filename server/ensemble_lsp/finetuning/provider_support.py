"""The fine-tuning that a model's provider offers, and the reason where it offers none."""

from __future__ import annotations

from ..provider_spec import spec_of
from ..settings import ModelSettings
from .local.libraries import missing_libraries
from .training_example import Method


def no_jobs(base: ModelSettings, method: Method = "supervised") -> str | None:
    """Return why a model cannot be fine-tuned, in one sentence; None if it can."""
    support = spec_of(base.provider).fine_tuning
    if support.place == "none":
        return (
            f"{base.name} cannot be fine-tuned: {support.reason}; "
            "choose an openai model or a local one."
        )
    if method not in support.methods:
        return (
            f"{base.name} cannot be fine-tuned by {method}: its provider offers "
            f"{' and '.join(support.methods)} training only."
        )
    return None


def not_here(base: ModelSettings) -> str | None:
    """Return why this machine cannot train a local model, and what to do; None for all others."""
    return missing_libraries() if spec_of(base.provider).trains_here else None
