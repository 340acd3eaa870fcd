"""The context of a request: the part of a document, and of others, that a model is shown."""
