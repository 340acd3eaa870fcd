"""The client's formatting options, which some clients send with a request for code."""

from __future__ import annotations

from typing import Any, cast

import attrs
from lsprotocol import types

from ..context.indent_style import FormattingOptions


@attrs.define
class InlineCompletionParams(types.InlineCompletionParams):
    """LSP's params, with ``formattingOptions`` as in requests to format."""

    formatting: FormattingOptions | None = None


def with_formatting(params: types.InlineCompletionParams, raw: Any) -> InlineCompletionParams:
    """Return the params with the options of the undecoded message."""
    return InlineCompletionParams(
        text_document=params.text_document,
        position=params.position,
        context=params.context,
        work_done_token=params.work_done_token,
        formatting=formatting_options(cast("dict[str, Any]", raw).get("formattingOptions")),
    )


def formatting_options(raw: Any) -> FormattingOptions | None:
    """Return the options of a message; ``None`` if they are missing or incomplete."""
    if not isinstance(raw, dict):
        return None
    options = cast("dict[str, Any]", raw)
    size, spaces = options.get("tabSize"), options.get("insertSpaces")
    if not isinstance(size, int) or not isinstance(spaces, bool) or size < 1:
        return None
    return FormattingOptions(size, spaces)
