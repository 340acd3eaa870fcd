"""The LoRA training loop, which can be stopped and resumed from its checkpoint."""

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
from .gguf_merge import TARGET_MODULES
from .libraries import Libraries

RANK, ALPHA, DROPOUT = 8, 16, 0.05
LEARNING_RATE = 2e-4
BATCH, EPOCHS = 4, 3
MAX_TOKENS = 384
"""Tokens of one example; a longer prompt loses its beginning."""
_SAVE_SECONDS = 60.0

ReportStep = Callable[[int, int, float], None]
"""Step, steps and loss."""


@dataclass(frozen=True, slots=True)
class LoraPlan:
    """Parameters of the training."""

    epochs: int = EPOCHS
    batch: int = BATCH
    rate: float = LEARNING_RATE
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TokenizedExample:
    """Token ids; the first ``prompt_length`` are the prompt, which is not learned."""

    ids: tuple[int, ...]
    prompt_length: int


class LoraTrainer:
    """A base model with its adapters. All methods are slow: call them in a thread."""

    def __init__(
        self, lib: Libraries, base: Path, plan: LoraPlan, checkpoint: Path, *, begins: bool
    ) -> None:
        self._lib = lib
        self._plan = plan
        self._checkpoint = checkpoint
        self._adds_bos = begins
        lib.torch.manual_seed(plan.seed)
        auto = lib.transformers
        try:
            where: dict[str, Any] = {"gguf_file": base.name, "local_files_only": True}
            folder = str(base.parent)
            self._tokenizer = auto.AutoTokenizer.from_pretrained(folder, **where)
            loaded = auto.AutoModelForCausalLM.from_pretrained(
                folder, dtype=lib.torch.float32, **where
            )
        except Exception as error:  # the library raises many kinds of errors
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            raise FineTuningError(
                f"{base.name} cannot be loaded for training ({reason}); choose another base."
            ) from error
        self.config = loaded.config
        lora = lib.peft.LoraConfig(
            r=RANK,
            lora_alpha=ALPHA,
            lora_dropout=DROPOUT,
            target_modules=list(TARGET_MODULES),
            task_type="CAUSAL_LM",
        )
        self.model = lib.peft.get_peft_model(loaded, lora)
        weights = [p for p in self.model.parameters() if p.requires_grad]
        self._optimizer = lib.torch.optim.AdamW(weights, lr=plan.rate)
        self.base_loss: float | None = None
        """Loss of the base alone, once measured; saved in the checkpoint."""
        self._step = self._restore()

    def tokenize(self, path: Path) -> list[TokenizedExample]:
        """Tokenize the lines of a JSONL file, with the end-of-text token after each answer."""
        lines = path.read_text(encoding="utf-8").splitlines()
        return [self._tokenized(json.loads(line)) for line in lines]

    def _tokenized(self, line: dict[str, Any]) -> TokenizedExample:
        prompt, answer = self._texts(line)
        head: list[int] = self._tokenizer(prompt, add_special_tokens=False)["input_ids"]
        tail: list[int] = self._tokenizer(answer, add_special_tokens=False)["input_ids"]
        tail = [*tail, self._tokenizer.eos_token_id][: MAX_TOKENS // 2]
        head = head[-(MAX_TOKENS - len(tail)) :]
        if self._adds_bos and head[:1] != [self._tokenizer.bos_token_id]:
            head = [self._tokenizer.bos_token_id, *head[-(MAX_TOKENS - len(tail) - 1) :]]
        return TokenizedExample((*head, *tail), len(head))

    def _texts(self, line: dict[str, Any]) -> tuple[str, str]:
        if "prompt" in line:
            return line["prompt"], line["completion"]
        messages: list[dict[str, str]] = line["messages"]
        template = self._tokenizer.apply_chat_template
        if self._tokenizer.chat_template is None:
            raise FineTuningError(
                "This base has no chat template; use lines of {prompt, completion}, not messages."
            )
        prompt = template(messages[:-1], tokenize=False, add_generation_prompt=True)
        return prompt, messages[-1]["content"]

    def steps(self, samples: Sequence[TokenizedExample]) -> int:
        """Return the number of steps of all epochs."""
        return self._plan.epochs * math.ceil(len(samples) / self._plan.batch)

    def train(
        self, samples: Sequence[TokenizedExample], report: ReportStep, stop: Callable[[], bool]
    ) -> None:
        """Train from the checkpoint on, to the end or until ``stop`` returns true."""
        total, batch = self.steps(samples), self._plan.batch
        per_epoch = total // self._plan.epochs
        self.model.train()
        saved = time.monotonic()
        while self._step < total:
            epoch, at = divmod(self._step, per_epoch)
            order = list(samples)
            random.Random(f"{self._plan.seed}:{epoch}").shuffle(order)  # noqa: S311 - a reproducible order
            loss = self._loss(order[at * batch : (at + 1) * batch])
            loss.backward()
            self._optimizer.step()
            self._optimizer.zero_grad()
            self._step += 1
            report(self._step, total, float(loss.detach()))
            stopped = stop()
            if stopped or self._step % per_epoch == 0 or time.monotonic() > saved + _SAVE_SECONDS:
                self._save()
                saved = time.monotonic()
            if stopped:
                return

    def loss(self, samples: Sequence[TokenizedExample], check: Callable[[], None]) -> float:
        """Return the mean loss of the batches, without learning; ``check`` is called before each."""
        self.model.eval()
        batch = self._plan.batch
        parts: list[float] = []
        with self._lib.torch.no_grad():
            for at in range(0, len(samples), batch):
                check()
                parts.append(float(self._loss(samples[at : at + batch])))
        return sum(parts) / len(parts)

    def _loss(self, samples: Sequence[TokenizedExample]) -> Any:
        torch = self._lib.torch
        width = max(len(s.ids) for s in samples)
        ids = torch.zeros((len(samples), width), dtype=torch.long)
        mask = torch.zeros_like(ids)
        labels = torch.full_like(ids, -100)
        for row, sample in enumerate(samples):
            size = len(sample.ids)
            ids[row, :size] = torch.tensor(sample.ids)
            mask[row, :size] = 1
            labels[row, sample.prompt_length : size] = ids[row, sample.prompt_length : size]
        return self.model(input_ids=ids, attention_mask=mask, labels=labels).loss

    def _save(self) -> None:
        state = {
            "step": self._step,
            "before": self.base_loss,
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
        self.base_loss = state["before"]
        return int(state["step"])
