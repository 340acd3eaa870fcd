"""The languages that the program knows: one table, keyed by the language ids that editors send."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath
from types import MappingProxyType

COMMENT_LINE = re.compile(r"\s*(?:#|//|--|/\*|\*)")
"""Matches a line that is a comment in some language."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its names, comment signs, indentation and grammar."""

    id: str
    extensions: tuple[str, ...] = ()
    """Without the dot, the most common first."""
    comment: str = ""
    """Begins a comment; empty where there are no comments."""
    comment_end: str = ""
    """Ends it; empty for a comment that ends with its line."""
    grammar: str = ""
    """The tree-sitter package, ``tree_sitter_…``; empty without one."""
    grammar_function: str = "language"
    """The package's function that returns the grammar."""
    indent: str = "    "
    """One level of indentation, by the language's convention."""
    file_names: tuple[str, ...] = ()
    """Whole file names, in lower case."""
    aliases: tuple[str, ...] = ()
    """Other names: of the info string of a Markdown fence, or of an editor."""


_TWO, _TAB = "  ", "\t"
_TABLE = (
    Language("ada", ("adb", "ads"), "--"),
    Language("bash", (), "#", grammar="bash"),
    Language("bat", ("bat", "cmd"), "REM", aliases=("dosbatch",)),
    Language("c", ("c", "h"), "//", grammar="c"),
    Language("clojure", ("clj", "cljs"), ";;"),
    Language("cpp", ("cpp", "cc", "cxx", "hh", "hpp"), "//", grammar="cpp", aliases=("c++",)),
    Language("csharp", ("cs",), "//", grammar="c_sharp", aliases=("c#",)),
    Language("css", ("css",), "/*", " */", indent=_TWO),
    Language("cuda-cpp", ("cu",), "//", grammar="cpp", aliases=("cuda",)),
    Language("dart", ("dart",), "//", indent=_TWO),
    Language("dockerfile", (), "#", file_names=("dockerfile",)),
    Language("elixir", ("ex", "exs"), "#"),
    Language("elm", ("elm",), "--"),
    Language("emacs-lisp", ("el",), ";;", aliases=("elisp",)),
    Language("erlang", ("erl",), "%"),
    Language("fortran-modern", ("f90",), "!", aliases=("fortran",)),
    Language("fsharp", ("fs", "fsx"), "//"),
    Language("go", ("go",), "//", grammar="go", indent=_TAB, aliases=("golang",)),
    Language("groovy", ("groovy", "gradle"), "//"),
    Language("haskell", ("hs",), "--"),
    Language("html", ("html", "htm"), "<!--", " -->", indent=_TWO),
    Language("java", ("java",), "//", grammar="java"),
    Language(
        "javascript",
        ("js", "cjs", "mjs"),
        "//",
        grammar="javascript",
        indent=_TWO,
        aliases=("node",),
    ),
    Language("javascriptreact", ("jsx",), "//", grammar="javascript", indent=_TWO),
    Language("json", ("json",), indent=_TWO),
    Language("jsonc", ("jsonc",), "//", indent=_TWO),
    Language("kotlin", ("kt", "kts"), "//", grammar="kotlin"),
    Language("latex", ("tex",), "%"),
    Language("less", ("less",), "//"),
    Language("lisp", ("lisp",), ";;"),
    Language("lua", ("lua",), "--", grammar="lua", indent=_TWO),
    Language("makefile", ("mk",), "#", indent=_TAB, file_names=("makefile",), aliases=("make",)),
    Language("markdown", ("md",), "<!--", " -->"),
    Language("matlab", (), "%"),
    Language("objective-c", ("m",), "//", aliases=("objc",)),
    Language("objective-cpp", ("mm",), "//", aliases=("objcpp",)),
    Language("ocaml", ("ml", "mli"), "(*", " *)"),
    Language("pascal", ("pas",), "//"),
    Language("perl", ("pl", "pm"), "#"),
    Language("php", ("php",), "//", grammar="php", grammar_function="language_php"),
    Language("prolog", (), "%"),
    Language("proto", ("proto",), "//"),
    Language("python", ("py", "pyi", "pyw"), "#", grammar="python", aliases=("python3",)),
    Language("r", ("r",), "#"),
    Language("racket", ("rkt",), ";;"),
    Language("ruby", ("rb",), "#", grammar="ruby", indent=_TWO, file_names=("gemfile", "rakefile")),
    Language("rust", ("rs",), "//", grammar="rust"),
    Language("scala", ("scala",), "//", indent=_TWO),
    Language("scheme", ("scm",), ";;"),
    Language("scss", ("scss",), "//"),
    Language("sh", (), "#", grammar="bash"),
    Language(
        "shellscript",
        ("sh", "bash", "zsh"),
        "#",
        grammar="bash",
        file_names=(".bashrc", ".zshrc"),
        aliases=("shell",),
    ),
    Language("solidity", ("sol",), "//"),
    Language("sql", ("sql",), "--"),
    Language("svelte", ("svelte",), "<!--", " -->"),
    Language("swift", ("swift",), "//"),
    Language("systemverilog", ("sv",), "//"),
    Language("terraform", ("tf",), "#"),
    Language("tex", (), "%"),
    Language("toml", ("toml",), "#"),
    Language(
        "typescript",
        ("ts", "cts", "mts"),
        "//",
        grammar="typescript",
        grammar_function="language_typescript",
        indent=_TWO,
    ),
    Language(
        "typescriptreact",
        ("tsx",),
        "//",
        grammar="typescript",
        grammar_function="language_tsx",
        indent=_TWO,
    ),
    Language("vb", ("vb",), "'"),
    Language("verilog", (), "//"),
    Language("vhdl", ("vhd", "vhdl"), "--"),
    Language("vim", ("vim",), '"'),
    Language("viml", (), '"'),
    Language("vue", ("vue",), "<!--", " -->", indent=_TWO),
    Language("xml", ("xml",), "<!--", " -->"),
    Language("yaml", ("yaml", "yml"), "#", indent=_TWO),
    Language("zig", ("zig",), "//"),
)
_UNKNOWN = Language("plaintext")

LANGUAGES = MappingProxyType({language.id: language for language in _TABLE})
"""By LSP language id."""

_BY_FILE_NAME = MappingProxyType({name: one.id for one in _TABLE for name in one.file_names})
_BY_EXTENSION = MappingProxyType({end: one.id for one in _TABLE for end in one.extensions})
_BY_ALIAS = MappingProxyType({alias: one.id for one in _TABLE for alias in one.aliases})


def language_info(language: str) -> Language:
    """Return the entry of an LSP language id; an empty one for an id that the table lacks."""
    return LANGUAGES.get(language, _UNKNOWN)


def language_id(name: str) -> str:
    """Return the LSP language id that an editor's name for a language means; an unknown name unchanged.

    Vim's file types have names of their own (``cs``) and parts (``typescript.tsx``); some editors send titles (``C++``).
    """
    if name in LANGUAGES:
        return name
    lower = name.lower()
    for part in (lower, *reversed(lower.split("."))):
        if found := _id_named(part):
            return found
    return name


def is_listed(language: str, names: Collection[str]) -> bool:
    """Return whether a setting's list has a language under any of its names."""
    return bool(names) and language_id(language) in map(language_id, names)


def _id_named(name: str) -> str | None:
    return name if name in LANGUAGES else _BY_ALIAS.get(name) or _BY_EXTENSION.get(name)


def language_of(path: str | PurePath) -> str:
    """Return the LSP language id that a file's name implies, else ``plaintext``."""
    pure = PurePosixPath(str(path).replace("\\", "/"))
    by_name = _BY_FILE_NAME.get(pure.name.lower())
    return by_name or _BY_EXTENSION.get(pure.suffix[1:].lower(), _UNKNOWN.id)


def line_comment(language: str) -> str:
    """Return the sign that begins a comment to the end of the line; ``//`` if unknown."""
    entry = language_info(language)
    return "//" if entry.comment_end or not entry.comment else entry.comment


def comment(language: str, text: str) -> str:
    """Return the text as a comment on one line; with ``#`` if the language is unknown."""
    entry = language_info(language)
    return f"{entry.comment or '#'} {' '.join(text.split())}{entry.comment_end}"


def same_language(one: str, other: str) -> bool:
    """Return whether two ids, extensions or other names mean one language or its dialects."""
    return _family(one) == _family(other)


def _family(name: str) -> str:
    id_ = _id_named(name) or name
    return language_info(id_).grammar or id_
