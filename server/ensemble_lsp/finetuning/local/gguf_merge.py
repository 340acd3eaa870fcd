"""Merge LoRA adapters into the weights of a GGUF file, giving a new file for ``llamacpp``.

Only trained tensors are rewritten, as 16-bit floats; all others, the tokenizer and the metadata are copied
unchanged. LoRA adds ``scale * B @ A`` to a weight (Hu et al., "LoRA: Low-Rank
Adaptation of Large Language Models", 2021); GGUF's llama family interleaves the rows of query and key,
as llama.cpp's converter does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import FineTuningError
from .libraries import Libraries

ARCHITECTURES = ("llama", "qwen2", "qwen3")
"""Architectures whose tensor names are known; ``llama`` covers Mistral and SmolLM2."""

_PARTS = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}
TARGET_MODULES = tuple(_PARTS)
"""Modules that LoRA trains: all linear ones of a block."""


@dataclass(frozen=True, slots=True)
class GgufFacts:
    """Metadata of a base model that training needs."""

    arch: str
    adds_bos: bool
    """Whether llama.cpp puts a beginning-of-sequence token before every text."""


def read_facts(lib: Libraries, base: Path) -> GgufFacts:
    """Read the metadata of a GGUF file; raises ``FineTuningError`` if it cannot be trained here."""
    try:
        reader = lib.gguf.GGUFReader(base)
        architecture = str(_value(reader, "general.architecture", "unknown"))
        kind = _value(reader, "tokenizer.ggml.model", "")
        begins = bool(_value(reader, "tokenizer.ggml.add_bos_token", kind == "llama"))
    except (OSError, ValueError) as error:
        raise FineTuningError(
            f"{base} is not a readable GGUF file ({error}); choose another."
        ) from error
    if architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise FineTuningError(
            f"{base.name} has the architecture {architecture}; only {known} can be trained."
        )
    return GgufFacts(architecture, begins)


def _value(reader: Any, key: str, otherwise: Any) -> Any:
    field = reader.get_field(key)
    return otherwise if field is None else field.contents()


def weight_deltas(model: Any, config: Any, arch: str) -> dict[str, Any]:
    """Return the change of each weight by a PEFT model's adapters, by GGUF tensor name, as float32."""
    changes: dict[str, Any] = {}
    for name, module in model.named_modules():
        if "default" not in getattr(module, "lora_A", {}):
            continue
        delta = module.get_delta_weight("default").detach().float().cpu().numpy()
        path = name.split(".")
        part, block = path[-1], path[path.index("layers") + 1]
        if arch == "llama" and part in ("q_proj", "k_proj"):
            heads = config.num_attention_heads
            if part == "k_proj":
                heads = config.num_key_value_heads or heads
            delta = _interleave(delta, heads)
        changes[f"blk.{block}.{_PARTS[part]}.weight"] = delta
    return changes


def _interleave(weight: Any, heads: int) -> Any:
    rows = weight.shape[0]
    split = weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:])
    return split.swapaxes(1, 2).reshape(weight.shape)


def write_merged(
    lib: Libraries,
    base: Path,
    target: Path,
    changes: Mapping[str, Any],
    name: str,
    check: Callable[[], None],
) -> None:
    """Write ``base`` with ``changes`` added to its tensors to ``target``, atomically.

    ``check`` is called before each tensor, and before the file gets its name.
    Raises ``FineTuningError`` if a tensor is missing or the file cannot be written.
    """
    gguf = lib.gguf
    reader = gguf.GGUFReader(base)
    present = {tensor.name for tensor in reader.tensors}
    if absent := sorted(set(changes) - present):
        raise FineTuningError(f"{base.name} has no tensor {absent[0]}; choose another base.")
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        writer = gguf.GGUFWriter(temporary, arch=str(_value(reader, "general.architecture", "")))
        _copy_fields(gguf, reader, writer, name)
        for tensor in reader.tensors:
            check()
            _copy_tensor(gguf, writer, tensor, changes.get(tensor.name))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        check()
        temporary.replace(target)
    except OSError as error:
        raise FineTuningError(
            f"{target} cannot be written ({error.strerror}); check the disk and its permissions."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _copy_fields(gguf: Any, reader: Any, writer: Any, name: str) -> None:
    for field in reader.fields.values():
        # The writer already has the header fields and the architecture.
        if field.name.startswith("GGUF.") or field.name == "general.architecture":
            continue
        kind = field.types[0]
        value = field.contents()
        if field.name == "general.name":
            value = name
        elif field.name == "general.file_type":
            value = int(gguf.LlamaFileType.MOSTLY_F16)
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, value, kind, sub_type=inner)


def _copy_tensor(gguf: Any, writer: Any, tensor: Any, delta: Any) -> None:
    if delta is None:
        writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        return
    weight = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    writer.add_tensor(tensor.name, (weight.reshape(delta.shape) + delta).astype("float16"))
