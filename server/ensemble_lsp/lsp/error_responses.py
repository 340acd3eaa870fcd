"""Turn exceptions into an empty answer or an LSP error.

An editor requests completions and hovers unasked, and shows any error except ``RequestCancelled`` and
``ContentModified`` as a pop-up: those handlers answer with nothing instead. A request that the user
made fails with a message that says what to do.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from lsprotocol.types import ErrorCodes, LSPErrorCodes
from pygls.exceptions import JsonRpcException

from ..errors import EnsembleError, Problem, SettingsError, UnknownModelError

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


def failure(
    message: str, code: int = LSPErrorCodes.RequestFailed, problem: Problem = "other"
) -> JsonRpcException:
    """Return an error that the client shows to the user; ``problem`` lets it offer a fix."""
    data = None if problem == "other" else {"problem": problem}
    return JsonRpcException(message=message, code=int(code), data=data)


def quiet_on_error(
    empty: Callable[[], R],
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Decorate a handler of requests that editors send unasked: log errors, answer ``empty()``."""

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


def raise_to_user(handler: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Decorate a handler of requests that the user made: fail with a message that says what to do."""

    @functools.wraps(handler)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await handler(*args, **kwargs)
        except (SettingsError, UnknownModelError) as error:
            raise failure(str(error), ErrorCodes.InvalidParams, error.problem) from error
        except EnsembleError as error:
            raise failure(str(error), problem=error.problem) from error
        except JsonRpcException:
            raise
        except Exception as error:
            logger.exception("%s failed", handler.__name__)
            message = f"Internal error ({type(error).__name__}); see the log of ensemble-lsp."
            raise failure(message, ErrorCodes.InternalError) from error

    return wrapped
