"""LoRA on this machine: the loop over the examples, which can be stopped and goes on later."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import FineTuningError
from .gguf_merge import TARGETS
from .libraries import Libraries

RANK, ALPHA, DROPOUT = 8, 16, 0.05
LEARNING_RATE = 2e-4
BATCH, EPOCHS = 4, 3
LONGEST = 384
"""Tokens of one example: a longer prompt loses its beginning."""
_SAVE_SECONDS = 60.0

Told = Callable[[int, int, float], None]
"""Step, steps and loss."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train."""

    epochs: int = EPOCHS
    batch: int = BATCH
    rate: float = LEARNING_RATE
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """Token ids, and how many of them are the prompt, which is not learned."""

    ids: tuple[int, ...]
    asked: int


class Trainer:
    """One base with its adapters. Everything here computes for long: call it in a thread."""

    def __init__(
        self, lib: Libraries, base: Path, plan: Plan, checkpoint: Path, *, begins: bool
    ) -> None:
        self._lib = lib
        self._plan = plan
        self._checkpoint = checkpoint
        self._begins = begins
        lib.torch.manual_seed(plan.seed)
        auto = lib.transformers
        try:
            where: dict[str, Any] = {"gguf_file": base.name, "local_files_only": True}
            folder = str(base.parent)
            self._tokenizer = auto.AutoTokenizer.from_pretrained(folder, **where)
            loaded = auto.AutoModelForCausalLM.from_pretrained(
                folder, dtype=lib.torch.float32, **where
            )
        except Exception as error:  # the library raises whatever its parts raise
            told = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            raise FineTuningError(f"{base.name} cannot be loaded for training ({told}).") from error
        self.config = loaded.config
        lora = lib.peft.LoraConfig(
            r=RANK,
            lora_alpha=ALPHA,
            lora_dropout=DROPOUT,
            target_modules=list(TARGETS),
            task_type="CAUSAL_LM",
        )
        self.model = lib.peft.get_peft_model(loaded, lora)
        weights = [p for p in self.model.parameters() if p.requires_grad]
        self._optimizer = lib.torch.optim.AdamW(weights, lr=plan.rate)
        self.before: float | None = None
        """The loss of the base alone, once it was measured; kept with the checkpoint."""
        self._step = self._restore()

    def samples(self, path: Path) -> list[Sample]:
        """A JSONL file's lines as token ids, each answer closed by the end of text."""
        lines = path.read_text(encoding="utf-8").splitlines()
        return [self._sample(json.loads(line)) for line in lines]

    def _sample(self, line: dict[str, Any]) -> Sample:
        asked, answer = self._texts(line)
        head: list[int] = self._tokenizer(asked, add_special_tokens=False)["input_ids"]
        tail: list[int] = self._tokenizer(answer, add_special_tokens=False)["input_ids"]
        tail = [*tail, self._tokenizer.eos_token_id][: LONGEST // 2]
        head = head[-(LONGEST - len(tail)) :]
        if self._begins and head[:1] != [self._tokenizer.bos_token_id]:
            head = [self._tokenizer.bos_token_id, *head[-(LONGEST - len(tail) - 1) :]]
        return Sample((*head, *tail), len(head))

    def _texts(self, line: dict[str, Any]) -> tuple[str, str]:
        if "prompt" in line:
            return line["prompt"], line["completion"]
        messages: list[dict[str, str]] = line["messages"]
        template = self._tokenizer.apply_chat_template
        if self._tokenizer.chat_template is None:
            told = "this base has no chat template; give lines of {prompt, completion}"
            raise FineTuningError(f"Messages cannot be trained on: {told}.")
        asked = template(messages[:-1], tokenize=False, add_generation_prompt=True)
        return asked, messages[-1]["content"]

    def steps(self, samples: Sequence[Sample]) -> int:
        """How many steps all epochs have."""
        return self._plan.epochs * math.ceil(len(samples) / self._plan.batch)

    def train(self, samples: Sequence[Sample], told: Told, stop: Callable[[], bool]) -> bool:
        """Train from where the checkpoint is; whether it came to the end rather than was stopped."""
        total, batch = self.steps(samples), self._plan.batch
        per_epoch = total // self._plan.epochs
        self.model.train()
        saved = time.monotonic()
        while self._step < total:
            epoch, at = divmod(self._step, per_epoch)
            order = list(samples)
            random.Random(f"{self._plan.seed}:{epoch}").shuffle(order)  # noqa: S311
            loss = self._loss(order[at * batch : (at + 1) * batch])
            loss.backward()
            self._optimizer.step()
            self._optimizer.zero_grad()
            self._step += 1
            told(self._step, total, float(loss.detach()))
            stopped = stop()
            if stopped or self._step % per_epoch == 0 or time.monotonic() > saved + _SAVE_SECONDS:
                self._save()
                saved = time.monotonic()
            if stopped:
                return False
        return True

    def loss(self, samples: Sequence[Sample]) -> float:
        """Mean loss a batch, without learning."""
        self.model.eval()
        batch = self._plan.batch
        with self._lib.torch.no_grad():
            parts = [
                float(self._loss(samples[at : at + batch])) for at in range(0, len(samples), batch)
            ]
        return sum(parts) / len(parts)

    def _loss(self, samples: Sequence[Sample]) -> Any:
        torch = self._lib.torch
        width = max(len(s.ids) for s in samples)
        ids = torch.zeros((len(samples), width), dtype=torch.long)
        mask = torch.zeros_like(ids)
        labels = torch.full_like(ids, -100)
        for row, sample in enumerate(samples):
            size = len(sample.ids)
            ids[row, :size] = torch.tensor(sample.ids)
            mask[row, :size] = 1
            labels[row, sample.asked : size] = ids[row, sample.asked : size]
        return self.model(input_ids=ids, attention_mask=mask, labels=labels).loss

    def _save(self) -> None:
        state = {
            "step": self._step,
            "before": self.before,
            "adapter": self._lib.peft.get_peft_model_state_dict(self.model),
            "optimizer": self._optimizer.state_dict(),
        }
        temporary = self._checkpoint.with_suffix(".new")
        self._lib.torch.save(state, temporary)
        temporary.replace(self._checkpoint)

    def _restore(self) -> int:
        if not self._checkpoint.is_file():
            return 0
        state = self._lib.torch.load(self._checkpoint, weights_only=True)
        self._lib.peft.set_peft_model_state_dict(self.model, state["adapter"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.before = state["before"]
        return int(state["step"])
