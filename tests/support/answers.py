"""Answers of models, as the editor gets them."""

from __future__ import annotations

from ensemble_lsp.models.control_tokens import control_tokens
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.postprocess import clean_completion


def completed(language: str, place: str, answer: str, model: str = "gpt-4o", **more: bool) -> str:
    """A completion's text after post-processing; ``|`` is the cursor."""
    prefix, suffix = place.split("|", 1)
    return clean_completion(
        answer,
        prefix=prefix,
        suffix=suffix,
        language=language,
        tokens=control_tokens(Profile("m", "openai", model)),
        multiline=more.get("multiline", True),
    )
