"""Code actions of the presets: fix or explain the reported problems, write tests, write documentation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from ...types import Document, Span
from ..convert import range_arguments, to_span
from ..convert_diagnostics import as_arguments, covering, diagnostics_at, from_arguments
from ..server import EnsembleServer

if TYPE_CHECKING:
    from ...context.diagnostics import Diagnostic
    from ...generation.candidates import Generation
    from ...generation.presets import PresetRequest
    from ..generation_schemas import GenerateArguments

FIX_KIND = "quickfix.ensemble"
WRITE_KIND = "refactor.rewrite.ensemble.write"
_FIX = "Fix with ensemble"
_EXPLAIN = "Explain this error with ensemble"
_WRITE = {"tests": "Write tests", "documentation": "Write documentation"}


def problem_actions(
    ls: EnsembleServer, document: Document, params: types.CodeActionParams
) -> list[types.CodeAction]:
    """Offer to fix and to explain the problems at a place: two actions, however many problems."""
    found = diagnostics_at(document, params, ls.encoding)
    return _problem_actions(ls, document, found, params.context) if found else []


def _problem_actions(
    ls: EnsembleServer,
    document: Document,
    found: list[Diagnostic],
    context: types.CodeActionContext,
) -> list[types.CodeAction]:
    arguments = {
        **range_arguments(document, covering(found), ls.encoding),
        "diagnostics": as_arguments(document, found, ls.encoding),
    }
    messages = {each.message for each in found}
    solved = [each for each in context.diagnostics if each.message in messages]
    fix = _action(ls, document, _FIX, FIX_KIND, {**arguments, "preset": "fix"})
    fix.diagnostics = solved
    command = types.Command(
        title=_EXPLAIN, command="ensemble.explain", arguments=[{**arguments, "show": True}]
    )
    explain = types.CodeAction(_EXPLAIN, FIX_KIND, diagnostics=solved, command=command)
    return [fix, explain]


def definition_actions(
    ls: EnsembleServer, document: Document, params: types.CodeActionParams
) -> list[types.CodeAction]:
    """Offer tests and documentation for the function or class at a place, if the user asks for actions."""
    if params.context.trigger_kind == types.CodeActionTriggerKind.Automatic:
        return []  # a light bulb that is always there says nothing
    from ...generation.presets import can_document, defined_at

    host = ls.host_if_ready()
    trees = host.app.workspace.context.trees if host is not None else None
    symbol = defined_at(document, to_span(document, params.range, ls.encoding), trees)
    if symbol is None:
        return []
    place = range_arguments(document, Span(symbol.span.start, symbol.span.start), ls.encoding)
    presets = ["documentation"] if can_document(document, symbol) else []
    presets += [] if symbol.empty else ["tests"]
    return [
        _action(
            ls,
            document,
            f"{_WRITE[preset]} with ensemble",
            WRITE_KIND,
            {**place, "preset": preset},
        )
        for preset in presets
    ]


def _action(
    ls: EnsembleServer, document: Document, title: str, kind: str, arguments: dict[str, Any]
) -> types.CodeAction:
    """Return an action that asks the models when it is resolved, or by its command."""
    resolved = ls.client.code_action_literals and ls.client.resolves_edit
    command = types.Command(title=title, command="ensemble.generate", arguments=[arguments])
    place = {"uri": document.uri, "version": document.version}
    data = {"task": "preset", **place, "arguments": arguments}
    return types.CodeAction(
        title=title,
        kind=kind,
        command=None if resolved else command,
        data=data if resolved else None,
    )


async def preset_generation(
    ls: EnsembleServer,
    document: Document,
    arguments: dict[str, Any],
    generate: Callable[..., Awaitable[Generation]],
) -> Generation:
    """Run the preset of an action that is resolved."""
    from ..command_schemas import parse_arguments
    from ..generation_schemas import GenerateArguments

    parsed = parse_arguments(GenerateArguments, arguments)
    span = to_span(document, cast("types.Range", parsed.range), ls.encoding)
    preset = await requested_preset(ls, document, span, parsed)
    return await generate(ls, document, span, preset=preset)


async def requested_preset(
    ls: EnsembleServer, document: Document, span: Span, arguments: GenerateArguments
) -> PresetRequest | None:
    """Return the preset that the arguments ask for. Diagnostics without a preset mean ``fix``."""
    from ...generation.presets import preset_request

    diagnostics = from_arguments(document, arguments.diagnostics, ls.encoding)
    preset = arguments.preset or ("fix" if diagnostics else None)
    if preset is None:
        return None
    return await asyncio.to_thread(preset_request, preset, document, span, diagnostics)
