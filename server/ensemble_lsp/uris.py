"""Conversion of document URIs to paths, for POSIX and Windows. ``Path.as_uri`` is the inverse."""

from __future__ import annotations

import re
from pathlib import PurePath, PureWindowsPath
from urllib.parse import unquote, urlsplit

_DRIVE = re.compile(r"/[A-Za-z]:(?=/|$)")


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
    path = unquote(parts.path)
    if is_file_uri(uri) and parts.netloc and parts.netloc.lower() != "localhost":
        return flavour(f"//{unquote(parts.netloc)}{path}")
    is_windows = isinstance(flavour(), PureWindowsPath)
    return flavour(path[1:] if is_windows and _DRIVE.match(path) else path)
