"""Python is parsed in several threads at once."""

from __future__ import annotations

import ast

import pytest

from ensemble_lsp.syntax.python_ast import parse_python


def test_what_another_thread_spoils_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    parse, left = ast.parse, [3]

    def spoilt(source: str) -> ast.Module:
        left[0] -= 1
        if left[0] >= 0:
            raise SystemError("AST constructor recursion depth mismatch (before=30, after=24)")
        return parse(source)

    monkeypatch.setattr(ast, "parse", spoilt)
    assert len(parse_python("a = 1").body) == 1


def test_what_is_no_python_is_told_as_ever() -> None:
    with pytest.raises(SyntaxError):
        parse_python("def :")
