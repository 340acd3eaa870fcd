"""Sources with the edits just made, and the text after all edits that the locator should offer."""

# ruff: noqa: E501 - a source is one line

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    name: str
    language: str
    before: str
    edits: tuple[tuple[str, str], ...]
    after: str
    kind: str


CASES = (
    Case(
        "a local variable, not the other function's, the attribute or the string",
        "python",
        'def f():\n    total = 1\n    x.total = total\n    print("total", total)\n\n\ndef g():\n    total = 2\n    return total\n',
        (("total = 1", "amount = 1"),),
        'def f():\n    amount = 1\n    x.total = amount\n    print("total", amount)\n\n\ndef g():\n    total = 2\n    return total\n',
        "rename",
    ),
    Case(
        "a function",
        "python",
        "def load(a):\n    return a\n\n\ndef g():\n    return load(1) + self.load(2)  # load\n",
        (("def load(", "def read("),),
        "def read(a):\n    return a\n\n\ndef g():\n    return read(1) + self.load(2)  # load\n",
        "rename",
    ),
    Case(
        "an imported name",
        "python",
        "from m import Reader\n\n\ndef g(r: Reader) -> Reader:\n    return Reader(r)\n",
        (("import Reader", "import Source"),),
        "from m import Source\n\n\ndef g(r: Source) -> Source:\n    return Source(r)\n",
        "rename",
    ),
    Case(
        "a parameter",
        "typescript",
        "function f(count: number): number {\n  const g = { count: 1 };\n  return count + g.count;\n}\n",
        (("(count:", "(size:"),),
        "function f(size: number): number {\n  const g = { count: 1 };\n  return size + g.count;\n}\n",
        "rename",
    ),
    Case(
        "a method",
        "typescript",
        "class A {\n  load() {}\n  run() { this.load(); load(); }\n}\n",
        (("  load()", "  read()"),),
        "class A {\n  read() {}\n  run() { this.read(); load(); }\n}\n",
        "rename",
    ),
    Case(
        "a local variable",
        "go",
        'package p\n\nfunc f(x int) int {\n\tn := x\n\tfmt.Println("n", n)\n\treturn n\n}\n',
        (("n :=", "m :="),),
        'package p\n\nfunc f(x int) int {\n\tm := x\n\tfmt.Println("n", m)\n\treturn m\n}\n',
        "rename",
    ),
    Case(
        "a struct's field",
        "go",
        "package p\n\ntype S struct {\n\tName string\n}\n\nfunc f(s S) string {\n\treturn s.Name\n}\n",
        (("\tName string", "\tTitle string"),),
        "package p\n\ntype S struct {\n\tTitle string\n}\n\nfunc f(s S) string {\n\treturn s.Title\n}\n",
        "rename",
    ),
    Case(
        "a binding",
        "rust",
        "fn f(a: u8) -> u8 {\n    let total = a;\n    g(total);\n    total\n}\n",
        (("let total", "let sum"),),
        "fn f(a: u8) -> u8 {\n    let sum = a;\n    g(sum);\n    sum\n}\n",
        "rename",
    ),
    Case(
        "a misspelling in comments, where it was mended",
        "python",
        "# The recieved text.\nx = 1\n# What was recieved last.\nrecieved = 2\n",
        (("recieved text", "received text"),),
        "# The received text.\nx = 1\n# What was received last.\nrecieved = 2\n",
        "typo",
    ),
    Case(
        "an argument that a function no longer has",
        "python",
        "def f(a, b):\n    return a\n\n\ndef g():\n    f(1, 2)\n    f(a=1, b=2)\n",
        (("def f(a, b)", "def f(a)"),),
        "def f(a):\n    return a\n\n\ndef g():\n    f(1)\n    f(a=1)\n",
        "argument",
    ),
    Case(
        "an argument whose name the callers know",
        "python",
        "def f(a):\n    return a\n\n\ndef g(clock):\n    f(1)\n\n\ndef h():\n    f(1)\n",
        (("def f(a)", "def f(a, clock)"),),
        "def f(a, clock):\n    return a\n\n\ndef g(clock):\n    f(1, clock)\n\n\ndef h():\n    f(1)\n",
        "argument",
    ),
    Case(
        "a keyword that two calls got, on a line of its own",
        "python",
        "f(1)\nf(2)\nf(3)\nf(\n    4,\n    5,\n)\n",
        (("f(1)", "f(1, x=True)"), ("f(2)", "f(2, x=True)")),
        "f(1, x=True)\nf(2, x=True)\nf(3, x=True)\nf(\n    4,\n    5,\n    x=True,\n)\n",
        "argument",
    ),
    Case(
        "an argument",
        "go",
        "package p\n\nfunc f(a int, b int) {}\n\nfunc g() {\n\tf(1, 2)\n\tf(3, 4)\n}\n",
        (("a int, b int", "a int"),),
        "package p\n\nfunc f(a int) {}\n\nfunc g() {\n\tf(1)\n\tf(3)\n}\n",
        "argument",
    ),
    Case(
        "an argument",
        "rust",
        "fn f(a: u8, b: u8) {}\n\nfn g() {\n    f(1, 2);\n}\n",
        (("a: u8, b: u8", "a: u8"),),
        "fn f(a: u8) {}\n\nfn g() {\n    f(1);\n}\n",
        "argument",
    ),
    Case(
        "a field",
        "python",
        'A = [\n    {"a": 1, "b": 2},\n    {"a": 3, "b": 4},\n    {"a": 5, "b": 6},\n    {"a": 7},\n]\n',
        (('1, "b": 2', '1, "b": 2, "c": None'), ('3, "b": 4', '3, "b": 4, "c": None')),
        'A = [\n    {"a": 1, "b": 2, "c": None},\n    {"a": 3, "b": 4, "c": None},\n    {"a": 5, "b": 6, "c": None},\n    {"a": 7},\n]\n',
        "field",
    ),
    Case(
        "a field",
        "typescript",
        'const a = { id: 1, tag: "x" };\nconst b = { id: 2, tag: "y" };\nconst c = { id: 3, tag: "z" };\n',
        (('tag: "x"', 'tag: "x", on: true'), ('tag: "y"', 'tag: "y", on: true')),
        'const a = { id: 1, tag: "x", on: true };\nconst b = { id: 2, tag: "y", on: true };\nconst c = { id: 3, tag: "z", on: true };\n',
        "field",
    ),
    Case(
        "a line in a repeated pattern",
        "rust",
        "fn f() {\n    a.map(x).unwrap();\n    b.map(y).unwrap();\n    c.map(z).unwrap();\n    d.get(z);\n}\n",
        (("a.map(x)", "a.and_then(x)"), ("b.map(y)", "b.and_then(y)")),
        "fn f() {\n    a.and_then(x).unwrap();\n    b.and_then(y).unwrap();\n    c.and_then(z).unwrap();\n    d.get(z);\n}\n",
        "pattern",
    ),
    Case(
        "a phrase with three names",
        "python",
        "def f():\n    self.assert_equals(result.value, 1)\n    self.assert_equals(result.value, 2)\n    self.assert_equals(result.value, 3)\n",
        (
            ("equals(result.value, 1", "equal(result.value, 1"),
            ("equals(result.value, 2", "equal(result.value, 2"),
        ),
        "def f():\n    self.assert_equal(result.value, 1)\n    self.assert_equal(result.value, 2)\n    self.assert_equal(result.value, 3)\n",
        "pattern",
    ),
    Case(
        "a decorator above classes",
        "typescript",
        "export class A {\n}\n\nexport class B {\n}\n\nexport class C {\n}\n\nexport interface D {\n}\n",
        (("export class A", "@es5\nexport class A"), ("export class B", "@es5\nexport class B")),
        "@es5\nexport class A {\n}\n\n@es5\nexport class B {\n}\n\n@es5\nexport class C {\n}\n\nexport interface D {\n}\n",
        "pattern",
    ),
    Case(
        "a line with the name of the line above",
        "python",
        "    def get_a(self):\n        return 1\n\n    def get_b(self):\n        return 2\n\n    def get_c(self):\n        return 3\n",
        (
            ("(self):\n        return 1", '(self):\n        log("get_a")\n        return 1'),
            ("(self):\n        return 2", '(self):\n        log("get_b")\n        return 2'),
        ),
        '    def get_a(self):\n        log("get_a")\n        return 1\n\n    def get_b(self):\n        log("get_b")\n        return 2\n\n    def get_c(self):\n        log("get_c")\n        return 3\n',
        "pattern",
    ),
    Case(
        "equal blocks",
        "go",
        "package p\n\nfunc f() {\n\tif err != nil {\n\t\treturn nil, wrap(err, name)\n\t}\n\tg()\n\tif err != nil {\n\t\treturn nil, wrap(err, name)\n\t}\n}\n",
        (("if err != nil {\n\t\treturn nil, wrap(err, name)\n\t}\n\tg()", "check(err)\n\tg()"),),
        "package p\n\nfunc f() {\n\tcheck(err)\n\tg()\n\tcheck(err)\n}\n",
        "pattern",
    ),
    Case(
        "an import that lost its last use",
        "python",
        "import re\nfrom os import path, sep\n\nx = path.join(sep)\n",
        (("path.join(sep)", "path.join()"),),
        "import re\nfrom os import path\n\nx = path.join()\n",
        "import",
    ),
)


QUIET = (
    ("a use alone", "python", "a = load(1)\nb = load(2)\n", (("load(1)", "read(1)"),)),
    (
        "a name that is still defined",
        "python",
        "def load(): ...\n\n\nx = load()\ny = load()\n",
        (("x = load", "x = read"),),
    ),
    (
        "a word in a comment",
        "go",
        "package p\n\n// Loads all.\nvar x = 1\n\n// Loads more.\n",
        (("Loads all", "Reads all"),),
    ),
    ("an ending", "python", "# returned it\n# returned them\n", (("returned it", "returnes it"),)),
    ("white space", "rust", "fn f() {\n    g(1);\n    g(2);\n}\n", (("    g(1)", "        g(1)"),)),
    (
        "a value for one call",
        "typescript",
        "f(1);\nf(2);\nf(3);\n",
        (("f(1)", "f(1, x)"),),
    ),
    (
        "a place that was passed over",
        "python",
        "q.one(a.b, 1)\nq.one(a.b, 2)\nq.one(a.b, 3)\nq.one(a.b, 4)\n",
        (("one(a.b, 1", "two(a.b, 1"), ("one(a.b, 3", "two(a.b, 3")),
    ),
)
"""Edits after which nothing should be offered: a name, the language, the text, the edits."""
