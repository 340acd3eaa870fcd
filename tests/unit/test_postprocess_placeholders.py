"""An answer that leaves the code to the user is no answer."""

from __future__ import annotations

import pytest

from ensemble_lsp.postprocess import clean_completion
from ensemble_lsp.postprocess.placeholders import is_placeholder, leaves_out_code


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
        "{/* ... existing code ... */}",
        "// unchanged methods ...",
        "# ... (rest of the implementation) ...",
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


def test_in_a_file_of_exercises_the_comment_is_the_authors() -> None:
    text = "# YOUR CODE HERE"
    prefix = f"def one():\n    {text}\n    pass\n\n\ndef two(x):\n    "
    assert clean_completion(text, prefix=prefix, suffix="\n", language="python") == text


@pytest.mark.parametrize(
    "line",
    [
        "# ... rest of the function",
        "    // ... existing code ...",
        "(rest of methods ...)",
        "// unchanged code ...",
        "{/* ... rest of the file ... */}",
        "…the rest stays the same",
        "# rest unchanged",
        "    # (rest of the function stays the same)",
        "// Rest of your code remains the same",
        "// (unchanged code)",
        "# existing code",
        "// Other methods remain unchanged",
        "# ...",
        "    // …",
        "/* ... */",
        "// ... keep the rest",
        "// ... and all the other handlers",
        "# ... previous implementation",
    ],
)
def test_a_rewrite_that_leaves_code_out_is_recognised(line: str) -> None:
    original = "def f():\n    first()\n    second()\n"
    text = f"def f(x):\n    first(x)\n{line}\n"
    assert leaves_out_code(text, original)
    assert not leaves_out_code(text, original + line)


@pytest.mark.parametrize(
    "line",
    [
        "    ...",
        "def f(*args: int) -> tuple[int, ...]: ...",
        'print("Loading the rest of the code...")',
        "# the rest of the code sorts the names",
        "const all = [...existing, item];",
        "x = rest[...]",
        "# other functions",
        "# Existing codes are kept",
        "# the same imports as the server",
        "// ... and then sort",
        "# ---",
        "#...#",
    ],
)
def test_an_ellipsis_of_the_language_leaves_nothing_out(line: str) -> None:
    assert not leaves_out_code(f"def f():\n{line}\n", "def f():\n    pass\n")


@pytest.mark.parametrize(
    "text",
    [
        "No completion needed",
        "(no completion)",
        "[No completion]",
        "<no completion>",
        "[NO_COMPLETION]",
        "<|no_completion|>",
        "no changes",
        "Nothing to complete",
        "(empty string)",
        "<none>",
        "# No completion needed",
        "// No code is required here.",
    ],
)
def test_an_answer_that_there_is_no_answer_is_none(text: str) -> None:
    place = {"prefix": "def f(a):\n    x = a\n    ", "suffix": "\n    return x\n"}
    assert clean_completion(text, **place, language="python") == ""


@pytest.mark.parametrize(
    ("prefix", "text", "language"),
    [
        ("x = ", "empty", "python"),
        ("x = ", "(empty)", "python"),
        ("x = [", "nothing]", "python"),
        ("# TODO: ", "no changes needed", "python"),
        ("return ", "no_completion", "python"),
        ("std::vector", "<Node>", "cpp"),
        ("Option", "<Nothing>", "kotlin"),
        ("return ", "<Empty />;", "typescriptreact"),
        ("return ", "<None />", "typescriptreact"),
        ("Here are ", "no changes", "markdown"),
    ],
)
def test_words_like_it_in_code_and_text_are_kept(prefix: str, text: str, language: str) -> None:
    found = clean_completion(text, prefix=prefix, suffix="\n", language=language, multiline=False)
    assert found == text
