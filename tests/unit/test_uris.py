"""Document URIs as paths: POSIX, Windows, shares, escapes, schemes that name no file."""

from __future__ import annotations

import sys
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

import pytest

from ensemble_lsp.types import Document
from ensemble_lsp.uris import is_file_uri, uri_to_path

POSIX, WINDOWS = PurePosixPath, PureWindowsPath


@pytest.mark.parametrize(
    ("uri", "flavour", "path"),
    [
        ("file:///home/me/a.py", POSIX, "/home/me/a.py"),
        ("file:///home/me/a%20b%23c%25.py", POSIX, "/home/me/a b#c%.py"),
        ("file:///home/me/%C3%A9.py", POSIX, "/home/me/é.py"),
        ("file:///home/me/%2eenv", POSIX, "/home/me/.env"),
        ("FILE:///home/me/a.py", POSIX, "/home/me/a.py"),
        ("file://localhost/home/me/a.py", POSIX, "/home/me/a.py"),
        ("file:/home/me/a.py", POSIX, "/home/me/a.py"),
        ("file://server/share/a.py", POSIX, "//server/share/a.py"),
        ("file:///c:/w/a.py", POSIX, "/c:/w/a.py"),  # a legal name on POSIX
        ("file:///home/me/a.py?x#y", POSIX, "/home/me/a.py"),
        ("file:///c%3A/w", WINDOWS, r"c:\w"),
        ("file:///c:/w/a%20b.py", WINDOWS, r"c:\w\a b.py"),
        ("file:///c|/w/a.py", WINDOWS, r"c:\w\a.py"),
        ("file:///c%7C/w/a.py", WINDOWS, r"c:\w\a.py"),
        ("file://c:/w/a.py", WINDOWS, r"c:\w\a.py"),
        ("file://C%3A/w/a.py", WINDOWS, r"C:\w\a.py"),
        ("file:///c%3A%5Cw%5Ca.py", WINDOWS, r"c:\w\a.py"),
        ("file:////?/c:/w/a.py", WINDOWS, r"c:\w\a.py"),
        ("file://%3F/c:/w/a.py", WINDOWS, r"c:\w\a.py"),
        ("file://///server/share/a.py", WINDOWS, r"\\server\share\a.py"),
        ("file:///%5C%5Cserver/share/a.py", WINDOWS, r"\\server\share\a.py"),
        (r"c:\w\a.py", WINDOWS, r"c:\w\a.py"),
        ("c:/w/a.py", WINDOWS, r"c:\w\a.py"),
        ("FILE:///C:/w", WINDOWS, r"C:\w"),
        ("file:///C:", WINDOWS, "C:"),
        ("file://server/share/a.py", WINDOWS, r"\\server\share\a.py"),
        ("file://localhost/c:/w", WINDOWS, r"c:\w"),
        ("file:///w/a.py", WINDOWS, r"\w\a.py"),
        ("untitled:Untitled-1", POSIX, "Untitled-1"),
        ("untitled:/w/.env", POSIX, "/w/.env"),
        ("git:/w/.env?ref=main", POSIX, "/w/.env"),
        ("git:/c%3A/w/.env?ref=main", WINDOWS, r"c:\w\.env"),
        ("vscode-remote://ssh-remote%2Bhost/home/me/.env", POSIX, "/home/me/.env"),
        ("vscode-notebook-cell:/w/a.ipynb#x", POSIX, "/w/a.ipynb"),
        ("::no address::", POSIX, "::no address::"),
        ("file://[bad/w/.env", POSIX, "file:/[bad/w/.env"),
    ],
)
def test_a_uri_gives_its_path(uri: str, flavour: type[PurePath], path: str) -> None:
    assert str(uri_to_path(uri, flavour)) == path


@pytest.mark.parametrize(
    "path",
    [POSIX("/home/me/a b#é%?.py"), WINDOWS(r"c:\w\a b.py"), WINDOWS(r"\\server\share\é.py")],
)
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="PurePath.as_uri is deprecated there")
def test_a_path_survives_the_way_to_a_uri_and_back(path: PurePath) -> None:
    assert uri_to_path(path.as_uri(), type(path)) == path


def test_the_platforms_own_flavour_is_the_default(tmp_path: Path) -> None:
    assert uri_to_path((tmp_path / "a b.py").as_uri()) == tmp_path / "a b.py"


@pytest.mark.parametrize(
    ("uri", "file"),
    [("file:///a", True), ("FILE:///a", True), ("files:///a", False), ("untitled:a", False)],
)
def test_only_the_scheme_file_names_files(uri: str, file: bool) -> None:
    assert is_file_uri(uri) is file


@pytest.mark.parametrize(
    ("uri", "path", "name"),
    [
        ("file:///w/a%20b.py", "/w/a b.py", "a b.py"),
        ("untitled:", "", ""),
        ("file://[bad", "file:/[bad", "[bad"),
    ],
)
def test_a_document_has_its_uris_path_and_name(uri: str, path: str, name: str) -> None:
    document = Document.from_text(uri, 1, "python", "")
    assert (document.path, document.name) == (str(PurePath(path)) if path else "", name)
