"""The forms in which models answer a request to change code: each gives the wanted code or nothing."""

from __future__ import annotations

import pytest

from ensemble_lsp.postprocess import clean_code
from tests.support.generated import generated

CODE = """\
import os


class A:
    def f(self, a):
        x = a
        y = x + 1
        return y
"""
OLD = "x = a\n        y = x + 1"
WANTED = CODE.replace("x + 1", "x + 2")
TODO = "def f(names):\n    # TODO: sort the names|\n    return names\n"
F = "```"
HUNK = "         x = a\n-        y = x + 1\n+        y = x + 2\n"


@pytest.mark.parametrize(
    "answer",
    [
        f"{F}diff\n-        y = x + 1\n+        y = x + 2\n{F}",
        f"{F}diff\n x = a\n-y = x + 1\n+y = x + 2\n{F}",
        f"{F}diff\n--- a/a.py\n+++ b/a.py\n@@ -5,3 +5,3 @@\n     def f(self, a):\n{HUNK}{F}",
        f"{F}diff\n@@ -1 +1,2 @@\n import os\n+import sys\n@@ -6,2 +7,2 @@\n{HUNK}{F}",
        f"@@ -6,2 +7,2 @@\n{HUNK}",
        "*** Begin Patch\n*** Update File: a.py\n@@\n-        y = x + 1\n+        y = x + 2\n*** End Patch",
        f"a.py\n{F}python\n<<<<<<< SEARCH\n        y = x + 1\n=======\n        y = x + 2\n>>>>>>> REPLACE\n{F}",
        "<<<<<<< SEARCH\ny = x + 1\n=======\ny = x + 2\n>>>>>>> REPLACE",
        f"{F}python\n6 | x = a\n7 | y = x + 2\n{F}",
        f"{F}python\n6:         x = a\n7:         y = x + 2\n{F}",
    ],
)
def test_a_patch_is_applied_and_line_numbers_go(answer: str) -> None:
    assert generated(CODE, OLD, answer, "python") == WANTED
    crlf = generated(CODE.replace("\n", "\r\n"), OLD.replace("\n", "\r\n"), answer, "python")
    assert crlf == WANTED.replace("\n", "\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        f"{F}diff\n-        z = x + 1\n+        y = x + 2\n{F}",
        "<<<<<<< SEARCH\nz = x + 1\n=======\ny = x + 2\n>>>>>>> REPLACE",
        "Could you clarify what you want to increment?",
        "No changes are needed.",
        "I cannot see the file.\n\nPlease send it.",
    ],
)
def test_a_patch_of_other_code_and_talk_are_nothing(answer: str) -> None:
    assert generated(CODE, OLD, answer, "python") == CODE.replace(OLD, "")


@pytest.mark.parametrize(
    ("text", "selected", "answer", "language"),
    [
        ("- x\n- y\n", "- x\n- y", "- a\n+ b", "markdown"),
        ("- x\n- y\n", "- x\n- y", "- a\n- b", "yaml"),
        ("SELECT 2;\n", "SELECT 2;", "-- one\nSELECT 1;", "sql"),
        ("x = {}\n", "x = {}", 'x = {\n    1: "a",\n    2: "b",\n}', "python"),
        ("x = 1\n", "x = 1", 'x = s.replace("<", "&lt;")', "python"),
        ("float lt;\nfloat *p = 0;\n", "float *p = 0;", "float *p = &lt;", "c"),
        ("<b>x</b>\n", "<b>x</b>", "<b>a &amp; b</b>", "html"),
    ],
)
def test_code_that_only_looks_so_is_kept(
    text: str, selected: str, answer: str, language: str
) -> None:
    assert generated(text, selected, answer, language) == text.replace(selected, answer, 1)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("if (a &lt; b &amp;&amp; c) go();", "if (a < b && c) go();"),
        ("log(&quot;a&quot;);", 'log("a");'),
        ("x = a &gt; b ? &#39;a&#39; : &apos;b&apos;;", "x = a > b ? 'a' : 'b';"),
    ],
)
def test_escaped_code_is_unescaped(answer: str, code: str) -> None:
    assert clean_code(answer, language="javascript") == code


@pytest.mark.parametrize(
    "answer",
    [
        f"Here is the code:\n\n{F}python\nnames.sort()\n{F}\n\nThis sorts the names in place.",
        "Sure! Here is the code:\nnames.sort()\n\nThis sorts the names in place.",
        f"{F}bash\npip install names\n{F}\n\n{F}python\nnames.sort()\n{F}",
        f"{F}diff\n def f(names):\n     # TODO: sort the names\n+    names.sort()\n     return names\n{F}",
    ],
)
def test_below_a_comment_there_is_code_alone(answer: str) -> None:
    after = TODO.replace("|", "\n    names.sort()")
    assert generated(TODO, "|", answer, "python") == after


def test_below_a_comment_a_refusal_is_nothing() -> None:
    answer = "I'm sorry, but I can't help with that."
    assert generated(TODO, "|", answer, "python") == TODO.replace("|", "")
