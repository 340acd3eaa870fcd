"""``recall``'s index over one text, and predictions at its cursor."""

from __future__ import annotations

from typing import Any

from ensemble_lsp.providers.recall.predict import Prediction
from ensemble_lsp.providers.recall.token_index import RecallIndex
from ensemble_lsp.types import Document

A, B = "file:///w/src/a.py", "file:///w/src/b.py"


def document(text: str, uri: str = A, version: int = 1, language: str = "python") -> Document:
    """A version of a document."""
    return Document.from_text(uri, version, language, text)


def at_cursor(text: str, **options: Any) -> tuple[RecallIndex, list[Prediction]]:
    """Open ``text`` without its ``|``, and predict there."""
    prefix, suffix = text.split("|")
    index = options.pop("index", None) or RecallIndex()
    uri, language = options.pop("uri", A), options.pop("language", "python")
    index.open(document(prefix + suffix, uri, language=language))
    while index.work():
        pass
    wanted: dict[str, Any] = {"multiline": False, "max_lines": 12, "limit": 1, **options}
    found = index.predict(uri=uri, language=language, prefix=prefix, suffix=suffix, **wanted)
    return index, found


def text_at(text: str, **options: Any) -> str:
    """The best prediction's text; empty for none."""
    found = at_cursor(text, **options)[1]
    return found[0].text if found else ""


SAMPLE = """\
def area(shape):
    check_shape(shape, strict=True)
    return shape.width * shape.height

def edge(shape):
    check_shape(shape, strict=True)
    return 2 * (shape.width + shape.height)

def third(shape):
"""

BLOCK = """\
def main():
    parser = make_parser()
    options = parser.parse_args()
    return run(options)


"""
