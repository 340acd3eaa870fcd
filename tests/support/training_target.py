"""A model of OpenAI's that can be tuned, and a secret that no training data may hold."""

from __future__ import annotations

from ensemble_lsp.finetuning.prepare import TrainingTarget
from ensemble_lsp.models.profiles import make_profile
from ensemble_lsp.settings import ModelSettings

BASE = ModelSettings(name="gpt", provider="openai", model="gpt-4.1-mini-2025-04-14")
PROFILE = make_profile(BASE)
TARGET = TrainingTarget(BASE, PROFILE, "supervised")
SECRET = "sk-proj-aaaaBBBBccccDDDD1234567890"
