"""LoRA training of a small open model on this machine, merged into a GGUF file for ``llamacpp``."""
