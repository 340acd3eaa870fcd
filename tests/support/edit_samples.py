"""Places in code of several languages, each with an offered text and the text that is written instead."""

from __future__ import annotations

from dataclasses import dataclass

CURSOR = "¦"


@dataclass(frozen=True)
class Sample:
    """A place in code (the cursor is ``¦``), what is offered there, and what is written instead."""

    language: str
    code: str
    offered: str
    instead: str
    typed: str = ""
    """A word before the cursor that the offered text repeats, so that its span covers it."""
    eol: str = "\n"


SAMPLES = (
    Sample(
        "python",
        "import os\n\ndef area(w, h):\n    return ¦\n\nprint(1)\n",
        "width * height",
        "None",
    ),
    Sample(
        "python",
        "class A:\n    def f(self, values):\n        total = 0\n        ¦\n\nx = 1\n",
        "for value in values:\n            total += value\n        return total",
        "while values:",
    ),
    Sample(
        "javascript",
        "const a = 1;\nfunction add(a, b) {\n  ¦\n}\nadd(1, 2);\n",
        "const sum = a + b;\n  return sum;",
        "throw new Error()",
        eol="\r\n",
    ),
    Sample("typescript", "let s = '😀';\nconsole.log(¦)\nlet t = 2;\n", "value.length, s", "'no'"),
    Sample("go", "func main() {\n\tx := 1\n\tfmt.¦\n}\n", 'Println("x is", x)', "Errorf(err)"),
    Sample(
        "rust",
        "fn f(v: &[i32]) -> i32 {\n    v.it¦\n}\n\nfn main() {}\n",
        "iter().sum()",
        "em",
        typed="it",
        eol="\r\n",
    ),
    Sample("java", "class A {\n  int x;\n  int get() { ¦ }\n}\n", "return this.x;", "x = 5;"),
    Sample("lua", "-- 名前 🎉\nlocal t = {}\nt.name = ¦\nreturn t\n", 'os.getenv("USER")', "nil"),
    Sample(
        "c",
        "int main(void) {\n    for (¦)\n    return 0;\n}\n",
        "int i = 0; i < n; i++",
        "unsigned k = 9",
    ),
    Sample(
        "html",
        "<ul>\n  <li>one</li>\n  ¦\n</ul>\n",
        "<li>two</li>\n  <li>three</li>",
        "text only",
    ),
    Sample(
        "python",
        "def read(path):\n    with open(path) as file:\n        data = fi¦\n    return 1\n",
        "file.read()",
        "x.y",
        typed="fi",
    ),
    Sample("ruby", "def a\n  b = 1\n  ¦\nend\n\nputs a\n", "c = b + 2\n  c * 3", "puts 'é'"),
    Sample(
        "php",
        "<?php\nfunction f($a) {\n    ¦\n}\nf(1);\n",
        "$b = array_map('trim', $a);\n    return $b;",
        "throw 1;",
    ),
    Sample(
        "kotlin",
        "fun main() {\n    val xs = listOf(1, 2)\n    xs.fo¦\n}\n",
        "forEach { println(it) }",
        "old()",
        typed="fo",
        eol="\r\n",
    ),
    Sample(
        "csharp",
        "class A\n{\n    string Name => ¦;\n}\n",
        'first + " " + last',
        "null ?? x",
    ),
    Sample(
        "shellscript",
        "#!/bin/sh\nfor f in *; do\n  ¦\ndone\necho ok\n",
        'echo "$f"\n  rm -f "$f.bak"',
        "exit 3",
    ),
    Sample(
        "python",
        "# 日本語 𝒳\nresult = compute(¦)\n",
        "first, second, key=lambda pair: pair[0]",
        "42, 'x'",
    ),
    Sample(
        "json",
        '{\n  "a": 1,\n  ¦\n}\n',
        '"version": "1.0.0",\n  "private": true',
        "// no",
    ),
)
AMBIGUOUS = (
    # Half of these is one character: taken at once or typed, the document looks the same.
    Sample("python", "def f(xs):\n    return [¦ for x in xs]\n", "x ** 2", "None"),
    Sample("javascript", "a\n  b\n  ¦\n  b\n  c\n", "b\n  b\n  bb", "zzz = 1"),
)
