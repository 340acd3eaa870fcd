"""What a server may send, by the LSP 3.18 meta-model that lsprotocol's classes are generated from.

lsprotocol's own converter is lenient: it drops properties it does not know, turns ``1`` into ``"1"`` and
takes ``null`` for a property that may only be left out. Here a message is held to the letter: known and
required properties, JSON types, integer bounds, closed enumerations, the direction of a method, and one
of ``result`` and ``error``. Beyond the meta-model: nothing is asked of a client that did not announce it.
"""

from __future__ import annotations

import collections.abc
import enum
import types as python_types
import typing
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import attrs
from lsprotocol import converters, types

converters.get_converter()  # resolves the classes' forward references

OWN = "ensemble/"
"""Methods of our own; the contract describes them, the meta-model does not."""

Path = str


@cache
def _wire_name(name: str) -> str:
    first, *rest = name.removesuffix("_").split("_")
    return first + "".join(part.title() for part in rest)


@cache
def _fields(cls: type) -> dict[str, attrs.Attribute[Any]]:
    return {_wire_name(field.name): field for field in attrs.fields(cls)}


def faults(value: Any, kind: Any, path: Path = "") -> list[str]:
    """What is wrong with a JSON value, held against a type of ``lsprotocol.types``."""
    if _takes_anything(kind):
        return []
    origin = typing.get_origin(kind)
    if origin in (typing.Union, python_types.UnionType):
        return _any_of(value, typing.get_args(kind), path)
    if origin is typing.Literal:
        return [] if value in typing.get_args(kind) else [f"{path}: {value!r} is not {kind}"]
    if origin is not None:
        return _collection(value, origin, typing.get_args(kind), path)
    if attrs.has(kind):
        return _object(value, kind, path)
    return _primitive(value, kind, path)


def _primitive(value: Any, kind: Any, path: Path) -> list[str]:
    if kind is type(None):
        return [] if value is None else [f"{path}: {value!r} is not null"]
    if issubclass(kind, enum.Enum):
        known = {member.value for member in kind}
        right = type(value) in {type(each) for each in known} and value in known
        return [] if right else [f"{path}: {value!r} is no {kind.__name__}"]
    allowed = (int, float) if kind is float else (kind,)
    return [] if type(value) in allowed else [f"{path}: {value!r} is no {kind.__name__}"]


def _any_of(value: Any, kinds: Iterable[Any], path: Path) -> list[str]:
    tried = [faults(value, kind, path) for kind in kinds]
    if not all(tried):
        return []
    # The alternative that went furthest is the one that was meant.
    return max(tried, key=lambda found: max(len(each.split(": ")[0]) for each in found))


def _collection(value: Any, origin: Any, kinds: tuple[Any, ...], path: Path) -> list[str]:
    if issubclass(origin, collections.abc.Mapping):
        if not isinstance(value, dict):
            return [f"{path}: {type(value).__name__} is no object"]
        return [f for k, v in value.items() for f in faults(v, kinds[1], f"{path}.{k}")]
    if not isinstance(value, list):
        return [f"{path}: {type(value).__name__} is no array"]
    if issubclass(origin, tuple) and Ellipsis not in kinds:
        if len(value) != len(kinds):
            return [f"{path}: {len(value)} items, not {len(kinds)}"]
        return [f for n, v in enumerate(value) for f in faults(v, kinds[n], f"{path}[{n}]")]
    return [f for n, v in enumerate(value) for f in faults(v, kinds[0], f"{path}[{n}]")]


def _object(value: Any, cls: type, path: Path) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: {type(value).__name__} is no {cls.__name__}"]
    fields = _fields(cls)
    found = [f"{path}.{name}: not known to {cls.__name__}" for name in value.keys() - fields.keys()]
    for name, field in fields.items():
        place = f"{path}.{name}"
        kept = types.is_special_property(cls, field.name)
        if name not in value:
            if field.default is attrs.NOTHING or (kept and field.default is None):
                found.append(f"{place}: missing")
        elif value[name] is None and field.default is None and not kept:
            if not _takes_anything(field.type):
                found.append(f"{place}: null, where it may only be left out")
        else:
            found += faults(value[name], field.type, place)
            found += _bounds(value[name], field, place)
    return found


def _takes_anything(kind: Any) -> bool:
    return kind in (Any, object) or Any in typing.get_args(kind)


def _bounds(value: Any, field: attrs.Attribute[Any], path: Path) -> list[str]:
    if type(value) is not int or field.validator is None:
        return []
    try:
        field.validator(None, field, value)
    except (TypeError, ValueError) as error:
        # A union with an integer part has no bounds of its own.
        return [] if isinstance(error, TypeError) else [f"{path}: {error}"]
    return []


# -- whole messages --------------------------------------------------------------------------------

Support = Callable[[dict[str, Any]], Any]


def _has(*path: str) -> Support:
    def look(capabilities: dict[str, Any]) -> Any:
        value: Any = capabilities
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value

    return look


_NEEDS: dict[str, Support] = {
    "workspace/configuration": _has("workspace", "configuration"),
    "workspace/applyEdit": _has("workspace", "applyEdit"),
    "workspace/workspaceFolders": _has("workspace", "workspaceFolders"),
    "window/workDoneProgress/create": _has("window", "workDoneProgress"),
    "window/showDocument": _has("window", "showDocument", "support"),
    "workspace/inlayHint/refresh": _has("workspace", "inlayHint", "refreshSupport"),
    "client/registerCapability": _has("workspace", "didChangeConfiguration", "dynamicRegistration"),
}


class Conformance:
    """One connection's rules: what the client announced, which progress it knows, what it asked."""

    def __init__(self) -> None:
        self.capabilities: dict[str, Any] | None = None
        """The client's, as ``initialize`` carries them; None while the test sends its own."""
        self._tokens: set[int | str] = set()
        self._answered: set[int | str] = set()

    def allow(self, token: int | str) -> None:
        """A progress token that the client gave."""
        self._tokens.add(token)

    def faults(self, message: Any, asked: str | None) -> list[str]:
        """What is wrong with a message; ``asked`` is the method of the request it answers."""
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            return [f"no JSON-RPC 2.0 message: {message!r}"]
        if "method" in message:
            return self._call(message)
        return self._answer(message, asked)

    def _call(self, message: dict[str, Any]) -> list[str]:
        method = message["method"]
        if method.startswith(OWN):
            return [] if isinstance(message.get("params"), dict) else [f"{method}: no params"]
        known = types.METHOD_TO_TYPES.get(method)
        if known is None:
            return [f"{method}: not in the meta-model"]
        found = faults(message, known[0], method)
        if types.message_direction(method) == "clientToServer":
            found.append(f"{method}: only clients send it")
        if (known[1] is not None) != ("id" in message):
            found.append(f"{method}: an id where there is none, or none where it is needed")
        needed = _NEEDS.get(method)
        if needed and self.capabilities is not None and not needed(self.capabilities):
            found.append(f"{method}: the client did not announce it")
        return found + self._progress(method, message.get("params"))

    def _progress(self, method: str, params: Any) -> list[str]:
        if method == "window/workDoneProgress/create":
            self._tokens.add(params["token"])
        elif method == "$/progress" and params.get("token") not in self._tokens:
            return [f"$/progress: the token {params.get('token')!r} was never made"]
        elif method == "$/progress" and isinstance(params["value"], dict):
            kinds: dict[Any, Any] = {
                "begin": types.WorkDoneProgressBegin,
                "report": types.WorkDoneProgressReport,
                "end": types.WorkDoneProgressEnd,
            }
            kind = params["value"].get("kind")
            return faults(params["value"], kinds[kind], method) if kind in kinds else []
        return []

    def _answer(self, message: dict[str, Any], asked: str | None) -> list[str]:
        id_ = message.get("id")
        found: list[str] = []
        if id_ is not None:
            if id_ in self._answered:
                found.append(f"{asked}: {id_!r} was answered twice")
            self._answered.add(id_)
        if "error" in message:
            if "result" in message:
                found.append(f"{asked}: a result and an error")
            return found + faults(message["error"], types.ResponseError, f"{asked}.error")
        if "result" not in message:
            return [*found, f"{asked}: neither a result nor an error"]
        known = types.METHOD_TO_TYPES.get(asked or "")
        if known is not None and known[1] is not None:
            found += faults(message, known[1], asked or "")
        if asked == "textDocument/inlineCompletion":
            found += _inline(message["result"])
        return found


def _inline(result: Any) -> list[str]:
    """The contract's: never null, and every item with a range on one line."""
    if not isinstance(result, dict):
        return [f"inlineCompletion: {result!r} in place of a list object"]
    ranges = [item.get("range") for item in result["items"]]
    return [
        f"inlineCompletion: the range {each} is missing or on several lines"
        for each in ranges
        if not each or each["start"]["line"] != each["end"]["line"]
    ]
