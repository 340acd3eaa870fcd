"""The parameters of the requests for next edits, in the form that Copilot's clients send.

Import this module lazily: ``initialize`` is answered before pydantic is imported.
"""

from __future__ import annotations

from typing import Any, cast

from pydantic import Field, ValidationError

from ..types import Trigger
from .wire_models import ClientMessage, NonEmpty, WirePosition, WireRange, optional

_SEVERITIES = {1: "error", 2: "warning", 3: "information", 4: "hint"}
_MAX_DIAGNOSTICS = 100


class VersionedDocument(ClientMessage):
    """The document, and the version that the client has."""

    uri: NonEmpty
    version: int | None = optional(strict=False)


class EditDiagnosticParams(ClientMessage):
    """A diagnostic that the client knows of."""

    message: str
    range: WireRange
    severity: str | int = "error"
    source: str | None = optional()

    @property
    def severity_name(self) -> str:
        """The severity as a word; a client may send LSP's number."""
        known = self.severity
        return _SEVERITIES.get(known, "error") if isinstance(known, int) else known


class InlineEditParams(ClientMessage):
    """The parameters of ``textDocument/copilotInlineEdit``."""

    text_document: VersionedDocument
    position: WirePosition
    # Lua's empty table is [] in JSON: a client may mean an object.
    context: Any = Field(default_factory=dict[str, Any])
    diagnostics: Any = Field(default_factory=list[Any])

    @property
    def trigger(self) -> Trigger:
        """Whether the user asked for it: ``triggerKind`` 1 says that."""
        context = cast("dict[str, Any]", self.context) if isinstance(self.context, dict) else {}
        return "invoked" if context.get("triggerKind") == 1 else "automatic"

    @property
    def known_diagnostics(self) -> list[EditDiagnosticParams]:
        """The valid diagnostics."""
        found: list[EditDiagnosticParams] = []
        given = cast("list[Any]", self.diagnostics) if isinstance(self.diagnostics, list) else []
        for raw in given[:_MAX_DIAGNOSTICS]:
            try:
                found.append(EditDiagnosticParams.model_validate(raw))
            except ValidationError:
                continue
        return found


def parse_params(params: Any) -> InlineEditParams | None:
    """Return the parameters of a request; ``None`` if they are not valid."""
    try:
        return InlineEditParams.model_validate(params)
    except ValidationError:
        return None


def accepted_id(params: Any) -> str | None:
    """Return the suggestion's id in the accept command of the item that a notification of Copilot's clients names."""
    for key in ("item", "command", "arguments"):
        params = cast("dict[str, Any]", params).get(key) if isinstance(params, dict) else None
    first: Any = next(iter(cast("list[Any]", params)), None) if isinstance(params, list) else None
    found: Any = cast("dict[str, Any]", first).get("id") if isinstance(first, dict) else first
    return found if isinstance(found, str) else None
