"""Reactions of a user to an offered text, by the outcome that a person would name."""

from __future__ import annotations

import re
from collections.abc import Callable

from ensemble_lsp.types import Edit, Position, Span, Suggestion

from .edit_samples import Sample
from .simulated_editor import Editor, type_exactly

Act = Callable[[Editor, Suggestion, Sample], Suggestion | None]


def half(text: str) -> int:
    """Return the offset of the second half of the words."""
    return len("".join(first_words(text)))


def first_words(text: str) -> list[str]:
    """Return half of the words, the first ones in one piece."""
    pieces = words(text)
    count = len(pieces) - len(by_word(text)) + 1
    first = "".join(pieces[:count])
    return [first, *pieces[count : max(count, len(pieces) // 2)]]


def by_word(text: str) -> list[str]:
    """Return the words, the first ones joined until they can be neither keys nor a popup's word."""
    first, *rest = words(text)
    while len(rest) > 1 and (len(first.replace(" ", "")) <= 3 or first.isidentifier()):
        first += rest.pop(0)
    return [first, *rest]


def own(sample: Sample) -> str:
    """Return the part of the offered text that is not typed yet."""
    return sample.offered[len(sample.typed) :]


def words(text: str) -> list[str]:
    """As an editor's "accept next word" takes them: a word with the space before it, or a mark."""
    return re.findall(r"\s*\w+|\s*[^\w\s]+|\s+$", text)


def accept(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1.5)
    e.accept(s)
    e.wait(3)


def accept_at_once(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(0.3)
    e.accept(s)
    e.wait(3)


def accept_and_type_on(e: Editor, s: Suggestion, _: Sample) -> None:
    accept(e, s, _)
    e.type(" + more")
    e.wait(40)


def accept_in_parts(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    e.accept_in_parts(s)
    e.wait(3)


def accept_with_an_import(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    text = s.text.replace("\n", e.eol)
    e.change(
        Edit(Span(s.span.start, e.cursor), text),
        Edit(Span(Position(0, 0), Position(0, 0)), "use this_too" + e.eol),
    )
    e.wait(3)


def accept_then_import(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    e.accept(s)
    e.elsewhere()
    e.wait(3)


def accept_then_format(e: Editor, s: Suggestion, _: Sample) -> None:
    accept(e, s, _)
    text = e.document.text.replace('"', "'").replace(", ", ",  ")
    if text != e.document.text:
        e.change(Edit(Span(Position(0, 0), e.document.end), text))
    e.wait(40)


def accept_after_some_keys(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(0.5)
    e.type(own(sample)[:2])
    e.wait(0.5)
    # The editor's own closing bracket, if one came, stays behind.
    e.replace(Span(s.span.start, e.cursor), s.text)
    e.wait(3)


def accept_by_command_first(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    e.tracker.accepted(s.id)
    e.accept(s)
    e.wait(3)


def accept_by_command_after(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    e.accept(s)
    e.tracker.accepted(s.id)
    e.wait(3)


def accept_word_by_word(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1)
    for word in by_word(own(sample)):
        e.insert(word)
        e.wait(0.5)
    e.wait(5)


def accept_undone_and_done_again(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    before, cursor = e.document, e.cursor
    e.accept(s)
    after, behind = e.document, e.cursor
    e.wait(2)
    e.restore(before, cursor)
    e.wait(1)
    e.restore(after, behind)
    e.wait(20)


def accept_undone_late(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    before, cursor = e.document, e.cursor
    e.accept(s)
    e.wait(20)
    e.restore(before, cursor)
    e.wait(20)


def part_then_other(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1)
    for word in first_words(own(sample)):
        e.insert(word)
        e.wait(0.4)
    e.type("zzz qqq")
    e.wait(5)


def part_then_away(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1)
    e.insert(own(sample)[: half(own(sample))])
    e.wait(1)
    e.elsewhere()
    e.wait(5)


def part_then_close(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1)
    e.insert(own(sample)[: half(own(sample))])
    e.wait(1)


def part_told(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1)
    e.insert(own(sample)[: half(own(sample))])
    e.tracker.partially_accepted(s.id, len(sample.typed) + half(own(sample)))
    e.tracker.ended(s.id, "ignored", 2000)
    e.wait(5)


def typed(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(0.4)
    type_exactly(e, own(sample))
    e.wait(5)


def typed_with_a_slip(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(0.4)
    text = own(sample)
    type_exactly(e, text[:3])
    e.type("q")
    e.wait(0.3)
    e.backspace()
    type_exactly(e, text[3:])
    e.wait(5)


def typed_and_gone_on(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(0.4)
    type_exactly(e, own(sample))
    e.type(" ?? 1")
    e.wait(5)


def typed_with_new_offers(e: Editor, s: Suggestion, sample: Sample) -> Suggestion:
    """The server offers what is left after each key, from its cache."""
    text = own(sample)
    last = s
    for index, char in enumerate(text):
        if char == "\n":
            break
        e.type(char)
        e.wait(0.1)
        rest = text[index + 1 :]
        if rest.strip():
            last = e.offer(rest)
    if "\n" in text:
        e.wait(0.2)
        type_exactly(e, text[text.index("\n") :])
    e.wait(5)
    return last


def written_over(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(2)
    e.type(sample.instead)
    e.wait(5)


def written_over_after_some(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1)
    e.type(own(sample)[:1])
    e.type("_zz = 17")
    e.wait(5)


def other_text_at_once(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(2)
    e.insert(sample.instead + " something pasted")
    e.wait(5)


def written_over_then_new_offer(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1.5)
    e.type("zq")
    e.offer("ueue()")
    e.wait(5)


def refused_by_key(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(2)
    e.tracker.ended(s.id, "rejected", 2000)
    e.wait(1)


def accept_undone(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    before, cursor = e.document, e.cursor
    e.accept(s)
    e.wait(3)
    e.restore(before, cursor)
    e.wait(200)


def accept_deleted_at_once(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(1)
    start = e.cursor
    e.accept(s)
    e.wait(4)
    if s.span.start < start:
        start = s.span.start
    e.change(Edit(Span(start, e.cursor), ""))
    e.wait(200)


def part_undone(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(1)
    before, cursor = e.document, e.cursor
    e.insert(own(sample)[: half(own(sample))])
    e.wait(1)
    e.restore(before, cursor)
    e.wait(1)
    e.elsewhere()
    e.wait(5)


def moved_away(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(2)
    e.elsewhere()
    e.wait(5)


def left_alone(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(3)


def word_before_deleted(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(2)
    e.backspace(2)
    e.wait(5)


def typed_over_at_a_glance(e: Editor, s: Suggestion, sample: Sample) -> None:
    e.wait(0.2)
    e.type(sample.instead, per_key=0.05)
    e.wait(5)


def new_offer(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(2)
    e.offer("quite_another(text)")
    e.wait(1)


def new_offer_soon(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(0.1)
    e.offer("quite_another(text)")
    e.wait(1)


def withdrawn(e: Editor, s: Suggestion, _: Sample) -> None:
    e.tracker.ended(s.id, "superseded", 0.0)


def replaced_while_typing_fast(e: Editor, s: Suggestion, _: Sample) -> None:
    e.wait(0.1)
    e.type("zq", per_key=0.08)
    e.offer("ueue()")
    e.wait(5)


SCENARIOS: tuple[tuple[str, Act], ...] = (
    ("accepted", accept),
    ("accepted", accept_at_once),
    ("accepted", accept_and_type_on),
    ("accepted", accept_in_parts),
    ("accepted", accept_with_an_import),
    ("accepted", accept_then_import),
    ("accepted", accept_then_format),
    ("accepted", accept_after_some_keys),
    ("accepted", accept_by_command_first),
    ("accepted", accept_by_command_after),
    ("accepted", accept_word_by_word),
    ("accepted", accept_undone_and_done_again),
    ("accepted", accept_undone_late),
    ("partial", part_then_other),
    ("partial", part_then_away),
    ("partial", part_then_close),
    ("partial", part_told),
    ("typed", typed),
    ("typed", typed_with_a_slip),
    ("typed", typed_and_gone_on),
    ("typed", typed_with_new_offers),
    ("rejected", written_over),
    ("rejected", written_over_after_some),
    ("rejected", other_text_at_once),
    ("rejected", written_over_then_new_offer),
    ("rejected", refused_by_key),
    ("rejected", accept_undone),
    ("rejected", accept_deleted_at_once),
    ("rejected", part_undone),
    ("ignored", moved_away),
    ("ignored", left_alone),
    ("ignored", word_before_deleted),
    ("ignored", typed_over_at_a_glance),
    ("superseded", new_offer),
    ("superseded", new_offer_soon),
    ("superseded", withdrawn),
    ("superseded", replaced_while_typing_fast),
)
