"""Which providers can fine-tune, and what to say of those that cannot."""

from __future__ import annotations

from ..settings import ModelSettings


def no_jobs(base: ModelSettings) -> str | None:
    """Why a model cannot be fine-tuned, in one sentence; None where it can."""
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
