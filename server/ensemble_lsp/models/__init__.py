"""The protocol of a model, its profile and key, shared parts of adapters, and policies that wrap models."""
