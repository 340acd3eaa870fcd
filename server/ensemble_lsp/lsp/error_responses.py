"""Domain errors become an empty answer or an LSP error, in this one place.

What an editor asks by itself (completion, hover) must stay silent: a client shows any error but
``RequestCancelled`` and ``ContentModified`` as a pop-up. What the user asked for fails with a message
that says what to do.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

from pygls.exceptions import JsonRpcException

from ..errors import EnsembleError, SettingsError, UnknownModelError

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

REQUEST_FAILED = -32803
INVALID_PARAMS = -32602
INVALID_REQUEST = -32600
CONTENT_MODIFIED = -32801
INTERNAL_ERROR = -32603


def failure(message: str, code: int = REQUEST_FAILED) -> JsonRpcException:
    """An error that the client shows to the user."""
    return JsonRpcException(message=message, code=code)


def quiet_on_error(
    empty: Callable[[], R],
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """For what comes by itself: errors are logged, the answer is ``empty()``."""

    def decorate(handler: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @functools.wraps(handler)
        async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return await handler(*args, **kwargs)
            except EnsembleError as error:
                logger.warning("%s", error)
            except JsonRpcException:
                raise
            except Exception:
                logger.exception("%s failed", handler.__name__)
            return empty()

        return wrapped

    return decorate


def raise_to_user(handler: Callable[P, Awaitable[Any]]) -> Callable[P, Awaitable[Any]]:
    """For what the user asked for: errors become a message that says what to do."""

    @functools.wraps(handler)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return await handler(*args, **kwargs)
        except (SettingsError, UnknownModelError) as error:
            raise failure(str(error), INVALID_PARAMS) from error
        except EnsembleError as error:
            raise failure(str(error)) from error
        except JsonRpcException:
            raise
        except Exception as error:
            logger.exception("%s failed", handler.__name__)
            message = (
                f"ensemble-lsp failed inside ({type(error).__name__}); its log has the details."
            )
            raise failure(message, INTERNAL_ERROR) from error

    return wrapped
