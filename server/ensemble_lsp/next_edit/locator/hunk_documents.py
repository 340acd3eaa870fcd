"""The text around a hunk as two documents, so that it can be parsed before and after the edit."""

from __future__ import annotations

from ...types import Document
from ..edit_history import Hunk


def before_and_after(hunk: Hunk) -> tuple[Document, Document]:
    """Return the kept text around a hunk before and after it; the hunk begins at line ``len(hunk.above)``."""
    old = (*hunk.above, *hunk.removed, *hunk.below)
    new = (*hunk.above, *hunk.added, *hunk.below)
    return (
        Document(hunk.uri, 0, hunk.language, old or ("",)),
        Document(hunk.uri, 0, hunk.language, new or ("",)),
    )
