"""The seam between the text before the cursor and a completion: blanks and words."""

from __future__ import annotations

import pytest

from ensemble_lsp.postprocess import clean_completion
from ensemble_lsp.postprocess.seam import join_at_cursor

CASES = [
    ("python", "def add(a, b):\\\n    return¦", "a + b", "def add(a, b):\\\n    return a + b"),
    ("python", "import¦", "os", "import os"),
    ("python", "x = ¦", " 1", "x = 1"),
    ("python", "or¦", "ordered = sorted(x)", "ordered = sorted(x)"),
    ("python", "return¦", "ed = True", "returned = True"),
    ("python", "ret¦", "urn x", "return x"),
    ("javascript", "items.for¦", "Each(x)", "items.forEach(x)"),
    ("python", "rows.in¦", "sert(0, row)", "rows.insert(0, row)"),
    ("javascript", "const c¦", "count = items.length;", "const count = items.length;"),
    ("python", "n = le¦", "len(items)", "n = len(items)"),
    ("rust", "let name: St¦", "String = x", "let name: String = x"),
    (
        "java",
        "List<String> names = new¦",
        "ArrayList<>();",
        "List<String> names = new ArrayList<>();",
    ),
    ("go", "package main\\\n\\\nfunc¦", "main() {", "package main\\\n\\\nfunc main() {"),
    ("sql", "SELECT¦", "id, name FROM users;", "SELECT id, name FROM users;"),
    ("python", "if not¦", "items:", "if not items:"),
    (
        "typescript",
        "if (a) {\\\n  go();\\\n} else¦",
        "if (b) {",
        "if (a) {\\\n  go();\\\n} else if (b) {",
    ),
    ("javascript", "const¦", "total = 0;", "const total = 0;"),
    (
        "typescript",
        "const user = await get¦",
        "UserById(id);",
        "const user = await getUserById(id);",
    ),
    ("python", "mask = 0xff¦", "ff00", "mask = 0xffff00"),
    ("python", "draw(a, ¦", " b, c)", "draw(a, b, c)"),
    ("python", 'print("Hello,¦', " world", 'print("Hello, world'),
    ("go", "//¦", " Sum adds", "// Sum adds"),
    ("python", "for i¦", "in range(3):", "for i in range(3):"),
    ("python", "if a o¦", "or b:", "if a or b:"),
    ("python", "x = xx¦", "x", "x = xxx"),
    ("python", "a.a¦", "a", "a.aa"),
    ("python", "foo(foo¦", "(1)", "foo(foo(1)"),
    ("python", "x = 1 ¦", "  # one", "x = 1   # one"),
    ("python", "return¦", "1", "return 1"),
    ("c", "int¦", "main(void) {", "int main(void) {"),
    ("c", "int¦", "32_t x;", "int32_t x;"),
    ("c", "unsigned int¦", "eger", "unsigned integer"),
    ("php", "} else¦", "if ($x) {", "} elseif ($x) {"),
    ("lua", "else¦", "if x then", "elseif x then"),
    ("python", "def¦", "ault = 1", "default = 1"),
    ("python", "value = 3\\\nif value¦", "and other:", "value = 3\\\nif value and other:"),
    ("python", "x = in¦", "put()", "x = input()"),
    ("python", "for x in¦", "data:", "for x in data:"),
    ("python", "for x in¦", "dex:", "for x in dex:"),
    ("python", "from¦", "os import path", "from os import path"),
    ("python", "from os import¦", "path", "from os import path"),
    ("python", "class¦", "Foo:", "class Foo:"),
    ("rust", "pub¦", "fn go() {", "pub fn go() {"),
    ("rust", "let¦", "mut x = 1;", "let mut x = 1;"),
    ("rust", "let¦", "ter = 1;", "letter = 1;"),
    ("python", "num¦", "number = 2", "number = 2"),
    ("python", "len¦", "len(items)", "len(items)"),
    ("python", "in¦", "in range", "in range"),
    ("javascript", "throw¦", 'new Error("x");', 'throw new Error("x");'),
    ("javascript", "new¦", 'Error("x");', 'new Error("x");'),
    ("typescript", "export¦", "default x;", "export default x;"),
    ("csharp", "public¦", "static void Main() {", "public static void Main() {"),
    ("kotlin", "val¦", 'name = "x"', 'val name = "x"'),
    ("kotlin", "val¦", "ue = 1", "value = 1"),
    ("ruby", "def¦", "total", "def total"),
    ("python", "# ret¦", "return the sum", "# return the sum"),
    ("python", 'x = "th¦', "the end", 'x = "the end'),
    ("python", "llama = l¦", "lama", "llama = llama"),
    ("python", "lambda¦", "x: x", "lambda x: x"),
    ("python", 's = "return¦', "a", 's = "returna'),
    ("python", "yield¦", "item", "yield item"),
    ("python", "raise¦", "ValueError(x)", "raise ValueError(x)"),
    ("python", "async¦", "def f():", "async def f():"),
    ("python", "assert¦", "Equal(x)", "assert Equal(x)"),
    ("python", "obj.assert¦", "Equal(x)", "obj.assertEqual(x)"),
    ("python", "import¦", "lib.util", "import lib.util"),
    ("python", "x = a or¦", "order", "x = a or order"),
    ("python", "for x in¦", "inputs:", "for x in inputs:"),
    ("python", "import numpy as¦", "np", "import numpy as np"),
    ("python", "returned = 1\nreturn¦", "returned", "returned = 1\nreturn returned"),
    ("python", "notes = []\nif not¦", "notes:", "notes = []\nif not notes:"),
    ("python", "    return ¦", "return x", "    return x"),
    ("python", "import ¦", "import os", "import os"),
    ("python", "x = ¦", "x = 1", "x = 1"),
    ("python", "x = ¦", "x == 1", "x = x == 1"),
    ("python", "self.n = ¦", "self.n = 1", "self.n = 1"),
    ("c", "long ¦", "long n;", "long long n;"),
    ("go", "x := ¦", "x := f()", "x := f()"),
    ("javascript", "await¦", "fetch(url);", "await fetch(url);"),
    ("javascript", "let¦", "x = 1;", "let x = 1;"),
    ("rust", "use¦", "std::io;", "use std::io;"),
    ("python", "elif¦", "x > 1:", "elif x > 1:"),
    ("python", "if x is¦", "None:", "if x is None:"),
    ("sql", "select * from¦", "users", "select * from users"),
    ("kotlin", "fun¦", "main() {", "fun main() {"),
    ("swift", "guard¦", "let x = y else {", "guard let x = y else {"),
    ("python", "user.is¦", "_active", "user.is_active"),
    ("python", "s = 'or¦", "ordered'", "s = 'ordered'"),
    # a member access, a scope, a name with a sign, written from their start
    ("javascript", "const n = user.na¦", "user.name;", "const n = user.name;"),
    ("java", "this.¦", "this.name = name;", "this.name = name;"),
    ("cpp", "std::ve¦", "std::vector<int> xs;", "std::vector<int> xs;"),
    ("php", "echo $na¦", "$name;", "echo $name;"),
    ("java", "@Over¦", "@Override", "@Override"),
    ("javascript", "a.b¦", "b.c", "a.bb.c"),
    ("python", "x = 1.¦", "1.5", "x = 1.1.5"),
    # a keyword of a language without case
    ("sql", "SELECT ¦", "SELECT id FROM t;", "SELECT id FROM t;"),
    ("sql", "SELECT ¦", "select id FROM t;", "SELECT id FROM t;"),
    # marks that need a blank behind them
    ("yaml", "name:¦", "build", "name: build"),
    ("yaml", "  - name:¦", '"build"', '  - name: "build"'),
    ("yaml", "- ¦", "build", "- build"),
    ("yaml", "-¦", "build", "- build"),
    ("yaml", "url: http:¦", "//a.org", "url: http://a.org"),
    ("yaml", "name:¦", "\n  a: 1", "name:\n  a: 1"),
    ("markdown", "##¦", "Install", "## Install"),
    ("markdown", "-¦", "one", "- one"),
    ("markdown", "-¦", "--", "---"),
]
"""Language, the text with the cursor (``¦``), the answer, the text that is right."""


@pytest.mark.parametrize(("language", "place", "text", "expected"), CASES)
def test_word_and_blank_at_the_cursor(language: str, place: str, text: str, expected: str) -> None:
    prefix, suffix = place.split("¦")
    assert prefix + join_at_cursor(text, prefix, suffix + "\n", language) == expected


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("return¦", "ed = True"),
        ("return¦", "a + b"),
        ("re¦", "render()"),
        ("x = l¦", "lama"),
        ("mask = 0xff¦", "ff00"),
        ("foo(foo¦", "foo)"),
    ],
)
def test_a_text_that_continues_the_very_character_is_left_alone(place: str, text: str) -> None:
    prefix = place.removesuffix("¦")
    assert join_at_cursor(text, prefix, "\n", "python", exact=True) == text


def test_a_name_of_the_document_decides() -> None:
    prefix = "returned = 1\nret = 2\nreturn"
    assert join_at_cursor("ed", prefix, "\n", "python") == "ed"
    assert join_at_cursor("ret", prefix, "\n", "python") == " ret"
    assert join_at_cursor("ed", "ed = 1\nreturn", "\n", "python") == " ed"


def test_a_blank_between_the_text_and_the_rest_is_not_doubled() -> None:
    clean = clean_completion("a ", prefix="x = ", suffix=" + 1\n", language="python")
    assert clean == "a"
