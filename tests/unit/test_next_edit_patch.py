"""A patch as the edits just made."""

from __future__ import annotations

import pytest

from ensemble_lsp.next_edit.edit_history import EditHistory
from ensemble_lsp.next_edit.patch import read_patch, replay
from ensemble_lsp.types import Document

AFTER = "a = 1\nb = 22\nc = 3\nd = 4\ne = 5\nf = 6\ng = 7\nh = 8\nnew\n"
PATCH = """\
diff --git a/x.py b/x.py
--- a/x.py\t2026-01-01
+++ b/x.py
@@ -1,3 +1,3 @@
 a = 1
-b = 2
+b = 22
 c = 3
@@ -8 +8,2 @@ g
 h = 8
+new
--- a/gone.py
+++ /dev/null
@@ -1,2 +0,0 @@
-x
-y
\\ No newline at end of file
"""


def test_each_hunk_has_its_file_and_its_lines() -> None:
    first, second, third = read_patch(PATCH)
    assert (first.path, first.line) == ("x.py", 0)
    assert first.original == ["a = 1\n", "b = 2\n", "c = 3\n"]
    assert first.updated == ["a = 1\n", "b = 22\n", "c = 3\n"]
    assert (second.line, second.updated) == (7, ["h = 8\n", "new\n"])
    assert (third.path, third.original, third.updated) == ("gone.py", ["x\n", "y\n"], [])


def test_a_truncated_hunk_is_an_error() -> None:
    with pytest.raises(ValueError, match="truncated"):
        list(read_patch("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n"))


def test_the_hunks_of_a_document_are_at_their_places() -> None:
    document = Document.from_text("file:///x.py", 1, "python", AFTER)
    history = EditHistory()
    assert replay(history, document, list(read_patch(PATCH))[:2])
    newest, oldest = history.recent()
    assert (newest.line, newest.added, newest.tracked) == (8, ("new\n",), True)
    assert (oldest.line, oldest.removed, oldest.added) == (1, ("b = 2\n",), ("b = 22\n",))


def test_hunks_that_a_document_does_not_have_are_not_recorded() -> None:
    document = Document.from_text("file:///x.py", 1, "python", "other\n")
    history = EditHistory()
    assert not replay(history, document, list(read_patch(PATCH))[:2])
    assert history.recent() == ()
