"""A document after a model's answer to a request for code."""

from __future__ import annotations

from ensemble_lsp.context.generation_intent import generation_intent_near
from ensemble_lsp.postprocess import clean_code
from ensemble_lsp.postprocess.surroundings import Surroundings
from ensemble_lsp.syntax.indentation import indent_unit_near
from ensemble_lsp.types import Document, Position, Span, split_lines


def generated(text: str, selected: str, answer: str, language: str) -> str:
    """Return a document after an answer to a selection; of a cursor ``|`` without one."""
    at = text.index(selected)
    if selected == "|":
        text, selected = text.replace("|", "", 1), ""
    document = Document("file:///w/a", 1, language, tuple(split_lines(text)))
    places = [
        Position(text[:n].count("\n"), n - text.rfind("\n", 0, n) - 1)
        for n in (at, at + len(selected))
    ]
    unit = indent_unit_near(document, places[0].line)
    intent = generation_intent_near(document, Span(*places), unit=unit)
    assert intent is not None
    place = intent.span
    code = clean_code(
        answer,
        language=language,
        indent=intent.indent,
        instruction=intent.instruction,
        prefix=document.slice(Span(Position(max(0, place.start.line - 40), 0), place.start)),
        suffix=document.slice(Span(place.end, document.end)),
        unit=unit,
        around=Surroundings.of(document, place),
    )
    return document.replace(place, code).text
