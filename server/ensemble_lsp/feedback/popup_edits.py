"""Recognise the edits of an editor's own completion popup.

A popup replaces the word under the cursor by an identifier, often with brackets. Where a client sends edits as
they are made (VS Code), such an edit covers the typed part of the word. Where it sends only what differs
(Neovim), the edit looks like an accept of a suggestion that ends the word. An editor with an open popup gives
it the accept key, so there a lone identifier behind a typed part is read as the popup's; a real accept also
runs the accept command, which corrects this.
"""

from __future__ import annotations

import re

from ..types import Edit, Position, Span
from .matching import squeeze
from .range_tracking import DocumentChange, EditStep

_ITEM = re.compile(
    r"""[\w$@\#]+(?:-\w+)*[!?]?                    # an identifier, or a kebab-case name
    (?:\([)]?|<>|\[\]|:[ ]?;?|=(?:""|''|{})?|[ ])?  # the end of a call, a property or an attribute
    """,
    re.VERBOSE,
)
_NAME = re.compile(r"[\w$@#]+(?:-\w+)*[!?]?(?:\(\))?")
"""An item that is the whole offered text: other ends are rather the model's."""
_CALL = re.compile(r"\w+\((?:\w+(?:, )?)+\)")
"""An item that fills in the names of the arguments."""
_OPERATOR = re.compile(r"\?\.|\.|->|::")
"""An item may replace the operator before it, too."""
_OPENS_POPUP = frozenset(".:>/@<#")
"""Servers name these as trigger characters: members, paths, decorators, tags."""
_TYPED = re.compile(r"[\w$@#-]*")


def is_popup_edit(
    change: DocumentChange,
    inserted: Edit,
    *,
    whole: bool,
    again: bool = False,
) -> bool:
    """Return whether a popup probably made an edit that inserts (a part of) an offered text.

    ``whole``: the offered text is complete with it. ``again``: a popup is supposed to have made an edit
    before; two words that replace no typed part are rather the accepted next words.
    """
    step = _step_of(change, inserted)
    made = step.made
    if not change.coarse and not made.span.empty:
        replaced = step.before.slice(made.span)
        is_item = (
            _is_item(made.text) or _CALL.fullmatch(made.text) is not None
        ) and _TYPED.fullmatch(_OPERATOR.sub("", replaced, 1)) is not None
        if is_item or made != step.edit:
            return is_item
    before = _character_before(step, inserted)
    in_word = _is_word(before)
    if in_word and not whole and not change.exact and _CALL.fullmatch(inserted.text):
        return True
    if not _ITEM.fullmatch(inserted.text):
        return False
    if change.exact:
        return not (in_word or whole or again)
    if whole:
        return in_word and _NAME.fullmatch(inserted.text) is not None
    # Elsewhere than where a popup opens by itself, a lone word is rather "accept the next word", for which no
    # editor sends a command, unless the user takes more items than words.
    return in_word or before in _OPENS_POPUP or (change.takes_items and not again)


def is_in_word(change: DocumentChange, inserted: Edit) -> bool:
    """Return whether an edit continues a word."""
    return _is_word(_character_before(_step_of(change, inserted), inserted))


def restates_text(change: DocumentChange, inserted: Edit) -> bool:
    """Return whether an edit contains text that was there before, as those of keystrokes do not."""
    if change.coarse:
        return False
    step = _step_of(change, inserted)
    # An edit of several places in its smallest form (keys at several cursors) restates only what is between them.
    smallest = step.edit if step.made == step.edit else inserted
    return len(squeeze(step.made.text)) > len(squeeze(smallest.text))


def _character_before(step: EditStep, inserted: Edit) -> str:
    start = inserted.span.start
    return step.before.slice(Span(Position(start.line, 0), start))[-1:]


def _is_word(char: str) -> bool:
    return char.isalnum() or char in ("_", "$")


def _is_item(text: str) -> bool:
    operator = _OPERATOR.match(text)
    return _ITEM.fullmatch(text[operator.end() :] if operator else text) is not None


def _step_of(change: DocumentChange, inserted: Edit) -> EditStep:
    """Return the step that made an edit."""
    same = [step for step in change.steps if step.edit.text == inserted.text]
    return (same or list(change.steps))[-1]
