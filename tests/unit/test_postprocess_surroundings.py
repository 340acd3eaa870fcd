"""Answers that repeat the code around the place: the function, the class, the file, or the rest of a line."""

from __future__ import annotations

import pytest

from tests.support.generated import generated

PYTHON = '''\
import os

class A:
    """An A."""

    def f(self, a):
        for x in a:
            y = x + 1
            print(y)
        return y

    def g(self):
        return 2


def h():
    return A()
'''
SCRIPT = """\
class A {
  constructor() {
    this.x = 1;
  }

  get() {
    return this.x;
  }
}
"""
GO = "func f() error {\n\tif err := a(); err != nil {\n\t\treturn err\n\t}\n\treturn nil\n}\n"
JSON = '{\n  "a": 1,\n  "b": {\n    "c": 2\n  },\n  "d": 3\n}\n'
MANY = "".join(f"def f{n}(a):\n    b = a + {n}\n    return b\n\n\n" for n in range(60))
CLASS = PYTHON[: PYTHON.index("\n\ndef h")]
STATEMENT = "            y = x + 1\n            print(y)\n"
METHOD = "    def g(self):\n        return 2\n"


@pytest.mark.parametrize(
    ("text", "selected", "answer", "changed", "language"),
    [
        # A statement: the loop, the function, the class, the file.
        (PYTHON, "y = x + 1", "for x in a:\n    y = x + 2\n    print(y)", "y = x + 2", "python"),
        (
            PYTHON,
            "y = x + 1",
            "def f(self, a):\n    for x in a:\n        y = x + 2\n        print(y)\n    return y",
            "y = x + 2",
            "python",
        ),
        (PYTHON, "y = x + 1", CLASS.replace("x + 1", "x + 2"), "y = x + 2", "python"),
        (PYTHON, "y = x + 1", PYTHON.replace("x + 1", "x + 2"), "y = x + 2", "python"),
        (MANY, "b = a + 40", MANY.replace("a + 40", "a * 40"), "b = a * 40", "python"),
        # A method: the class, without the other methods, or with changes in them.
        (PYTHON, METHOD, "class A:\n    def g(self):\n        return 3\n", None, "python"),
        (
            PYTHON,
            METHOD,
            "class A:\n    # ... existing code ...\n\n    def g(self):\n        return 3\n\n    # ... rest of the class ...",
            None,
            "python",
        ),
        (
            PYTHON,
            METHOD,
            CLASS.replace("return 2", "return 3").replace("y = x + 1", "y = 2 * x"),
            None,
            "python",
        ),
        (PYTHON, METHOD, "import os\n\ndef g(self):\n    return 3\n", None, "python"),
        (SCRIPT, "return this.x;", SCRIPT.replace("this.x;", "2;"), "return 2;", "javascript"),
        (SCRIPT, "return this.x;", "get() {\n  return 2;\n}", "return 2;", "javascript"),
        (
            SCRIPT,
            "  get() {\n    return this.x;\n  }",
            "class A {\n  get() {\n    return 2;\n  }\n}",
            "  get() {\n    return 2;\n  }",
            "javascript",
        ),
        # The condition directly above the place; other languages.
        (
            GO,
            "return err\n",
            'if err := a(); err != nil {\n\treturn wrap("a", err)\n}',
            'return wrap("a", err)\n',
            "go",
        ),
        (JSON, '"c": 2', JSON.replace('"c": 2', '"c": 5'), '"c": 5', "json"),
        # A part of a line.
        ("def f(x):\n    y = x + 1\n", "x + 1", "y = x + 2", "x + 2", "python"),
        ("def f(x):\n    return x + 1\n", "x + 1", "return x + 2", "x + 2", "python"),
        ("y = g(x + 1, 3)\n", "x + 1", "y = g(x + 2, 3)", "x + 2", "python"),
        ("y = g(x + 1, 3)\n", "y = g(x + 1", "y = g(x + 2, 3)", "y = g(x + 2", "python"),
        ("def f(x):\n    y = x + 1\n", "x + 1", "def f(x):\n    y = x + 2", "x + 2", "python"),
        # The line below.
        (
            "def f(a):\n    b = a + 1\n    return b\n",
            "b = a + 1",
            "b = a + 2\nreturn b",
            "b = a + 2",
            "python",
        ),
        # The code before the change, then after it.
        (
            "b = a + 1\n",
            "b = a + 1",
            "Before:\n```python\nb = a + 1\n```\nAfter:\n```python\nb = a + 2\n```",
            "b = a + 2",
            "python",
        ),
    ],
)
def test_only_the_place_changes(
    text: str, selected: str, answer: str, changed: str | None, language: str
) -> None:
    changed = selected.replace("return 2", "return 3") if changed is None else changed
    fenced = answer if "```" in answer else f"```{language}\n{answer}\n```"
    assert generated(text, selected, fenced, language) == text.replace(selected, changed, 1)


@pytest.mark.parametrize(
    ("text", "answer", "after", "language"),
    [
        (
            "public class A {\n    int f(int a) {\n|\n    }\n}\n",
            "public class A {\n    int f(int a) {\n        return a;\n    }\n}",
            "public class A {\n    int f(int a) {\n        return a;\n    }\n}\n",
            "java",
        ),
        (
            "class A\n{\n    public int F(int a)\n    {\n|\n    }\n}\n",
            "public int F(int a)\n{\n    return a;\n}",
            "class A\n{\n    public int F(int a)\n    {\n        return a;\n    }\n}\n",
            "csharp",
        ),
        (
            "const f = (names) => {\n  |\n};\n",
            "const f = (names) => {\n  return names.sort();\n};",
            "const f = (names) => {\n  return names.sort();\n};\n",
            "javascript",
        ),
        (
            "impl A {\n    fn get(&self) -> i32 {\n        |\n    }\n}\n",
            "impl A {\n    fn get(&self) -> i32 {\n        self.x\n    }\n}",
            "impl A {\n    fn get(&self) -> i32 {\n        self.x\n    }\n}\n",
            "rust",
        ),
        (
            "package a\n\nfunc f(a int) int {\n|\n}\n",
            "package a\n\nfunc f(a int) int {\n\treturn a\n}",
            "package a\n\nfunc f(a int) int {\n\treturn a\n}\n",
            "go",
        ),
        (
            "def f(names):\n    # TODO: sort the names|\n    return names\n",
            "# ... existing code ...\nnames.sort()\nreturn names\n# ... existing code ...",
            "def f(names):\n    # TODO: sort the names\n    names.sort()\n    return names\n",
            "python",
        ),
    ],
)
def test_only_the_body_is_written(text: str, answer: str, after: str, language: str) -> None:
    assert generated(text, "|", f"```\n{answer}\n```", language) == after


@pytest.mark.parametrize(
    ("text", "selected", "answer", "changed", "language"),
    [
        # A condition again, after other code.
        (
            "func f() {\n\tif err != nil {\n\t\terr = retry()\n\t\treturn err\n\t}\n}\n",
            "return err",
            "if err != nil {\n\treturn wrap(err)\n}",
            "if err != nil {\n\t\t\treturn wrap(err)\n\t\t}",
            "go",
        ),
        # A new method below the selected one.
        (
            PYTHON,
            METHOD,
            "def g(self):\n    return self.k()\n\ndef k(self):\n    return 2",
            "    def g(self):\n        return self.k()\n\n    def k(self):\n        return 2\n",
            "python",
        ),
        # A call around the selected one.
        ("x = f(g())\n", "g()", "g(1)", "g(1)", "python"),
        # A string whose lines begin left of the code.
        (
            "def f():\n    y = 1\n",
            "y = 1",
            'def f():\n    y = """\nfirst\nend\n"""\n    print(y)',
            'y = """\nfirst\nend\n"""\n    print(y)',
            "python",
        ),
        # A docstring moves with its function.
        (
            "class A:\n    x = 1\n",
            "x = 1",
            'def f():\n    """One.\n\n    Two.\n    """',
            'def f():\n        """One.\n\n        Two.\n        """',
            "python",
        ),
    ],
)
def test_the_whole_answer_is_used(
    text: str, selected: str, answer: str, changed: str, language: str
) -> None:
    assert generated(text, selected, answer, language) == text.replace(selected, changed, 1)
