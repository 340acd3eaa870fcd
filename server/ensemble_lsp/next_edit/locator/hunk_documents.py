"""The text around a hunk as two documents, and as two parsed regions: before and after the edit."""

from __future__ import annotations

from ...syntax.trees import ParsedRegion
from ...types import Document
from ..edit_history import Hunk
from .regions import Regions


def before_and_after(hunk: Hunk) -> tuple[Document, Document]:
    """Return the kept text around a hunk before and after it; the hunk begins at line ``len(hunk.above)``."""
    old = (*hunk.above, *hunk.removed, *hunk.below)
    new = (*hunk.above, *hunk.added, *hunk.below)
    return (
        Document(hunk.uri, 0, hunk.language, old or ("",)),
        Document(hunk.uri, 0, hunk.language, new or ("",)),
    )


def regions_of(hunk: Hunk, regions: Regions) -> tuple[ParsedRegion, ParsedRegion] | None:
    """Return the parsed code around a hunk before and after it; ``None`` without a grammar."""
    old, new = before_and_after(hunk)
    first = len(hunk.above)
    before, after = regions.around(old, first), regions.around(new, first)
    return None if before is None or after is None else (before, after)
