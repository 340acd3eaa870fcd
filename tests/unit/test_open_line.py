"""The lines that a completion of one line needs, and when its stream has them."""

from __future__ import annotations

import pytest

from ensemble_lsp.postprocess import clean_completion
from ensemble_lsp.postprocess.completion_text import is_long_enough

HANDLER = '(req, res) => {\n  res.send("ok");\n}'
TALK = "Voici le code manquant :\n\n```php\n"


@pytest.mark.parametrize(
    ("language", "place", "text", "expected"),
    [
        ("javascript", 'app.get("/", ¦);', f"{HANDLER});", HANDLER),
        (
            "javascript",
            "setTimeout(¦, 100);",
            "() => {\n  go();\n}\nmore();",
            "() => {\n  go();\n}",
        ),
        ("rust", "xs.iter().map(¦);", "|x| {\n    x + 1\n})", "|x| {\n    x + 1\n}"),
        # Its end is missing: with the rest of the line the first line alone is no code.
        ("javascript", 'app.get("/", ¦);', '(req, res) => {\n  res.send("o', ""),
        # Nothing of the rest of the line is broken.
        ("javascript", 'app.get("/", ¦', f"{HANDLER});", "(req, res) => {"),
        ("java", "if (¦)", "a) {\n  b();\n}", "a) {"),
        ("python", "f(¦)", "a\nb", "a"),
        ("markdown", "Run:\n\n¦", "```sh\nmake\n```\nDone.", "```sh\nmake\n```"),
        ("markdown", "Run:\n\n¦", "```sh\nmake", "```sh"),
    ],
)
def test_the_lines_of_a_block_that_the_line_opens_are_kept(
    language: str, place: str, text: str, expected: str
) -> None:
    prefix, suffix = place.split("¦")
    found = clean_completion(
        text, prefix=prefix, suffix=f"{suffix}\n", language=language, multiline=False
    )
    assert found == expected


@pytest.mark.parametrize(
    ("language", "place", "text", "enough"),
    [
        ("javascript", 'app.get("/", ¦);', "(req, res) => {\n  res.send(", False),
        ("javascript", 'app.get("/", ¦);', f"{HANDLER}\n", True),
        ("javascript", "f(¦);", "a\nb", True),
        ("javascript", "f(¦);", "() => {" + "\n  a();" * 41, True),
        # A line in any language above a fence is talk; it is not known before the fence.
        ("php", "$n = ¦", TALK[:-7], False),
        ("php", "$n = ¦", TALK, False),
        ("php", "$n = ¦", f"{TALK}count($x);\n", True),
        ("python", "¦", "if a and b:\n    c", True),
    ],
)
def test_a_stream_is_closed_once_it_has_the_lines(
    language: str, place: str, text: str, enough: bool
) -> None:
    prefix, suffix = place.split("¦")
    found = is_long_enough(text, multiline=False, prefix=prefix, suffix=suffix, language=language)
    assert found is enough
