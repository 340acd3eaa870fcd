"""The embedded model: llama.cpp in a child process, asked over loopback HTTP.

``adapter`` is the ``Model``; ``engine`` starts, restarts and ends the child; ``worker`` is what
runs in it; ``prompts`` turns a ``Prompt`` into what a small local model answers best; ``wire``
sends it and ``answers`` reads what is streamed.
"""

from .llamacpp_model import LlamaCppModel, availability

__all__ = ["LlamaCppModel", "availability"]
