"""A changed line among others of its kind: the same change at them, after one example if it is of syntax."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Indel

from ...syntax.indentation import indent_of
from ...types import Position, Span
from ..edit import smallest_edit
from .line_template import LineTemplate, line_template, without_comma
from .line_tokens import LineToken, line_tokens, replaced_part
from .search import EditContext, Proposal, is_import_line
from .token_changes import LineChange, line_changes

_MAX_HUNKS = 8
_MAX_EXAMPLES = 8
_MAX_PLACES = 3
_TWICE = "two lines of the same shape were changed"
_ADJACENT = "a line of the same shape beside it was changed"
_SYNTAX = "the syntax of a line was changed"
_SIMILAR = 0.35
"""Less similar lines are not one line before and after a change."""
_MAX_GROWTH = 6
"""Tokens that a change may add; more are new code."""
_MIN_WORDS = 3
"""Words that lines must have in common for an attribute that was replaced in one."""
_REACH = 120
"""Lines on each side of a changed line that are looked at."""


@dataclass(frozen=True, slots=True)
class _Example:
    """A changed line of this document, and the same changes of other lines."""

    change: LineChange
    template: LineTemplate
    numbers: tuple[int, ...] = ()
    by_parts: bool = False
    """Whether another line shows that a part of a word is replaced, whatever the word is."""

    @property
    def count(self) -> int:
        return len(self.numbers)

    def repeats(self, other: _Example) -> bool:
        """Return whether the other line's change is the same as this one."""
        old, new = other.change.old, other.change.new.rstrip()
        if new == self.template.apply(old, by_parts=True):
            return True
        near = self.template.kind or self.template.replaces_call
        return bool(near) and new == self.template.apply_near(old)


def parallel_lines(context: EditContext) -> Iterator[Proposal]:
    """Yield the lines that the latest change of a line fits."""
    found = list(_examples(context))[:_MAX_EXAMPLES]
    if not found:
        return
    latest = [e for e in found if e.change.order == found[0].change.order]
    edited = {e.change.number for e in found}
    for one in latest:
        if context.late:
            return
        removed, inserted = _texts(one.template.removed), _texts(one.template.inserted)
        if any(
            (_texts(e.template.inserted), _texts(e.template.removed)) == (removed, inserted)
            for e in found
        ):
            continue
        same = [e for e in found if e is one or one.repeats(e)]
        numbers = tuple({e.change.number for e in same})
        if len(numbers) < 2 and _is_rename(context, one):
            continue
        by_parts = any(_texts(e.template.removed) != removed for e in same)
        yield from _places(context, _Example(one.change, one.template, numbers, by_parts), edited)


def _examples(context: EditContext) -> Iterator[_Example]:
    document = context.document
    for hunk in context.hunks[:_MAX_HUNKS]:
        if hunk.uri != document.uri:
            continue
        for change in line_changes(hunk):
            template = line_template(change.old, change.new)
            if Indel.normalized_similarity(change.old.strip(), change.new.strip()) < _SIMILAR:
                continue
            known = 0 <= change.number < len(document.lines)
            if template and known and document.line(change.number) == change.new:
                yield _Example(change, template)


def _is_rename(context: EditContext, example: _Example) -> bool:
    """Return whether all that changed is a name that is defined there."""
    template = example.template
    if (
        len(template.removed) != 1
        or len(template.inserted) != 1
        or template.removed[0].kind != "name"
    ):
        return False
    first = template.segments[0].first
    before = "".join(token.space + token.text for token in template.new[:first])
    column = len(before) + len(template.new[first].space)
    role = context.role(Position(example.change.number, column))
    return role in ("definition", "member")


def _places(context: EditContext, example: _Example, edited: set[int]) -> Iterator[Proposal]:
    document, number = context.document, example.change.number
    first, last = max(0, number - _REACH), min(len(document.lines), number + _REACH)
    found: dict[int, tuple[str, float, str]] = {}
    for line in range(first, last):
        if context.late:
            break
        old = document.line(line)
        if line in edited or not old.strip() or not _may_fit(example, old):
            continue
        if is_import_line(old) != is_import_line(example.change.old):
            continue
        made = _fitted(context, example, line, old)
        if made is not None and made[0] != old.rstrip():
            found[line] = made
    if any(min(example.numbers) < line < max(example.numbers) for line in found):
        return  # the user passed over one of them
    in_text = _in_text(context, number, example.change.new)
    for line in context.nearest(list(found))[:_MAX_PLACES]:
        new, confidence, rule = found[line]
        if _in_text(context, line, document.line(line)) != in_text:
            continue
        end = Position(line, len(document.line(line).rstrip()))
        edit = smallest_edit(document, Span(Position(line, 0), end), new)
        yield Proposal(edit.span, edit.text, "pattern", confidence, rule)


def _may_fit(example: _Example, line: str) -> bool:
    """Return whether a line has the first token that a change of whole tokens replaces."""
    removed = example.template.removed
    if not removed or removed[0].is_value or example.by_parts:
        return True
    return removed[0].text in line


def _fitted(
    context: EditContext, example: _Example, number: int, line: str
) -> tuple[str, float, str] | None:
    """Return what a line becomes, and how sure that is."""
    template, tokens = example.template, without_comma(line_tokens(line.rstrip()))
    in_string = not example.by_parts and _is_of_string(template)
    new = template.apply(line, by_parts=example.by_parts or in_string)
    if new is not None and indent_of(line) == indent_of(example.change.old):
        known = _common_words(template.old, tokens)
        if (
            example.count > 1 + (template.only_values and not example.by_parts)
            and not in_string
            and _is_structural(template, tokens, example.by_parts, again=True)
        ):
            return new, 0.85, _TWICE
        plain = context.role(Position(number, len(line) - 1)) is None
        if plain and _texts(template.old) == _texts(tokens):
            return new, 0.75, "an equal line was changed"
        known += _words(template.removed) == _words(template.inserted)  # only signs were changed
        adjacent = (known or in_string) and _adjacent(context, example, number)
        adjacent = adjacent and (in_string or not template.only_values)
        if (
            adjacent
            and _is_structural(template, tokens, in_string, again=False)
            and _may_import(template, line)
        ):
            return new, 0.8, _ADJACENT
    twice = example.count > 1 and template.replaces_call and len(template.removed) > 1
    if not (template.kind or twice) or is_import_line(line):
        return None
    new = new or template.apply_near(line)
    return None if new is None else (new, 0.75, _SYNTAX)


def _is_value_of_list(inserted: Sequence[LineToken]) -> bool:
    """Return whether a value without a key or a keyword was added to a list."""
    signs = {token.text for token in inserted if token.kind == "sign"}
    constant = all(token.is_constant for token in inserted if token.is_value)
    listed = "," in (inserted[0].text, inserted[-1].text)
    return listed and not constant and not signs & {"=", ":", "=>"}


def _may_import(template: LineTemplate, line: str) -> bool:
    """Return whether a change of an import brings no name that the import did not have."""
    known = {token.text for token in template.old}
    return not is_import_line(line) or all(
        token.kind in ("sign", "keyword") or token.text in known for token in template.inserted
    )


def _is_of_string(template: LineTemplate) -> bool:
    """Return whether all that changed is a part of one string."""
    removed, inserted = template.removed, template.inserted
    if not (len(removed) == len(inserted) == 1 and removed[0].kind == inserted[0].kind == "string"):
        return False
    begin, old, new, end = replaced_part(removed[0].text, inserted[0].text)
    return old.isalpha() and new.isalpha() and len(begin) > 1 and len(end) > 1


def _is_structural(
    template: LineTemplate, tokens: Sequence[LineToken], by_parts: bool, *, again: bool
) -> bool:
    """Return whether a change is of a line's structure, not of a value in it."""
    removed, inserted = template.removed, template.inserted
    if len(inserted) > len(removed) + _MAX_GROWTH:
        return False
    if not removed and not by_parts and _is_value_of_list(inserted):
        return False
    if not removed:
        calls = zip(template.callees, tokens, template.old, strict=True)
        return all(t.kind != "name" for t in inserted) or all(
            one.text == other.text for is_callee, one, other in calls if is_callee
        )
    if by_parts:
        return True
    texts = {token.text for token in (*tokens, *inserted)}
    if any(token.text not in texts for token in removed):
        return False
    single = len(removed) == len(inserted) == 1 and removed[0].kind == "name"
    if single and template.is_attribute and not again:
        return _common_words(template.old, tokens) >= _MIN_WORDS
    if single and template.is_attribute:
        return True
    if again and template.replaces_receiver:
        calls = zip(template.callees, tokens, template.old, strict=True)
        return all(one.text == other.text for is_callee, one, other in calls if is_callee)
    return (
        not single or removed[0].text[:1].isupper() or bool(template.kind) or template.renames_key
    )


def _common_words(one: Sequence[LineToken], other: Sequence[LineToken]) -> int:
    pairs = zip(one, other, strict=True)
    return sum(a.text == b.text and a.kind != "sign" and len(a.text) > 1 for a, b in pairs)


def _words(tokens: Sequence[LineToken]) -> list[str]:
    return sorted(token.text for token in tokens if token.kind != "sign")


def _texts(tokens: Sequence[LineToken]) -> list[str]:
    return [token.text for token in tokens]


def _adjacent(context: EditContext, example: _Example, number: int) -> bool:
    """Return whether all lines between two have the shape that the changed one had or has."""
    low, high = sorted((number, example.change.number))
    template = example.template
    between = (line_tokens(line.rstrip()) for line in context.document.lines[low + 1 : high])
    return all(template.is_like(line) or template.became_like(line) for line in between)


def _in_text(context: EditContext, number: int, line: str) -> bool:
    column = len(line) - len(line.lstrip())
    return context.role(Position(number, column)) in ("text", "comment")
