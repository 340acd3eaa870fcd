from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble_lsp.consensus.prose import merge_prose
from ensemble_lsp.consensus.sentence_similarity import Corpus, relation, sentence_of
from ensemble_lsp.consensus.sentences import split_blocks, split_sentences
from ensemble_lsp.consensus.votes import Vote

BASE = """The function `parse` reads a config file, e.g. a TOML file. It returns `None` for a missing file.

- Opens the file.
- Reads it with `tomllib`.

```python
parse("a.toml")
```"""


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It reads files, e.g. TOML ones. It writes too.", 2),
        ("It calls `a.b(). Then()` once. Done!", 2),
        ("See Dr. Knuth's book, vol. 3, for details.", 1),
        ("Version 3.12 is needed. So is pip 24.0.", 2),
        ("It takes a list, a dict, etc. The rest is ignored.", 2),
        ("Why? Because it can. (See below.) Fine.", 4),
        ("Reads config.toml and setup.cfg files.", 1),
        ("It uses i.e. nothing. [A link. Really](http://a.b/c. D) follows.", 2),
        ("", 0),
    ],
)
def test_sentences_end_where_they_end(text: str, count: int) -> None:
    found = split_sentences(text)
    assert len(found) == count
    assert " ".join(found) == text


def test_blocks_keep_fences_lists_headings_and_tables_whole() -> None:
    text = "# Title\n\nSome text\nthat goes on.\n\n- one\n  more\n- two\n\n| a | b |\n|---|---|\n\n~~~\nx. Y\n~~~"
    kinds = [b.kind for b in split_blocks(text)]
    assert kinds == ["heading", "paragraph", "item", "item", "whole", "fence"]
    assert split_blocks(text)[-1].raw == "~~~\nx. Y\n~~~"
    assert split_blocks("```\nnever closed")[0].kind == "fence"


def test_a_single_answer_stays_as_it_is() -> None:
    merged = merge_prose([Vote("a", f"\n{BASE}\n"), Vote("b", "  ")])
    assert (merged.markdown, merged.models) == (BASE, ("a",))


def test_equal_answers_become_one_without_marks() -> None:
    merged = merge_prose([Vote("a", BASE, 0.6), Vote("b", BASE, 0.5)])
    assert merged.markdown == BASE
    assert merged.models == ("a", "b")
    assert merged.agreement == 1


def test_near_duplicates_are_dropped_and_what_is_new_stands_after_its_neighbour() -> None:
    other = (
        "The `parse` function reads a configuration file, e.g. a TOML file. It caches what it read. "
        "It returns `None` for a file that is missing."
    )
    merged = merge_prose([Vote("a", BASE, 0.6), Vote("b", other, 0.5)])
    first = merged.markdown.split("\n")[0]
    assert first == (
        "The function `parse` reads a config file, e.g. a TOML file. "
        "It caches what it read. *(only b)* It returns `None` for a missing file."
    )
    assert merged.markdown.count("reads a config") == 1
    assert "```python" in merged.markdown
    assert "- Opens the file. *(only a)*" in merged.markdown
    assert 0 < merged.agreement < 1


def test_what_has_no_neighbour_stands_at_the_end() -> None:
    merged = merge_prose(
        [
            Vote("a", "It sorts the list in place.", 0.6),
            Vote("b", "Thread safety is not given."),
        ]
    )
    assert merged.markdown == (
        "It sorts the list in place. *(only a)*\n\nAlso:\n\n- Thread safety is not given. *(only b)*"
    )


def test_what_two_others_say_is_marked_with_neither() -> None:
    extra = "Thread safety is not guaranteed here."
    merged = merge_prose(
        [Vote("a", "It sorts.", 0.6), Vote("b", extra, 0.5), Vote("c", extra, 0.4)]
    )
    assert f"- {extra}" in merged.markdown
    assert f"{extra} *(only" not in merged.markdown


def test_contradictions_stand_side_by_side() -> None:
    merged = merge_prose(
        [
            Vote("a", "It retries 3 times. It is safe for threads.", 0.6),
            Vote("b", "It retries 5 times before giving up. It is not safe for threads.", 0.5),
        ]
    )
    assert merged.markdown == (
        "It retries 3 times. **(disagreement — b: “It retries 5 times before giving up.”)** "
        "It is safe for threads. **(disagreement — b: “It is not safe for threads.”)**"
    )


def test_what_contradicts_an_item_that_another_added_stands_beside_it() -> None:
    first = "- The list is sorted in place."
    added = "- It retries {} times before giving up."
    merged = merge_prose(
        [
            Vote("a", f"{first}\n- The cache is cleared.", 0.6),
            Vote("b", f"{first}\n{added.format(3)}", 0.5),
            Vote("c", f"{first}\n{added.format(5)}", 0.4),
        ]
    )
    [line] = [line for line in merged.markdown.splitlines() if "retries 3" in line]
    assert line.startswith("- It retries 3 times before giving up.")
    assert line.endswith("**(disagreement — c: “It retries 5 times before giving up.”)**")


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("It returns a list of names.", "Returns a list of the names.", "same"),
        ("It returns `None`.", "It returns `False`.", "contradicts"),
        ("The list is sorted in ascending order.", "The list is sorted in descending order.", "contradicts"),
        ("The file is closed.", "The file isn't closed.", "contradicts"),
        ("The cache is cleared.", "An error is logged to the console.", "other"),
        ("It takes 2 arguments.", "It takes 2 arguments, a path and a mode.", "other"),
        ("It returns `None` if missing.", "It returns `None` when missing.", "same"),
    ],
)  # fmt: skip
def test_two_sentences_say_the_same_contradict_or_neither(one: str, other: str, how: str) -> None:
    assert relation(one, other) == how
    assert relation(other, one) == how


def test_a_code_block_of_another_model_is_kept_once() -> None:
    code = "```python\nprint(total([1, 2, 3]))\n```"
    merged = merge_prose(
        [
            Vote("a", "It sums.", 0.6),
            Vote("b", f"It sums.\n\n{code}", 0.5),
            Vote("c", f"It sums.\n\n{code}", 0.4),
        ]
    )
    assert merged.markdown.count("print(total") == 1
    assert "only" not in merged.markdown


def test_what_leads_to_a_code_block_stays_with_it_and_courtesies_go() -> None:
    code = "```python\nprint(total([1, 2, 3]))\n```"
    merged = merge_prose(
        [
            Vote("a", "It sums the numbers. It returns an integer.", 0.6),
            Vote("b", f"Certainly! It sums the numbers. A caller could print it:\n\n{code}", 0.5),
        ]
    )
    assert merged.markdown == (
        "It sums the numbers. It returns an integer. *(only a)*\n\n"
        f"A caller could print it: *(only b)*\n\n{code}"
    )


def test_an_item_added_to_a_list_is_an_item() -> None:
    merged = merge_prose(
        [
            Vote("a", "Steps:\n1. Opens the file.\n2. Parses the text.", 0.6),
            Vote("b", "1. Opens the file.\n2. Checks the header bytes.\n3. Parses the text."),
        ]
    )
    assert (
        "1. Opens the file.\n1. Checks the header bytes. *(only b)*\n2. Parses" in merged.markdown
    )


def test_no_answer_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        merge_prose([])


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_texts_can_be_merged(one: str, other: str) -> None:
    merge_prose([Vote("a", one, 0.6), Vote("b", other, 0.5)])


def test_two_ways_to_lead_to_what_follows_say_the_same() -> None:
    one = "Here's a step-by-step guide to create a media entity in Drupal:"
    other = "To create a media entity in Drupal, you can follow these steps:"
    assert relation(one, other) == "same"
    assert (
        relation(one, other.replace("create a media entity", "delete a user's account")) == "other"
    )
    assert relation(one.rstrip(":") + ".", "You create a Drupal site first.") == "other"


def related(ones: list[str], others: list[str]) -> list[list[str]]:
    mine, theirs = [[sentence_of(s) for s in found] for found in (ones, others)]
    return [[r for r, _ in row] for row in Corpus([*mine, *theirs]).relations(mine, theirs)]


def test_endings_and_order_part_no_sentences_that_say_the_same() -> None:
    one = "The parser validates every incoming configuration before it is cached."
    other = "Before caching, incoming configurations are validated by the parser."
    assert relation(one, other) == "same"


def test_each_of_two_like_sentences_is_the_same_as_its_own_counterpart_alone() -> None:
    one = "The worker reads the queue and writes each finished job to the ledger."
    two = "The worker reads the queue and writes each failed job to a log."
    assert related([one], [two.replace("failed", "finished")]) == [["same"]]
    others = [one.replace("each", "every"), two.replace("each", "every")]
    assert related([one, two], others) == [["same", "other"], ["other", "same"]]


def test_a_word_that_all_sentences_have_says_little() -> None:
    """Among sentences that are all about one thing, its name makes no two of them alike."""
    about = [f"The worker queue of the scheduler {verb} the {noun}." for verb, noun in (
        ("drops", "ticket"), ("sorts", "backlog"), ("locks", "cursor"), ("wakes", "reader"),
        ("skips", "header"), ("marks", "leader"), ("trims", "buffer"), ("hides", "banner"),
    )]  # fmt: skip
    found = related(about[:4], about[4:])
    assert all(r == "other" for row in found for r in row)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Use getBox() to find the frame of the shape.", "Use `getFrame` to find the frame of the shape."),
        ("The example trains a ResNet50 model on the images.", "The example trains a VGG16 model on the images."),
        ("Set max_size before the cache is opened.", "Set min_age before the cache is opened."),
    ],
)  # fmt: skip
def test_names_that_are_not_marked_as_code_contradict_too(one: str, other: str) -> None:
    assert relation(one, other) == "contradicts"
