"""The unit of indentation to write in a document.

In this order: the document's own lines, ``.editorconfig``, the client's formatting options.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from ..syntax.indentation import nearby_lines, own_indent_unit
from ..types import Document

logger = logging.getLogger(__name__)
_MAX_WIDTH = 16


@dataclass(frozen=True, slots=True)
class FormattingOptions:
    """The part of LSP's ``FormattingOptions`` that is about indentation."""

    tab_size: int = 4
    insert_spaces: bool = True

    @property
    def unit(self) -> str:
        """One level of indentation."""
        return " " * max(1, min(self.tab_size, _MAX_WIDTH)) if self.insert_spaces else "\t"


async def indent_unit_of(
    document: Document, line: int, options: FormattingOptions | None = None
) -> str:
    """Return one level of indentation for code near a line; empty if nothing certain says it.

    Reads ``.editorconfig`` off the event loop.
    """
    own = own_indent_unit(nearby_lines(document, line))
    if own.certain:
        return own.unit
    if own.mixed:
        return ""
    path = document.path
    configured = await asyncio.to_thread(_editorconfig_unit, path) if path else ""
    if configured:
        return configured
    return options.unit if options is not None else ""


def _editorconfig_unit(path: str) -> str:
    """Return the unit that the ``.editorconfig`` files of a path ask for; empty if they do not."""
    from editorconfig import EditorConfigError, get_properties

    try:
        found = get_properties(str(Path(path).absolute()))
    except (EditorConfigError, OSError, ValueError) as error:
        logger.info(".editorconfig of %s cannot be read: %s", path, error)
        return ""
    size = found.get("indent_size", "")
    size = found.get("tab_width", "") if size == "tab" else size
    if found.get("indent_style") == "tab":
        return "\t"
    return " " * min(int(size), _MAX_WIDTH) if size.isdecimal() and int(size) else ""
