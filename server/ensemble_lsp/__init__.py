"""A Language Server that asks several AI models and learns which one to ask."""

__version__ = "0.1.0"
