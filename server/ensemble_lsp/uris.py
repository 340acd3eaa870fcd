"""Conversion of document URIs to paths, for POSIX and Windows. ``Path.as_uri`` is the inverse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

_DRIVE = re.compile(r"/[A-Za-z]:(?=/|$)")
_BARE_DRIVE = re.compile(r"[A-Za-z](?::|%3[aA])[\\/]")
_DRIVE_AS_HOST = re.compile(r"[A-Za-z][:|]")
_PIPE = re.compile(r"(/[A-Za-z])\|(?=/|$)")
_DEVICE = re.compile(r"/{2,}[?.]/(?:(UNC)/)?", re.IGNORECASE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_ARCHIVE = re.compile(r"!/|::|(?<=\w\w):(?=/(?!/))")
"""Between an archive's or a host's path and a path in it: ``jar:file:///a.jar!/b``, ``zipfile:///a.zip::b``,
``/ssh:host:/b``."""
_REVISION = re.compile(r"[^:]*:(?:\d:)?")
_LOCAL_HOSTS = frozenset({"", "localhost", "127.0.0.1", "[::1]"})
_MAX_DEPTH = 3
_MAX_VALUES = 50


def expand_user(path: str | Path) -> Path:
    """Return a path with the home folder that ``~`` means; unchanged for a user who has none or does not exist."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def is_file_uri(uri: str) -> bool:
    """Return whether a URI names a file on disk; schemes ignore case."""
    return uri[:5].lower() == "file:"


def uri_to_path(uri: str, flavour: type[PurePath] = PurePath) -> PurePath:
    r"""Return the path that a URI names, without percent escapes.

    ``flavour`` is the platform's by default. ``PureWindowsPath`` reads ``file:///c%3A/w`` as ``c:\w``;
    both flavours keep a host: ``file://server/share`` is ``\\server\share`` on Windows.

    A URI of another scheme (``untitled:``, ``git:``, ``vscode-remote:``) names no file on this machine.
    Its path, without authority, query and fragment, is returned so that ignore patterns and secret
    names can be matched against it. Check ``is_file_uri`` before reading from disk.
    """
    try:
        parts = urlsplit(uri)
    except ValueError:  # a malformed host: match patterns against the whole text
        return flavour(unquote(uri))
    path, host = unquote(parts.path), unquote(parts.netloc)
    if is_file_uri(uri) and path == "//" and parts.query.startswith("/"):
        path = f"//?{unquote(parts.query)}"  # a device's path: ``file:////?/c:/w``
    if _is_windows(flavour) and _BARE_DRIVE.match(uri):
        return _path(f"/{unquote(uri)}", flavour)
    if is_file_uri(uri) and host.lower() not in _LOCAL_HOSTS:
        is_drive = _is_windows(flavour) and _DRIVE_AS_HOST.fullmatch(host)
        return _path(f"/{host}{path}" if is_drive else f"//{host}{path}", flavour)
    return _path(path, flavour)


def paths_in(uri: str, flavour: type[PurePath] = PurePath) -> tuple[PurePath, ...]:
    """Return every path that an address may stand for, its own first.

    Editors put the path of a file into many addresses: of a notebook's cell, of an earlier revision, of
    an archive's member. Each of the paths must be allowed where one of them would be sent.
    """
    return tuple(dict.fromkeys((uri_to_path(uri, flavour), *_paths(uri, flavour, 0))))


def _paths(uri: str, flavour: type[PurePath], depth: int) -> Iterator[PurePath]:
    if is_file_uri(uri) or depth > _MAX_DEPTH:
        yield uri_to_path(uri, flavour)
        return
    try:
        parts = urlsplit(uri)
    except ValueError:
        return
    path, host = unquote(parts.path), unquote(parts.netloc)
    for each in (path, f"/{host}{path}" if host else ""):
        yield from _readings(each, flavour, depth)
    for value in _values(unquote(parts.query), parts.query):
        yield from _readings(value, flavour, depth)


def _readings(text: str, flavour: type[PurePath], depth: int) -> Iterator[PurePath]:
    """Yield the ways to read the text of a path: whole, as another URI, and by its parts."""
    if not text:
        return
    if _SCHEME.match(text) and not _DRIVE.match(f"/{text}"):
        yield from _paths(text, flavour, depth + 1)
    yield _path(text, flavour)
    if text.startswith("//"):  # a folder of a remote host: ``scp://host//folder``
        yield _path(f"/{text.lstrip('/')}", flavour)
    pieces = _ARCHIVE.split(text)
    if len(pieces) > 1:
        for piece in pieces:
            yield from _readings(piece, flavour, depth + 1)
    yield from _of_git(_path(text, flavour))


def _of_git(path: PurePath) -> Iterator[PurePath]:
    """Yield the files of a work tree that a path below its ``.git`` may show at some revision.

    Such as ``/w/.git//0/src/a.py`` of vim-fugitive and ``/w/.git/:0:src/a.py`` of gitsigns.
    """
    if path.suffix == ".git":  # VS Code's address of an earlier revision
        yield path.with_suffix("")
    if ".git" not in path.parts:
        return
    at = path.parts.index(".git")
    root, names = path.parents[len(path.parts) - at - 1], path.parts[at + 1 :]
    for start in range(len(names)):
        revision = _REVISION.match(names[start])
        first = names[start][revision.end() :] if revision else names[start]
        yield root.joinpath(first or names[start], *names[start + 1 :])


def _values(*queries: str) -> Iterator[str]:
    """Yield the texts in a query that look like paths: of JSON, of ``name=value`` pairs, or itself."""
    for query in dict.fromkeys(queries):
        if not query:
            continue
        try:
            found = list(_texts(json.loads(query)))
        except (ValueError, RecursionError):
            found = [value for _, value in parse_qsl(query)[:_MAX_VALUES]] or [query]
        yield from (text for text in found[:_MAX_VALUES] if "/" in text or "\\" in text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in cast("dict[str, Any]", value).values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in cast("list[Any]", value):
            yield from _texts(each)


def _is_windows(flavour: type[PurePath]) -> bool:
    return isinstance(flavour(), PureWindowsPath)


def _path(text: str, flavour: type[PurePath]) -> PurePath:
    r"""Return a path. On Windows, drives and hosts are written in several ways: ``/c|/w``, ``\\?\c:\w``."""
    if _is_windows(flavour):
        text = text.replace("\\", "/")
        if device := _DEVICE.match(text):
            text = f"{'//' if device[1] else '/'}{text[device.end() :]}"
        text = _PIPE.sub(r"\1:", re.sub("^/{3,}", "//", text))
        if _DRIVE.match(text):
            text = text[1:]
    return flavour(text)
