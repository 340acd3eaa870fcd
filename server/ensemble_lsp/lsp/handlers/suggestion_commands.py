"""``ensemble.accept``, ``reject``, ``choose`` and ``why``: commands about one suggestion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types

from ..candidate_picker import apply_candidate, pick_candidate
from ..convert import code_points, to_position
from ..server import EnsembleServer

if TYPE_CHECKING:
    from ..suggestion_schemas import AcceptArguments, ChooseArguments, RejectArguments, WhyArguments


async def accept(ls: EnsembleServer, arguments: AcceptArguments) -> None:
    """Record that a suggestion was accepted, in whole or in part."""
    suggestions = (await ls.app()).suggestions
    length = arguments.length
    if length is not None and (suggestion := suggestions.find(arguments.id)):
        length = code_points(suggestion.text, length)
    await suggestions.accepted(arguments.id, length)


async def reject(ls: EnsembleServer, arguments: RejectArguments) -> None:
    """Record that a suggestion, or every candidate of a generation, was rejected."""
    host = await ls.host()
    for id_ in host.services.generator.discard(arguments.id) or [arguments.id]:
        await host.app.suggestions.rejected(id_)


async def choose(ls: EnsembleServer, arguments: ChooseArguments) -> None:
    """Apply a candidate; for the id of a generation, ask the user which one."""
    host = await ls.host()
    if (undecided := host.services.generator.find(arguments.id)) is not None:
        ls.background(pick_candidate(ls, undecided))
        return
    generation, candidate = host.services.generator.candidate(arguments.id)
    await apply_candidate(ls, generation, candidate)


async def why(ls: EnsembleServer, arguments: WhyArguments) -> dict[str, Any]:
    """Explain a suggestion's models; without an id, which models would be asked at a position."""
    from ..command_schemas import parse_arguments
    from ..suggestion_schemas import PositionQuery

    app = await ls.app()
    if arguments.id is not None:
        return app.suggestions.why(arguments.id)
    query = parse_arguments(PositionQuery, arguments.model_dump(exclude_none=True))
    document = ls.document(query.uri)
    # It has LSP's fields, but may hold numbers that lsprotocol refuses.
    position = to_position(document, cast("types.Position", query.position), ls.encoding)
    return app.outlook(query.task, document, position, pinned=not arguments.unpinned)
