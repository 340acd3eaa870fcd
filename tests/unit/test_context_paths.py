"""The logic of paths, on POSIX and on Windows alike: nothing here asks the disk."""

from __future__ import annotations

from pathlib import PurePath, PurePosixPath, PureWindowsPath

import pytest

from ensemble_lsp.app.workspace import paths_of
from ensemble_lsp.context.content_exclusion import NameRules
from ensemble_lsp.context.ignore import RuleSource, compile_rules, ignored_by
from ensemble_lsp.context.workspace_index import shown_path
from ensemble_lsp.uris import paths_in, uri_to_path

FLAVOURS = [
    (PurePosixPath, "/w"),
    (PureWindowsPath, "C:\\w"),
    (PureWindowsPath, "\\\\server\\share\\w"),
]
pytestmark = pytest.mark.parametrize(("flavour", "top"), FLAVOURS, ids=["posix", "drive", "share"])


def uri_of(folder: PurePath, name: str) -> str:
    """The address that an editor gives a file, with everything escaped that may be."""
    return (
        folder.joinpath(*name.split("/")).as_uri().replace(":/C:", ":/c%3A").replace("C:/", "c%3A/")
    )


def test_a_files_address_leads_back_to_its_folder(flavour: type[PurePath], top: str) -> None:
    folder = flavour(top)
    path = uri_to_path(uri_of(folder, "a b/x.py"), flavour)
    assert folder in path.parents
    assert path == folder / "a b" / "x.py"
    (root,) = paths_of([uri_of(folder, ""), "vscode-remote://x/w"], flavour)
    assert root == folder
    assert shown_path(path, [root]) == "a b/x.py"
    assert shown_path(path, []) == "x.py"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".env", "secrets"), ("a/.ENV.local", "secrets"), (".ssh/x", "secrets"), ("a/id_rsa", "secrets"),
        ("private/a.py", "privacy.exclude"), ("a/private/b.py", None), ("deep/x.sql", "privacy.exclude"),
        ("keep/x.sql", None), ("a/kubeconfig", "secrets"), ("kubeconfig/a.go", None), ("app.py", None),
    ],
)  # fmt: skip
def test_names_and_patterns(
    flavour: type[PurePath], top: str, name: str, reason: str | None
) -> None:
    folder = flavour(top)
    rules = NameRules([folder], ["private/**", "*.sql", "!keep/x.sql"])
    found = rules.reason(uri_to_path(uri_of(folder, name), flavour))
    assert (reason in (found or "")) if reason else found is None


def test_a_pattern_counts_in_files_outside_of_any_folder(flavour: type[PurePath], top: str) -> None:
    rules = NameRules([], ["private/**"])
    assert rules.reason(flavour(top) / "a" / "private" / "b.py")
    assert rules.reason(flavour(top) / "a" / "public" / "b.py") is None


def test_a_secret_folder_that_is_the_workspace_stays_secret(
    flavour: type[PurePath], top: str
) -> None:
    folder = flavour(top) / ".ssh"
    assert NameRules([folder], []).reason(folder / "config")


def test_ignore_rules(flavour: type[PurePath], top: str) -> None:
    folder = flavour(top)
    sources = [
        RuleSource(folder, compile_rules(["build/", "*.log", "/only.py"]), folder / ".gitignore"),
        RuleSource(
            folder / "a", compile_rules(["!keep.log", "x/**/z.py"]), folder / "a" / ".gitignore"
        ),
    ]

    def source(name: str) -> PurePath | None:
        found = ignored_by(sources, uri_to_path(uri_of(folder, name), flavour))
        return None if found is None else found.file

    assert source("build/a.py") == source("b/build/a.py") == folder / ".gitignore"
    assert source("a/keep.log") is None
    assert source("b/keep.log") == source("only.py") == folder / ".gitignore"
    assert source("a/only.py") is None
    assert source("a/x/y/z.py") == folder / "a" / ".gitignore"


@pytest.mark.parametrize(
    "address",
    [
        "untitled:{0}", "git:{0}?%7B%22ref%22%3A%22%22%7D", "x:/b.py?%7B%22path%22%3A%22{0}%22%7D", "zipfile://{0}::a.py",
        "vscode-notebook-cell:{0}#W0", "jar:file://{0}!/a.py", "git:{0}.git?x", "oil://{0}", "fugitive://{1}/.git//0/a/b.py",
    ],
)  # fmt: skip
def test_other_addresses_of_a_file(flavour: type[PurePath], top: str, address: str) -> None:
    if top.startswith("\\"):
        pytest.skip("a share has a host, which these addresses do not keep")
    folder = flavour(top)
    plain = "" if top == "/w" else "/"
    where = plain + (folder / "a" / "b.py").as_posix()
    uri = address.format(where, plain + folder.as_posix())
    assert folder / "a" / "b.py" in paths_in(uri, flavour)


def test_a_path_is_printable_in_a_prompt(flavour: type[PurePath], top: str) -> None:
    folder = flavour(top)
    assert shown_path(folder / "a\nb.py", [folder]) == "a?b.py"
