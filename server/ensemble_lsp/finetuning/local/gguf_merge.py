"""What LoRA learned, added to a GGUF file's weights: a new GGUF file that ``llamacpp`` loads.

Only the tensors that were trained are written anew, as 16-bit floats; all others, the tokenizer and the
metadata are copied as they are. LoRA adds ``scale * B @ A`` to a weight (Hu et al., "LoRA: Low-Rank
Adaptation of Large Language Models", 2021); GGUF's llama family interleaves the rows of query and key,
as llama.cpp's converter does.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import FineTuningError
from .libraries import Libraries

SUPPORTED = ("llama", "qwen2", "qwen3")
"""Architectures whose tensors are known to correspond; llama's covers Mistral and SmolLM2."""

_PARTS = {
    "q_proj": "attn_q",
    "k_proj": "attn_k",
    "v_proj": "attn_v",
    "o_proj": "attn_output",
    "gate_proj": "ffn_gate",
    "up_proj": "ffn_up",
    "down_proj": "ffn_down",
}
TARGETS = tuple(_PARTS)
"""The modules that LoRA trains: all linear ones of a block."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What must be known of a base before it is trained."""

    arch: str
    begins: bool
    """Whether llama.cpp puts a token for the beginning before every text."""


def facts_of(lib: Libraries, base: Path) -> Facts:
    """What a GGUF file says of itself; raises ``FineTuningError`` for one that cannot be trained here."""
    try:
        reader = lib.gguf.GGUFReader(base)
        found = str(_value(reader, "general.architecture", "unknown"))
        kind = _value(reader, "tokenizer.ggml.model", "")
        begins = bool(_value(reader, "tokenizer.ggml.add_bos_token", kind == "llama"))
    except (OSError, ValueError) as error:
        raise FineTuningError(
            f"{base} cannot be read as GGUF ({error}); choose another."
        ) from error
    if found not in SUPPORTED:
        known = ", ".join(SUPPORTED)
        raise FineTuningError(f"{base.name} is of the architecture {found}; trainable are {known}.")
    return Facts(found, begins)


def _value(reader: Any, key: str, otherwise: Any) -> Any:
    field = reader.get_field(key)
    return otherwise if field is None else field.contents()


def deltas(model: Any, config: Any, arch: str) -> dict[str, Any]:
    """By GGUF tensor name, what a PEFT model's adapters add to the weights, as float32 arrays."""
    found: dict[str, Any] = {}
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
            delta = _interleaved(delta, heads)
        found[f"blk.{block}.{_PARTS[part]}.weight"] = delta
    return found


def _interleaved(weight: Any, heads: int) -> Any:
    rows = weight.shape[0]
    split = weight.reshape(heads, 2, rows // heads // 2, *weight.shape[1:])
    return split.swapaxes(1, 2).reshape(weight.shape)


def write(lib: Libraries, base: Path, target: Path, changes: Mapping[str, Any], name: str) -> None:
    """Write ``base`` with ``changes`` added to its tensors as ``target``, in one step.

    Raises ``FineTuningError`` where a tensor is missing or the file cannot be written.
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
            _copy_tensor(gguf, writer, tensor, changes.get(tensor.name))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        temporary.replace(target)
    except OSError as error:
        raise FineTuningError(f"{target} cannot be written ({error.strerror}).") from error
    finally:
        temporary.unlink(missing_ok=True)


def _copy_fields(gguf: Any, reader: Any, writer: Any, name: str) -> None:
    for field in reader.fields.values():
        # The header's own, and the architecture, which the writer has already.
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
