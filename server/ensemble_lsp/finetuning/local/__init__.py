"""LoRA of a small open model on this machine, into a file that ``llamacpp`` loads."""
