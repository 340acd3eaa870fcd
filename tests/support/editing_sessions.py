"""Generated sessions of one developer, with the true outcome of each suggestion.

A session is one file that grows line by line. At each line a suggestion is offered, and the developer does one
of the things that people do: accepts it, takes words from the editor's own popup, types, pastes, undoes.
Edits are reported as they are made (``vscode``) or in their smallest form (``smallest``). Unlike the
sequences of ``edit_sequences``, all suggestions of a session go through one tracker.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

from .developer_session import Session
from .session_acts_accepted import (
    accept,
    accept_after_a_change_elsewhere,
    accept_after_a_slip,
    accept_after_another_file,
    accept_after_typing_along,
    accept_after_typing_without_offers,
    accept_and_format,
    accept_and_key_in_one_message,
    accept_of_a_block_end,
    accept_of_a_name_after_a_space,
    accept_of_an_identifier,
    accept_of_an_older_item,
    accept_over_a_bracket,
    accept_then_type_at_once,
    accept_typed_undone_and_redone,
    accept_undone_and_redone,
    accept_where_it_reappears,
    accept_with_import,
    accept_word_by_word,
)
from .session_acts_unaccepted import (
    accept_undone,
    call_brackets_typed,
    comment_continued,
    formatted_while_open,
    left,
    negation_left_out,
    opposite_pasted,
    other_pasted,
    other_typed,
    popup_ends_the_word,
    popup_takes_the_first_word,
    popup_then_typed,
    popup_with_prefix_then_away,
    return_between_brackets,
    several_cursors,
    snippet_of_the_editor,
    typed_along,
    typed_by_hand,
    undo_chain,
)

FORMS = ("vscode", "smallest")
Act = Callable[[Session], None]
MIX: tuple[tuple[int, Act], ...] = (
    (12, accept),
    (4, accept_then_type_at_once),
    (1, accept_and_key_in_one_message),
    (5, accept_after_typing_along),
    (4, accept_after_typing_without_offers),
    (2, accept_of_a_block_end),
    (1, accept_with_import),
    (2, accept_and_format),
    (1, accept_word_by_word),
    (1, accept_undone_and_redone),
    (1, accept_typed_undone_and_redone),
    (1, accept_of_an_older_item),
    (1, accept_after_another_file),
    (1, accept_where_it_reappears),
    (1, accept_after_a_slip),
    (1, accept_after_a_change_elsewhere),
    (2, accept_over_a_bracket),
    (1, accept_of_an_identifier),
    (1, accept_of_a_name_after_a_space),
    (5, popup_ends_the_word),
    (6, popup_takes_the_first_word),
    (3, popup_then_typed),
    (2, popup_with_prefix_then_away),
    (5, typed_by_hand),
    (5, typed_along),
    (1, opposite_pasted),
    (2, negation_left_out),
    (2, other_pasted),
    (10, other_typed),
    (6, left),
    (1, call_brackets_typed),
    (1, comment_continued),
    (2, return_between_brackets),
    (1, several_cursors),
    (1, formatted_while_open),
    (1, undo_chain),
    (1, accept_undone),
    (1, snippet_of_the_editor),
)


def session(seed: int, form: str, acts: int = 150) -> Iterator[tuple[str, str, str]]:
    """Play a session; yield the act, the true and the found outcome of each suggestion."""
    played = Session(random.Random(seed), form)
    weights = [weight for weight, _ in MIX]
    for act in played.rng.choices([act for _, act in MIX], weights, k=acts):
        played.act = act.__name__
        act(played)
        played.e.flush()
    played.tracker.closed(played.e.document)
    for id_, truth in played.truth.items():
        yield played.acts[id_], truth, played.outcomes.get(id_, "nothing")


def accepts(pairs: Sequence[tuple[str, str, str]]) -> tuple[int, float, float]:
    """Return the number of true accepts, and precision and recall of the found ones.

    A part counts as found: the developer of a session never accepts a part alone.
    """
    found = [truth == "accepted" for _, truth, got in pairs if got in ("accepted", "partial")]
    wanted = [got == "accepted" for _, truth, got in pairs if truth == "accepted"]
    return len(wanted), sum(found) / max(1, len(found)), sum(wanted) / max(1, len(wanted))
