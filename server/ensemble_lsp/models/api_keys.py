"""Find API keys, and keep them out of every text.

A provider's usual variable, and the key stored under the provider's name, are used only for the
provider's own address. Another address gets a key only by ``apiKeyEnv`` or one that is stored under
the model's name.
"""

from __future__ import annotations

import asyncio
import hmac
import threading
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from ..errors import SettingsError
from ..provider_spec import spec_of, specs
from ..settings import ModelSettings

SERVICE = "ensemble-lsp"
"""The service name in the system keyring; the user name is a model's or a provider's name."""

_USE_VARIABLE = "put the key into an environment variable and name that in apiKeyEnv instead."

_T = TypeVar("_T")


class Key:
    """A key that is never printed by accident; ``reveal`` returns the value."""

    __slots__ = ("_value", "source")

    def __init__(self, value: str, source: str) -> None:
        self._value = value
        self.source = source
        """The key's origin, for the user; ``none`` for no key."""

    def reveal(self) -> str:
        """Return the key itself, for the provider's client only; empty for no key."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Key):
            return NotImplemented
        same = hmac.compare_digest(self._value.encode(), other._value.encode())
        return same and self.source == other.source

    def __hash__(self) -> int:
        return hash(self.source)

    def __repr__(self) -> str:
        return f"<Key from {self.source}>"

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a key is not written anywhere")


def no_key() -> Key:
    """Return the key of a model without one."""
    return Key("", "none")


class Keyring:
    """The system keyring, read off the event loop with a short timeout.

    Headless machines have no keyring, and a locked one may ask the user and answer late. After the
    first failure it is not read again. ``load`` returns the ``keyring`` module; tests pass their own.
    """

    def __init__(
        self, load: Callable[[], Any] | None = None, *, timeout: float = 2.0, patience: float = 60.0
    ) -> None:
        self._load = load or _import_keyring
        self._timeout = timeout
        self._patience = patience
        self._lock = asyncio.Lock()
        self.problem: str | None = None
        """The failure after which it is not read again."""

    async def get(self, username: str) -> str | None:
        """Return the stored key; None without one, or if no keyring answers in time."""
        async with self._lock:
            if self.problem is not None:
                return None
            try:
                return await _in_thread(
                    lambda: self._load().get_password(SERVICE, username), self._timeout
                )
            except Exception as error:  # a backend may raise anything at all
                self.problem = type(error).__name__
                return None

    async def set(self, username: str, value: str) -> None:
        """Store a key; raises ``SettingsError`` without a working keyring."""
        await self._change(lambda: self._load().set_password(SERVICE, username, value))

    async def delete(self, username: str) -> None:
        """Remove a key; raises ``SettingsError`` without a key or a working keyring."""
        await self._change(lambda: self._load().delete_password(SERVICE, username))

    async def _change(self, work: Callable[[], None]) -> None:
        async with self._lock:
            try:
                # The user may have to unlock it first, and expects to wait, unlike in `get`.
                await _in_thread(work, self._patience)
            except Exception as error:
                raise SettingsError(
                    f"the system keyring failed ({type(error).__name__}); {_USE_VARIABLE}"
                ) from None  # a backend's error may hold the key
            self.problem = None


async def find_key(
    settings: ModelSettings, env: Mapping[str, str], keyring: Keyring | None = None
) -> Key:
    """Return a model's key: from its variable, the provider's usual one, or the system keyring.

    The result is false without a key.
    """
    spec = spec_of(settings.provider)
    if not spec.needs_key:
        return no_key()
    own = uses_official_address(settings)
    variable = settings.api_key_env or (spec.key_variable if own else None)
    value = env.get(variable, "").strip() if variable else ""
    if value:
        return Key(value, f"environment variable {variable}")
    # A model that merely has a provider's name must not get the provider's key.
    names = [] if settings.name in specs() else [settings.name]
    for username in (*names, settings.provider) if own else names:
        value = (await keyring.get(username) or "").strip() if keyring else ""
        if value:
            return Key(value, f"system keyring ({SERVICE}/{username})")
    return no_key()


async def store_key(username: str, value: str, keyring: Keyring | None = None) -> None:
    """Store a key in the system keyring under a model's or a provider's name.

    Raises ``SettingsError`` without a working keyring, and for one that accepts a key but does not keep it.
    """
    keyring = keyring or Keyring()
    await keyring.set(username, value)
    if await keyring.get(username) != value:
        raise SettingsError(f"the system keyring did not keep the key; {_USE_VARIABLE}")


async def delete_key(username: str, keyring: Keyring | None = None) -> None:
    """Remove a key from the system keyring; raises ``SettingsError`` on failure."""
    await (keyring or Keyring()).delete(username)


def uses_official_address(settings: ModelSettings) -> bool:
    """Return whether a model's requests go to the provider's own service, encrypted."""
    if settings.base_url is None:
        return True
    parts = urlsplit(settings.base_url)
    host = (parts.hostname or "").rstrip(".")
    # Regions have their own addresses, such as eu.api.openai.com.
    own = any(f".{host}".endswith(f".{name}") for name in spec_of(settings.provider).hosts)
    return own and parts.scheme == "https"


def key_variable(settings: ModelSettings) -> str | None:
    """Return the environment variable that may hold a model's key; None for a model that reads none."""
    if settings.api_key_env is not None:
        return settings.api_key_env
    usual = spec_of(settings.provider).key_variable if uses_official_address(settings) else ""
    return usual or None


def missing_key(settings: ModelSettings) -> str | None:
    """Return what to do about a missing key; None for an address that may need no key."""
    variable = key_variable(settings)
    if not variable:
        return None
    return (
        f"no key: set the environment variable {variable}, or store the key in the system keyring "
        f"(keyring set {SERVICE} {settings.name})"
    )


def _import_keyring() -> ModuleType:
    import keyring

    return keyring


async def _in_thread(work: Callable[[], _T], timeout: float) -> _T:
    """Return the result of blocking work in a thread that cannot delay the end of the program."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[_T] = loop.create_future()

    def settle(result: _T | None, error: Exception | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast("_T", result))

    def run() -> None:
        result: _T | None = None
        failure: Exception | None = None
        try:
            result = work()
        except Exception as error:
            failure = error
        try:
            loop.call_soon_threadsafe(settle, result, failure)
        except RuntimeError:  # the loop has ended meanwhile
            return

    # A daemon, not the loop's executor: the program's end waits for that one's threads.
    threading.Thread(target=run, name="keyring", daemon=True).start()
    return await asyncio.wait_for(done, timeout)
