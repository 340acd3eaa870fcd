"""``ensemble-lsp edit``: the next edit as a diff, with a patch as the edits just made."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cli import InProcess
from tests.support.providers import LoopbackProvider, running

CODE = "def area(width, height):\n    total = width * height\n    print(result)\n    return 0\n"
PATCH = """\
--- a/app.py
+++ b/app.py
@@ -1,3 +1,3 @@
 def area(width, height):
-    result = width * height
+    total = width * height
     print(result)
"""
DIFF = """\
--- a/app.py
+++ b/app.py
@@ -1,4 +1,4 @@
 def area(width, height):
     total = width * height
-    print(result)
+    print(total)
     return 0
"""


@pytest.fixture
def user(user: InProcess) -> InProcess:
    user.file("app.py", CODE)
    user.file("last.patch", PATCH)
    return user


def test_the_edit_of_a_patch_is_repeated_without_a_model(user: InProcess) -> None:
    result = user.run("edit", "app.py:2:10", "--history", "last.patch")
    assert (result.code, result.out, result.err) == (0, DIFF, "(locator)\n")


def test_edit_as_json(user: InProcess) -> None:
    found = user.run("edit", "app.py:2:10", "--history", "last.patch", "--json").json
    assert (found["task"], found["text"], found["models"]) == (
        "edit",
        DIFF.rstrip("\n"),
        ["locator"],
    )
    assert "rename" in found["why"]


def test_a_model_is_asked_where_there_is_no_history(user: InProcess) -> None:
    def reply(body: dict[str, Any]) -> str:
        region = body["messages"][-1]["content"].split("<region>\n")[1].split("\n</region>")[0]
        changed = region.replace("<|cursor|>", "").replace("print(result)", "print(total)")
        return f"```\n{changed}\n```"

    with running(LoopbackProvider(reply)) as provider:
        user.model("gpt", provider.base_url)
        result = user.run("edit", "app.py:2:10", "--model", "gpt")
    assert (result.code, result.out, result.err) == (0, DIFF, "(gpt)\n")


def test_what_is_wrong_is_one_line(user: InProcess) -> None:
    user.run("edit", "app.py:2:10").fails(1, "No model can predict one")
    user.run("edit", "app.py").fails(2, "FILE:LINE:COL")
    user.run("edit", "app.py:2:10", "--history", "app.py").fails(2, "no hunk")
    user.run("edit", "app.py:2:10", "--history", "none.patch").fails(2, "none.patch")
    user.run("edit", "app.py:2:10", "--model", "nobody").fails(2, "nobody")
