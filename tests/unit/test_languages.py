"""The table of languages: ids by file name, comment signs, names of fences."""

from __future__ import annotations

from collections import Counter

import pytest

from ensemble_lsp.languages import (
    LANGUAGES,
    comment,
    is_listed,
    language_id,
    language_of,
    line_comment,
    same_language,
)


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("a.py", "python"),
        ("C:\\x\\A.TSX", "typescriptreact"),
        ("Makefile", "makefile"),
        ("/home/u/.bashrc", "shellscript"),
        ("a.unknown", "plaintext"),
        ("a", "plaintext"),
    ],
)
def test_a_file_name_implies_the_language(path: str, language: str) -> None:
    assert language_of(path) == language


def test_no_extension_or_name_belongs_to_two_languages() -> None:
    for attribute in ("extensions", "file_names", "aliases"):
        names = Counter(n for one in LANGUAGES.values() for n in getattr(one, attribute))
        assert all(count == 1 for count in names.values()), attribute


def test_comments_are_written_as_the_language_does() -> None:
    assert comment("python", "a\nb") == "# a b"
    assert comment("typescript", "a") == "// a"
    assert comment("html", "a") == "<!-- a -->"
    assert comment("lua", "a") == "-- a"
    assert comment("never-heard-of", "a") == "# a"


@pytest.mark.parametrize(
    ("language", "sign"),
    [("python", "#"), ("haskell", "--"), ("rust", "//"), ("css", "//"), ("never-heard-of", "//")],
)
def test_a_line_comment_is_found_for_every_language(language: str, sign: str) -> None:
    assert line_comment(language) == sign


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("py", "python", True),
        ("python3", "python", True),
        ("tsx", "typescript", True),
        ("c++", "cpp", True),
        ("bash", "shellscript", True),
        ("js", "typescript", False),
        ("", "python", False),
    ],
)
def test_a_fence_may_use_another_name_of_the_language(one: str, other: str, same: bool) -> None:
    assert same_language(one, other) is same


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("cs", "csharp"),  # Vim's file types
        ("make", "makefile"),
        ("zsh", "shellscript"),
        ("objc", "objective-c"),
        ("typescript.tsx", "typescriptreact"),
        ("javascript.jsx", "javascriptreact"),
        ("python.django", "python"),
        ("yaml.docker-compose", "yaml"),
        ("C++", "cpp"),  # titles
        ("Python", "python"),
        ("source.rust", "rust"),  # scopes
        ("text.html.basic", "html"),
        ("sh", "sh"),  # ids stay as they are
        ("javascriptreact", "javascriptreact"),
        ("never-heard-of", "never-heard-of"),
        ("Never.Heard", "Never.Heard"),
        ("", ""),
    ],
)
def test_an_editors_name_for_a_language_means_its_id(name: str, language: str) -> None:
    assert language_id(name) == language


def test_a_language_is_listed_under_any_of_its_names() -> None:
    assert is_listed("csharp", ["cs"]) and is_listed("csharp", ["C#"])
    assert is_listed("never-heard-of", ["never-heard-of"])
    assert not is_listed("csharp", ["c", "cpp"]) and not is_listed("csharp", [])
