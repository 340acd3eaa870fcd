"""Lists of names and counted nouns in sentences."""

from __future__ import annotations

import pytest

from ensemble_lsp.wording import join_names, plural


@pytest.mark.parametrize(
    ("names", "joined"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_names_are_joined_with_commas_and_one_conjunction(names: list[str], joined: str) -> None:
    assert join_names(names) == joined
    assert join_names(names, "or") == joined.replace(" and ", " or ")


def test_a_noun_agrees_with_its_count() -> None:
    assert plural(1, "case") == "1 case"
    assert plural(0, "case") == "0 cases"
    assert plural(1200, "reply", "replies") == "1,200 replies"
