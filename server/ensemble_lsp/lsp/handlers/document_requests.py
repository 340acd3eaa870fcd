"""Two decorators shared by the requests that an editor sends unasked, and the suggestions at a cursor."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from lsprotocol import types

from ...types import Document, Suggestion
from ..error_responses import quiet_on_error
from ..server import EnsembleServer

if TYPE_CHECKING:
    from ...completion import CompletionRequest

ACCEPT = "ensemble.accept"

R = TypeVar("R")


class DocumentParams(Protocol):
    """Params that name a document."""

    @property
    def text_document(self) -> types.TextDocumentIdentifier:
        """The document."""
        ...


P = TypeVar("P", bound=DocumentParams)


def document_request(
    empty: Callable[[], R], *, drop_outdated: bool = True
) -> Callable[
    [Callable[[EnsembleServer, Document, P], Awaitable[R]]],
    Callable[[EnsembleServer, P], Awaitable[R]],
]:
    """Decorate a handler of a request about an open document that an editor sends unasked.

    The handler gets the document as it is when the request arrives. The answer is ``empty()`` after an
    error, for a document that is not open, and if the document has changed meanwhile, unless the handler
    checks that itself.
    """

    def decorate(
        handler: Callable[[EnsembleServer, Document, P], Awaitable[R]],
    ) -> Callable[[EnsembleServer, P], Awaitable[R]]:
        @quiet_on_error(empty)
        @functools.wraps(handler)
        async def wrapped(ls: EnsembleServer, params: Any) -> R:
            document = ls.documents.get(params.text_document.uri)
            if document is None:
                return empty()
            await ls.packages_imported()
            answer = await handler(ls, document, params)
            if drop_outdated and not ls.is_current(document.uri, document.version):
                return empty()
            return answer

        return wrapped

    return decorate


def accept_command(suggestion: Suggestion) -> types.Command:
    """Return the command that the editor runs after inserting a suggestion, which also names its models."""
    arguments = {"id": suggestion.id, "models": list(suggestion.models)}
    return types.Command(title="Accept", command=ACCEPT, arguments=[arguments])


async def suggestions_for(ls: EnsembleServer, request: CompletionRequest) -> list[Suggestion]:
    """Ask for completions; withdraw them if the document has changed meanwhile."""
    host = await ls.host()
    suggestions = await host.services.completer.complete(host.app, request)
    if not ls.is_current(request.document.uri, request.document.version):
        host.app.suggestions.withdrawn(suggestions)
    return suggestions
