"""A tiny language model made on the spot: random weights, a tokenizer of bytes, in a GGUF file.

Needs the packages of the extra ``finetune-local``.
"""

from __future__ import annotations

from pathlib import Path

WIDTH, BLOCKS, HEADS, KV_HEADS, FORWARD = 64, 2, 4, 2, 128
END = "<|endoftext|>"


def make(path: Path, seed: int = 0) -> Path:
    """Write the model."""
    import gguf
    import numpy

    characters = _byte_characters()
    tokens = [END, *characters, "de"]
    chance = numpy.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(BLOCKS)
    writer.add_feed_forward_length(FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] + [gguf.TokenType.NORMAL] * (len(tokens) - 1))
    writer.add_token_merges(["d e"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(False)

    def random(*shape: int) -> numpy.ndarray:
        return (chance.standard_normal(shape) * 0.3 / shape[-1] ** 0.5 * 4).astype("float32")

    keys = WIDTH // HEADS * KV_HEADS
    writer.add_tensor("token_embd.weight", random(len(tokens), WIDTH) * 4)
    writer.add_tensor("output.weight", random(len(tokens), WIDTH))
    writer.add_tensor("output_norm.weight", numpy.ones(WIDTH, "float32"))
    for block in range(BLOCKS):
        for name, rows, columns in (
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", keys, WIDTH),
            ("attn_v", keys, WIDTH),
            ("attn_output", WIDTH, WIDTH),
            ("ffn_gate", FORWARD, WIDTH),
            ("ffn_up", FORWARD, WIDTH),
            ("ffn_down", WIDTH, FORWARD),
        ):
            writer.add_tensor(f"blk.{block}.{name}.weight", random(rows, columns))
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{block}.{name}.weight", numpy.ones(WIDTH, "float32"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _byte_characters() -> list[str]:
    """The 256 bytes as GPT-2's byte-level tokenizers write them."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(b) for b in plain] + [chr(256 + n) for n in range(256 - len(plain))]
