"""Lint the English of docstrings, comments, messages and documents against a short list of patterns.

Prints ``file:line: found "…": use …`` for each match and exits with 1 if there is one. A line that needs a
banned word (a quotation, say) ends with ``wording: ok``.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
CODE = ("server", "benchmarks", ".ci", "clients/vscode/scripts", "docs")
DOCUMENTS = (
    "*.md",
    "docs/**/*.md",
    "clients/vscode/*.md",
    "clients/vscode/walkthrough/*.md",
    "clients/neovim/*.md",
)
MANIFEST = "clients/vscode/package.json"
CLIENTS = ("clients/vscode/src/**/*.ts", "clients/neovim/**/*.lua", "clients/emacs/*.el")
"""Only their comments are checked."""

HEAD = re.compile(r"^(What|Who|Whom|Whose|Where|Why|How|When|Which|Of|[Aa]nd|[Oo]r)\b(?![^.?]*\?)")
"""The head of a docstring that is a noun clause, or depends on text elsewhere."""

PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), advice)
    for pattern, advice in (
        (r"\b(?:is|are|was|were) (?-i:none)\b", "no …, missing, or None"),
        (r"\btold\b", "reported, shown, named, or the message itself"),
        (r"\bstands?\b(?! (?:for|alone|out))", "is, or name the place"),
        (r"\bgo(?:es)? on\b", "continues"),
        (r"\bwent on\b", "continued"),
        (r"\bsomebody\b", "the user, a client, another process"),
        (r"\bnobody\b", "no one, or name who"),
        (r"\bwhom\b", "name who"),
        (r"\bwhoever\b", "name who"),
        (r"\bdear(?:er|est)?\b", "expensive, over budget, highest cost"),
        (r"\b(?:says?|said|does?|did|told|thinks?|do) so\b", "repeat the verb or name the thing"),
        (r"\bin vain\b", "for nothing, or name the failure"),
        (r"\bin (?:the )?place of\b", "instead of, replaces"),
        (r"\bof its own\b(?! accord)", "its own …"),
        (r"\bmay be had\b|\bcan be had\b", "is available"),
        (r"\banybody\b", "anyone, or name who"),
        (r"\bbut for\b", "except"),
        (r"\bmend(?:s|ed|ing)?\b", "fix, repair, correct"),
        (r"\b(?:is|are|was|were) said\b", "name who decides or documents it"),
        (r"\bwish(?:es|ed)?\b", "request, option, or what the user chose"),
        (r"\b(?:is|are) (?:not )?to be\b", "must (not) be, is (not) meant to be"),
        (r"\balso (?:if|when|where|while)\b", "even if, even while, including"),
        (r"\b(?:that|which|it|they) (?:is|are) no (?!longer\b|more\b|less\b|better\b)", "is not a"),
        (r"\bany more\b(?! (?:than|of)\b)", "no longer"),
        (r"\ball that (?:is|was)\b", "everything that, the …"),
        (r"\btells? (?:of|nothing|no|more|something)\b", "says, indicates, names"),
        (r"\bfor ever\b", "forever"),
        (r"\beverybody\b", "everyone, every user"),
        (r"\banew\b", "again, from the start"),
        (r"\b(?:of|at|within|only|every|most|for) so many\b(?! that)", "this many, at most"),
        (r"\bof (?:ours|yours|theirs)\b", "our …, your …, their …"),
        (
            r"[,;] also (?:one|those|in|for|without|from|with|typed|by|on|outside)\b",
            "even, including, too",
        ),
        (r"\bwhile one (?:types|writes|works)\b", "while the user types"),
        (r"\ball the same\b", "nevertheless"),
        (r"(?<=[.;] )What (?:a|is|was|the)\b(?![^.?|]*\?)", "a noun: the …, everything that"),
    )
)


def docstring_heads(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line number and text of each docstring, attribute docstrings included."""
    for node in ast.walk(tree):
        for child in (
            getattr(node, "body", ()) if not isinstance(node, ast.Lambda | ast.IfExp) else ()
        ):
            if (
                isinstance(child, ast.Expr)
                and isinstance(child.value, ast.Constant)
                and isinstance(child.value.value, str)
            ):
                yield child.lineno, child.value.value


def messages(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line number and text of each string of at least three words, f-strings in parts."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.count(" ") >= 2
        ):
            yield node.lineno, node.value


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield line number and text of each comment."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def client_comments(text: str) -> Iterator[tuple[int, str]]:
    """Yield the comments of TypeScript, Lua or Emacs Lisp that are lines of their own."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith(("//", "/*", "* ", "--", ";")):
            yield number, line


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a Markdown document that are no code."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, re.sub(r"`[^`]*`", "", line)


def strings(value: object) -> Iterator[str]:
    """Yield every string in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def faults(texts: Iterator[tuple[int, str]], lines: list[str]) -> Iterator[tuple[int, str]]:
    """Yield line number and complaint for each pattern that a text matches."""
    for first, text in texts:
        for offset, line in enumerate(text.splitlines()):
            number = first + offset
            if number <= len(lines) and lines[number - 1].rstrip().endswith("wording: ok"):
                continue
            for pattern, advice in PATTERNS:
                if found := pattern.search(line):
                    yield number, f'found "{found[0]}": use {advice}'


def check_python(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the faults of a Python file."""
    source = path.read_text(encoding="utf-8")
    tree, lines = ast.parse(source), source.splitlines()
    for number, text in docstring_heads(tree):
        if found := HEAD.match(text.strip()):
            yield number, f'a docstring begins with "{found[0]}": begin with a verb or a noun'
        if text.rstrip().endswith(","):
            yield number, "a docstring ends with a comma: write a whole sentence"
    yield from faults(messages(tree), lines)
    yield from faults(comments(source), lines)


def main() -> int:
    """Check every file; print what is wrong; return the exit code."""
    complaints: list[str] = []
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if path != Path(__file__):
                name = path.relative_to(ROOT)
                complaints += [
                    f"{name}:{number}: {text}" for number, text in sorted(set(check_python(path)))
                ]
    for pattern in DOCUMENTS:
        for path in sorted(ROOT.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            name = path.relative_to(ROOT)
            complaints += [
                f"{name}:{number}: {fault}"
                for number, fault in faults(prose(text), text.splitlines())
            ]
    for pattern in CLIENTS:
        for path in sorted(ROOT.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            name = path.relative_to(ROOT)
            complaints += [
                f"{name}:{number}: {fault}"
                for number, fault in faults(client_comments(text), text.splitlines())
            ]
    manifest = json.loads((ROOT / MANIFEST).read_text(encoding="utf-8"))
    for string in strings(manifest.get("contributes", {})):
        complaints += [
            f"{MANIFEST}: {fault} in {string!r}" for _, fault in faults(iter([(1, string)]), [])
        ]
    print("\n".join(complaints), file=sys.stderr, end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
