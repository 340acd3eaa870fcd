"""Waiting in tests until something holds: in a coroutine, or in a thread that drives an editor."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def until(condition: Callable[[], Any], timeout: float = 30.0) -> Any:
    """Return the condition's first true value, awaited where it is awaitable; ``TimeoutError`` without one."""

    async def wait() -> Any:
        while True:
            value = condition()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return value
            await asyncio.sleep(0.002)

    return await asyncio.wait_for(wait(), timeout)


def wait_until(
    condition: Callable[[], T], what: str | Callable[[], str] = "", timeout: float = 30.0
) -> T:
    """Return the condition's first true value; ``AssertionError`` with ``what`` without one."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > end:
            described = what() if callable(what) else what or condition
            raise AssertionError(f"not within {timeout:.0f} s: {described}")
        time.sleep(0.02)
    return value
