"""Python is parsed in several threads at once."""

from __future__ import annotations

import ast
from concurrent.futures import ThreadPoolExecutor

import pytest

from ensemble_lsp.pysyntax import parse_python

TEXT = "def f(a):\n" + "    if a:\n        return [x for x in (a, (a, (a, a)))]\n" * 60


def test_threads_that_parse_at_once_all_get_their_tree() -> None:
    wanted = ast.dump(parse_python(TEXT))
    with ThreadPoolExecutor(8) as pool:
        trees = list(pool.map(parse_python, [TEXT] * 200))
    assert {ast.dump(tree) for tree in trees} == {wanted}


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
