"""Requests for a next edit: a file with its cursor written as ``¦``, and the edits just made."""

from __future__ import annotations

from ensemble_lsp.languages import language_of
from ensemble_lsp.next_edit.edit_history import Hunk
from ensemble_lsp.next_edit.families import FAMILIES, edit_prompt
from ensemble_lsp.next_edit.prompting import EditPrompt, EditRequest, Family, RecentEdit
from ensemble_lsp.next_edit.region import Region
from ensemble_lsp.types import Document, Position, Snippet, advance

URI = "file:///shop/cart.py"
FAMILY = {family.name: family for family in FAMILIES}


def document(text: str, path: str = "shop/cart.py", version: int = 7) -> Document:
    return Document.from_text(f"file:///{path}", version, language_of(path), text)


def place(marked: str, path: str = "shop/cart.py") -> tuple[Document, Position]:
    """Return a document and its cursor, written as ``¦``."""
    before, _, after = marked.partition("¦")
    doc = document(before + after, path)
    return doc, doc.clamp(advance(Position(0, 0), before))


def hunk(removed: str, added: str, line: int = 0, uri: str = URI, before: str = "") -> Hunk:
    lines = [tuple(text.splitlines(keepends=True)) for text in (removed, added, before)]
    return Hunk(uri, "python", line, lines[0], lines[1], lines[2])


def edit_request(
    marked: str, edits: tuple[Hunk, ...] = (), related: tuple[Snippet, ...] = ()
) -> EditRequest:
    doc, cursor = place(marked)
    recent = tuple(RecentEdit("shop/cart.py", edit) for edit in edits)
    return EditRequest(doc, cursor, "shop/cart.py", recent, related)


def prompt_for(
    family: Family, marked: str, region: tuple[int, int] | None = None, **parts: object
) -> EditPrompt:
    """Return a family's prompt, for a region if one is given."""
    made = edit_request(marked, **parts)
    if region is not None:
        return family.render(made, Region(*region))
    prompt = edit_prompt(made, family)
    assert prompt is not None
    return prompt


CART = """\
TAX = 0.2


def total(prices, rate):
    return sum(prices) * (1 + rate)


def show(prices):
    print(total(pri¦ces))
"""
