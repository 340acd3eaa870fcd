"""An answer that leaves the code to the user is no answer."""

from __future__ import annotations

import pytest

from ensemble_lsp.postprocess import clean_completion
from ensemble_lsp.postprocess.placeholders import is_placeholder


@pytest.mark.parametrize(
    "text",
    [
        "# Your code here",
        "    # Write your code here\n",
        "    // TODO: Implement this function",
        "// ... rest of the code",
        "// ... existing code ...",
        "/* Add your implementation here */",
        "-- your logic goes here",
        "# TODO: implement\n# your solution here",
        "<!-- rest of the file remains unchanged -->",
    ],
)
def test_a_comment_that_stands_for_code_is_recognised(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# Sort the names",
        "# TODO: implement retries with a limit",
        "# Your code here\nreturn total(items)",
        "# The code below sorts the names",
        "# existing code of the country",
        "code here",
        "#!/bin/sh",
        "# ----",
    ],
)
def test_other_comments_and_code_are_not(text: str) -> None:
    assert not is_placeholder(text)


def test_nothing_is_offered_instead_of_a_placeholder() -> None:
    place = {"prefix": "def f(x):\n    ", "suffix": "\n", "language": "python"}
    assert clean_completion("# Your code here", **place) == ""
    kept = "# Your code here\n    return x"
    assert clean_completion(kept, **place) == kept
