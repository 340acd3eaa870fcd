"""From a document and a cursor to what a model is shown."""
