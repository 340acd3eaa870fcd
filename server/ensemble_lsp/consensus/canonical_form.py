"""Canonical forms of code: two texts are equal if their forms are.

Python is compiled without docstrings; byte code ignores layout and refers to local names by number. Code that does
not compile, such as a fragment with ``break``, is parsed, its local names are numbered, and it is unparsed. In other
languages the form is the tokens of the syntax tree, without comments. Without a grammar it is the text without
trailing white space and blank lines.
"""

from __future__ import annotations

import ast
import opcode
import re
import sys
import textwrap
import warnings
from collections.abc import Iterator
from types import CodeType
from typing import TYPE_CHECKING

from ..syntax import python_ast
from ..syntax.trees import encode, parser_for

if TYPE_CHECKING:
    from tree_sitter import Node

_LONGEST = 200_000
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def canonical(text: str, language: str) -> str | None:
    """Return the canonical form; ``None`` if the text does not parse.

    Without a grammar for the language only white space is normalised and the result is never ``None``.
    """
    if language == "python" and len(text) <= _LONGEST:
        return plain(text) if _is_documentation(text) else _python(text)
    return _tokens(text, language)


def canonical_line(text: str, language: str) -> str:
    """Return the form of a completion, a fragment: normalise white space outside strings."""
    lines = [_squeeze(line, keep_indent=language == "python") for line in text.split("\n")]
    return "\n".join(line for line in lines if line.strip())


def plain(text: str) -> str:
    """Remove trailing white space, blank lines and common indentation: the equality of the ``seed`` rule."""
    lines = [line.rstrip() for line in textwrap.dedent(text).split("\n")]
    return "\n".join(line for line in lines if line)


# -- Python ------------------------------------------------------------------------------------


_BYTECODE_DIFFERS = sys.version_info < (3, 11)
"""Python 3.10 has absolute jumps and qualified names in byte code, so equal code may differ."""
_NOP = opcode.opmap["NOP"]
_DOCUMENTATION = re.compile(r"\s*(?:#|[rRuU]?[\"'])")
_ASSERTS = re.compile(r"^\s*assert\b", re.MULTILINE)


def _python(text: str) -> str | None:
    code = None if _BYTECODE_DIFFERS or _ASSERTS.search(text) else _compiled(text)
    if code is not None:
        return repr(_shape(code))
    tree = parse_python(text)
    if tree is None:
        return None
    try:
        _strip_docstrings(tree)
        _Renamer().visit(tree)
        return ast.unparse(tree)
    except (RecursionError, ValueError):
        return plain(text)


def _is_documentation(text: str) -> bool:
    """Return whether a text is only comments and docstrings, which then are what matters."""
    if _DOCUMENTATION.match(text) is None:
        return False
    tree = parse_python(text)
    return tree is not None and all(map(_is_text, _statements(tree)))


def _statements(tree: ast.Module) -> list[ast.stmt]:
    """Return the statements of a module, or of the function that a fragment was parsed as."""
    body = tree.body
    if len(body) == 1 and isinstance(body[0], ast.FunctionDef) and body[0].name == "_":
        return body[0].body
    return body


def _compiled(text: str) -> CodeType | None:
    """Compile a module without docstrings and asserts; compiling runs nothing."""
    for candidate in _readings(text):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return compile(candidate, "", "exec", dont_inherit=True, optimize=2)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
    return None


def _shape(code: CodeType) -> tuple[object, ...]:
    """Return the parts of a code object that do not depend on local names."""
    arguments = code.co_argcount + code.co_kwonlyargcount
    arguments += bool(code.co_flags & 0x04) + bool(code.co_flags & 0x08)
    named = () if code.co_name == "<lambda>" else code.co_varnames[:arguments]
    constants = tuple(
        _shape(c) if isinstance(c, CodeType) else (type(c).__name__, c) for c in code.co_consts
    )
    bounds = (
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        len(code.co_freevars),
    )
    return _instructions(code.co_code), named, code.co_names, constants, bounds, code.co_flags


def _instructions(code: bytes) -> bytes:
    """Remove the no-op that a docstring leaves at the start of byte code."""
    for place in range(0, min(len(code), 16), 2):
        if code[place] == _NOP:
            return code[:place] + code[place + 2 :]
    return code


def _readings(text: str) -> Iterator[str]:
    """Yield the text unchanged, dedented, and as a function's body."""
    yield text
    body = textwrap.dedent(text.expandtabs(4)).strip("\n")
    if body != text:
        yield body
    first, _, rest = body.partition("\n")
    ragged = f"{first.lstrip()}\n{textwrap.dedent(rest)}"
    if ragged != body:
        yield ragged
    yield "def _():\n" + textwrap.indent(body, "    ")


def parse_python(text: str) -> ast.Module | None:
    """Parse the text unchanged, dedented, or as a function's body; None if none of them parses."""
    for candidate in _readings(text):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return python_ast.parse_python(candidate)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
    return None


def _strip_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            kept = [s for s in node.body if not _is_text(s)]
            node.body = kept or [ast.Pass()]


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str | type(...))
    )


class _Renamer(ast.NodeTransformer):
    """Numbers each function's local names in the order they appear; parameters keep their names.

    Callers may pass parameters by name, so those belong to the interface, as attributes and globals do.
    """

    def __init__(self) -> None:
        self._scopes: list[dict[str, str]] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        names = [a.arg for a in _arguments(node)]
        scope = {n: f"_l{len(self._scopes)}_{i}" for i, n in enumerate(names)}
        for argument in _arguments(node):
            argument.arg = scope[argument.arg]
        return self._inside(node, scope)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._renamed(node.id)
        return node

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        if node.name:
            node.name = self._renamed(node.name)
        return self.generic_visit(node)

    def _renamed(self, name: str) -> str:
        return next((s[name] for s in reversed(self._scopes) if name in s), name)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.name = self._renamed(node.name)
        parameters = {a.arg for a in _arguments(node)}
        scope = {n: n for n in parameters}
        outer: set[str] = set()
        for inner in ast.walk(node):
            if isinstance(inner, ast.Global | ast.Nonlocal):
                outer.update(inner.names)
        count = 0
        for name in _assigned(node):
            if name not in scope and name not in outer:
                scope[name] = f"_v{len(self._scopes)}_{count}"
                count += 1
        return self._inside(node, scope)

    def _inside(self, node: _Function, scope: dict[str, str]) -> ast.AST:
        self._scopes.append(scope)
        try:
            return self.generic_visit(node)
        finally:
            self._scopes.pop()


def _arguments(node: _Function) -> list[ast.arg]:
    a = node.args
    return [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]


def _assigned(function: ast.AST) -> Iterator[str]:
    """Yield the names bound in a function's scope, in order; of inner functions only their names."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
            continue
        if isinstance(node, ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        if isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name
        yield from _assigned(node)


# -- other languages ---------------------------------------------------------------------------


def _tokens(text: str, language: str) -> str | None:
    parser = parser_for(language, fragment="<?" not in text) if len(text) <= _LONGEST else None
    if parser is None:
        return plain(text)
    source = encode(text)
    root = parser.parse(source).root_node
    if root.has_error:
        return None
    return "\n".join(_leaves(root, source)) or plain(text)


def _leaves(node: Node, source: bytes) -> Iterator[str]:
    """Yield the tokens under a node, without comments; a string is one token."""
    stack = [node]
    while stack:
        here = stack.pop()
        if "comment" in here.type:
            continue
        if here.child_count and "string" not in here.type:
            stack.extend(reversed(here.children))
            continue
        token = source[here.start_byte : here.end_byte].decode("utf-8", "replace").strip()
        if token:
            yield token


def _squeeze(line: str, *, keep_indent: bool) -> str:
    """Keep one blank between words and none elsewhere; strings stay unchanged."""
    body = line.strip()
    out: list[str] = []
    quote = ""
    for index, char in enumerate(body):
        if quote:
            out.append(char)
            quote = "" if char == quote and body[index - 1] != "\\" else quote
        elif char.isspace():
            after = body[index + 1 : index + 2]
            if out and _is_word(out[-1]) and _is_word(after):
                out.append(" ")
        else:
            quote = char if char in "\"'`" else ""
            out.append(char)
    indent = line[: len(line) - len(line.lstrip())] if keep_indent else ""
    return indent + "".join(out)


def _is_word(char: str) -> bool:
    return char.isalnum() or char in ("_", '"', "'")
