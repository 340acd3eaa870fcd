"""``recall``: its predictions, and the cases in which it stays silent."""

from __future__ import annotations

from typing import Any

import pytest

from ensemble_lsp.models.profiles import make_profile
from ensemble_lsp.models.stream_collector import gather
from ensemble_lsp.providers.recall.obvious import is_obvious
from ensemble_lsp.providers.recall.recall_model import RecallModel
from ensemble_lsp.providers.recall.token_index import RecallIndex
from ensemble_lsp.providers.recall.tokens import CUT, cut, words
from ensemble_lsp.settings import ModelSettings
from ensemble_lsp.types import Prompt
from tests.support.recall import BLOCK, SAMPLE, A, B, at_cursor, document, text_at


class TestTokens:
    def test_words_keep_every_character_that_is_no_white_space(self) -> None:
        line = "if x_1 >= 0x1F and naïve(日本, 'a b') != f\"{y}\":  # 😀"
        assert "".join(words(line)).replace(" ", "") == line.replace(" ", "")

    @pytest.mark.parametrize(
        ("typed", "whole", "half"),
        [
            ("self.na", "self.", "na"),
            ("x = fo", "x =", " fo"),
            ("x = ", "x =", " "),
            ("x =", "x", " ="),
            ("foo(", "foo(", ""),
            ("", "", ""),
        ],
    )
    def test_the_unfinished_token_is_cut_off(self, typed: str, whole: str, half: str) -> None:
        split = cut(typed)
        assert (split.whole, split.half) == (whole, half)

    def test_a_long_line_is_read_up_to_its_cap_and_marked(self) -> None:
        tokens = words("x, " * 100_000)
        assert len(tokens) < 500
        assert tokens[-1] == CUT


class TestRestOfLine:
    def test_the_longest_context_decides(self) -> None:
        source = "a.load(one)\nb.load(two)\na.load(one)\nb.load(two)\nprint()\na.load(|"
        assert text_at(source) == "one)"

    def test_spacing_is_copied_and_not_doubled(self) -> None:
        source = "value = compute(a, b)\nother()\nvalue = compute(a, b)\nother()\nvalue ={}|"
        assert text_at(source.format("")) == " compute(a, b)"
        assert text_at(source.format(" ")) == "compute(a, b)"

    def test_a_half_typed_word_begins_the_prediction(self) -> None:
        assert text_at(SAMPLE + "    che|") == "ck_shape(shape, strict=True)"

    def test_a_half_typed_operator_is_finished(self) -> None:
        assert text_at("if a >= b:\n    pass\nif a >= b:\n    pass\nx = 1\nif a >|") == "= b:"

    def test_nothing_that_contradicts_the_half_typed_word(self) -> None:
        assert not any(
            not ("zz" + p.text).startswith("zz") or p.text.startswith("check")
            for p in at_cursor(SAMPLE + "    zz|", limit=4)[1]
        )

    def test_more_sources_that_agree_are_counted_and_make_it_surer(self) -> None:
        one = at_cursor("connect(host, port)\nx\nconnect(|")[1][0]
        many = at_cursor("connect(host, port)\nx\n" * 5 + "connect(|")[1][0]
        assert many.text == one.text == "host, port)"
        assert many.sources > one.sources >= 1
        assert many.confidence > one.confidence

    def test_sources_that_disagree_make_it_less_sure(self) -> None:
        agreed = at_cursor("x = get(a)\n" * 4 + "y\nx = get(|")[1][0]
        split = at_cursor("x = get(a)\nx = get(b)\nx = get(c)\nx = get(d)\ny\nx = get(|")[1][0]
        assert split.confidence < agreed.confidence

    def test_other_files_of_the_language_predict_and_other_languages_do_not(self) -> None:
        index = RecallIndex()
        index.add_file(B, "python", "from very.special import Thing\n" * 3)
        assert text_at("from very.|", index=index) == "special import Thing"
        assert text_at("from very.|", index=index, language="markdown", uri="file:///r.md") == ""

    def test_the_line_being_typed_is_no_evidence_for_itself(self) -> None:
        index, found = at_cursor("alpha beta gamma delta|")
        assert found == []
        again = index.predict(
            uri=A,
            language="python",
            prefix="alpha beta gamma delta",
            suffix="",
            multiline=False,
            max_lines=1,
        )
        assert again == []

    def test_a_second_prediction_is_another_text(self) -> None:
        found = at_cursor("go(left)\ngo(right)\ngo(left)\ngo(right)\nx()\ngo(|", limit=3)[1]
        assert {"left)", "right)"} <= {p.text for p in found}
        assert len({p.text for p in found}) == len(found)

    def test_confidences_are_between_nought_and_one_and_fall(self) -> None:
        found = at_cursor(SAMPLE + "    return |", limit=5)[1]
        assert found
        assert all(0 <= p.confidence <= 1 for p in found)

    def test_it_works_without_the_document_being_open(self) -> None:
        index = RecallIndex()
        index.add_file(B, "python", SAMPLE)
        found = index.predict(
            uri="file:///elsewhere.py",
            language="python",
            prefix="def x(shape):\n    check_shape(",
            suffix="",
            multiline=False,
            max_lines=1,
        )
        assert found[0].text == "shape, strict=True)"


class TestSuffix:
    def test_it_stops_where_the_rest_of_the_line_begins(self) -> None:
        assert text_at("open(path, mode)\nx\nopen(path, mode)\nx\nopen(|)") == "path, mode"

    def test_inside_nested_brackets_the_right_one_is_met(self) -> None:
        source = "f(g(a), b)\nx\nf(g(a), b)\nx\nf(|)\n"
        assert text_at(source) == "g(a), b"

    def test_nothing_is_proposed_that_cannot_meet_the_suffix(self) -> None:
        assert text_at("open(path, mode)\nx\nopen(path, mode)\nx\nopen(| else 3") == ""

    def test_nothing_is_proposed_inside_a_word(self) -> None:
        assert text_at("print(value)\nx\nprint(value)\npri|nt(value)") == ""

    def test_what_stands_below_is_not_proposed_again(self) -> None:
        source = "begin()\nfinish(now)\n\nbegin()\nfinish(now)\n\nbegin()\n|\nfinish(now)\n"
        assert text_at(source) != "finish(now)"

    def test_a_block_stops_before_what_stands_below(self) -> None:
        body = "one(1)\ntwo(2)\nthree(3)\n"
        text = text_at(f"{body}\n" * 4 + "one(|\nthree(3)\n", multiline=True)
        assert "three" not in text
        assert text.startswith("1)")

    def test_indentation_below_decides_how_the_line_ends(self) -> None:
        source = "if ready(x):\n    go()\nok = ready(x)\n" * 3 + "z = 0\n"
        assert text_at(source + "if ready(|\n    other()\n") == "x):"


class TestBlocks:
    def test_a_repeated_block_is_predicted_whole(self) -> None:
        text = text_at(BLOCK * 4 + "def main():\n    par|", multiline=True)
        assert text == (
            "ser = make_parser()\n    options = parser.parse_args()\n    return run(options)"
        )

    def test_only_the_line_is_predicted_where_no_block_is_wanted(self) -> None:
        assert "\n" not in text_at(BLOCK * 4 + "def main():\n    par|", multiline=False)

    def test_a_block_is_no_longer_than_wanted(self) -> None:
        text = text_at(BLOCK * 4 + "def main():\n    par|", multiline=True, max_lines=2)
        assert text.count("\n") == 1

    def test_a_block_ends_at_the_dedent_below_its_start(self) -> None:
        source = "for x in y:\n    a(x)\n    b(x)\nend(y)\n" * 4 + "for x in y:\n    a|"
        assert text_at(source, multiline=True) == "(x)\n    b(x)"

    def test_an_empty_line_after_a_header_gets_its_body(self) -> None:
        source = 'x = 1\nif __name__ == "__main__":\n    sys.exit(main())\n\n' * 3
        assert text_at(source + 'y = 2\nif __name__ == "__main__":\n    |') == "sys.exit(main())"

    def test_missing_indentation_is_added(self) -> None:
        source = 'x = 1\nif __name__ == "__main__":\n    sys.exit(main())\n\n' * 3
        wanted = "    sys.exit(main())"
        assert text_at(source + 'y = 2\nif __name__ == "__main__":\n|') == wanted

    def test_blocks_take_the_indentation_of_their_place(self) -> None:
        text = text_at(BLOCK * 4 + "class A:\n    def main():\n        par|", multiline=True)
        lines = text.split("\n")
        assert lines[0] == "ser = make_parser()"
        assert all(line.startswith(" " * 8) for line in lines[1:])

    def test_tabs_stay_tabs(self) -> None:
        tabbed = BLOCK.replace("    ", "\t")
        text = text_at(tabbed * 4 + "def main():\n\tpar|", multiline=True)
        assert "\n\toptions = parser.parse_args()" in text


class TestHostileText:
    @pytest.mark.parametrize(
        "text",
        [
            "|",
            "\n|\n",
            "\r\n\r|",
            "   |",
            "\x00\x01\x02\ufffd\x00|\x00\x7f",
            "𝒳 = 'é😀'\n𝒳 = 'é😀'\n𝒳 = |",
            "\x0c\n\u2028a\n|",
            "x" * 200_000 + "|",
            "a, " * 100_000 + "|" + "b, " * 1000,
            "((((((((((|))))))))))",
        ],
    )
    def test_odd_text_is_no_trouble(self, text: str) -> None:
        index, found = at_cursor(text, multiline=True, limit=3)
        assert all(isinstance(p.text, str) for p in found)
        index.close(A)
        assert index.lines == 0

    def test_unicode_names_are_predicted(self) -> None:
        assert text_at("größe = messen(länge)\nx\ngröße = messen(länge)\nx\ngrö|") == (
            "ße = messen(länge)"
        )

    def test_a_line_cut_at_the_cap_is_never_proposed(self) -> None:
        long = "data = [" + "1, " * 1000 + "]\n"
        assert text_at(long * 3 + "data = |") == ""

    def test_crlf_files_predict_as_others(self) -> None:
        source = (SAMPLE + "    che|").replace("\n", "\r\n")
        assert text_at(source) == "ck_shape(shape, strict=True)"


SETTINGS = ModelSettings(name="recall", provider="recall")


def model(index: RecallIndex, **options: Any) -> RecallModel:
    return RecallModel(SETTINGS, make_profile(SETTINGS), index, **options)


def prompt(text: str, **options: Any) -> Prompt:
    prefix, suffix = text.split("|")
    given: dict[str, Any] = {"task": "complete", "language": "python", "path": "src/a.py"}
    return Prompt(**{**given, "prefix": prefix, "suffix": suffix, **options})


class TestModel:
    def test_the_profile_says_what_it_is(self) -> None:
        profile = make_profile(SETTINGS)
        assert (profile.provider, profile.tasks, profile.fim) == ("recall", ("complete",), "none")
        assert profile.local
        assert profile.free

    async def test_a_sure_prediction_is_one_chunk_with_its_confidence(self) -> None:
        text = "connect(host, port)\nx()\n" * 6 + "connect(|"
        index, _ = at_cursor(text)
        asked = prompt(text, multiline=False)
        chunks = [chunk async for chunk in model(index).stream(asked)]
        assert [(c.text, c.finish, c.model) for c in chunks] == [("host, port)", "stop", "recall")]
        assert chunks[0].confidence is not None
        assert chunks[0].confidence >= 0.35

    async def test_it_answers_nothing_when_it_is_not_sure(self) -> None:
        text = "\n".join(f"go(way_{i}, {i * 7})" for i in range(30)) + "\nx\ngo(|"
        index, found = at_cursor(text)
        assert found
        answer = await gather(model(index), prompt(text))
        assert answer.text == ""
        assert answer.confidence is not None
        assert answer.confidence < 0.35

    async def test_the_caller_may_set_how_sure_it_must_be(self) -> None:
        text = "\n".join(f"go(way_{i}, {i * 7})" for i in range(30)) + "\nx\ngo(|"
        index, _ = at_cursor(text)
        assert (await gather(model(index, threshold=0.0), prompt(text))).text

    async def test_nothing_known_is_an_empty_answer_that_costs_nothing(self) -> None:
        answer = await gather(model(RecallIndex()), prompt("anything|"))
        assert (answer.text, answer.finish, answer.cost, answer.confidence) == ("", "stop", 0, 0.0)

    async def test_it_only_completes(self) -> None:
        text = "connect(host, port)\nx()\n" * 6 + "connect(|"
        index, _ = at_cursor(text)
        assert (await gather(model(index), prompt(text, task="explain"))).text == ""


class TestObvious:
    @pytest.mark.parametrize(
        ("head", "text"),
        [
            ("    ", "return"),
            ("    ", "pass"),
            ("", "else:"),
            ("    ret", "urn"),  # the rest of a keyword
            ("f(a", ")"),
            ("def f(self", "):"),
            ("", "}"),
            ("x = ", "("),
            ("", "finally {"),
            ("    if x", " is not"),
        ],
    )
    def test_keywords_and_punctuation_are(self, head: str, text: str) -> None:
        assert is_obvious(head, text)

    @pytest.mark.parametrize(
        ("head", "text"),
        [
            ("    ", "return self.width"),
            ("    ret", "urn None"),
            ("    re", "sult"),
            ("f(", "a)"),
            ("x = ", "1"),
            ("x = ", '"ab"'),
            ("", "else:\n    value = 2"),
            ("", "名前"),
        ],
    )
    def test_whatever_has_another_word_is_not(self, head: str, text: str) -> None:
        assert not is_obvious(head, text)

    async def test_recall_does_not_answer_with_it(self) -> None:
        source = "def a():\n    value()\n    return\n\n" * 12
        index = RecallIndex()
        text = source + "def b():\n    value()\n    "
        index.open(document(text))
        while index.work():
            pass
        found = index.predict(
            uri=A, language="python", prefix=text, suffix="", multiline=False, max_lines=1
        )
        assert found[0].text == "return"
        answer = await gather(model(index, threshold=0.0), prompt(text + "|"))
        assert answer.text == ""
