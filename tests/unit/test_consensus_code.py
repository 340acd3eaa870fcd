from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble_lsp.consensus.agreement import AgreementFeatures, CalibrationTable
from ensemble_lsp.consensus.calibration import CODE_TABLE
from ensemble_lsp.consensus.canonical_form import canonical
from ensemble_lsp.consensus.code import consensus_of_code, consensus_of_completion
from ensemble_lsp.consensus.member_selection import family, select_members
from ensemble_lsp.consensus.votes import Vote, vote_weight
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.numeric import logit
from ensemble_lsp.sandbox.check_results import CheckResults
from ensemble_lsp.selection.choice import Choice, Ranked

SUM = "def total(items):\n    '''Sum.'''\n    out = 0  # start\n    for x in items:\n        out += x\n    return out\n"
SUM_TOO = "def total(items):\n  acc = 0\n  for each in items:\n    acc += each\n\n  return acc"
BUILTIN = "def total(items):\n    return sum(items)\n"
WRONG = "def total(items):\n    return len(items)\n"
BROKEN = "def total(items:\n    return"


def same(a: str, b: str, language: str = "python") -> bool:
    one = canonical(a, language)
    return one is not None and one == canonical(b, language)


def test_python_is_equal_but_for_comments_docstrings_layout_and_local_names() -> None:
    assert same(SUM, SUM_TOO)
    assert not same(SUM, BUILTIN)
    assert same("x = 'a'", 'x = ("a")')


def test_python_is_not_equal_where_names_can_be_seen_from_outside() -> None:
    assert not same("def f(a):\n    return a\n", "def f(b):\n    return b\n")
    assert not same("def f():\n    return x\n", "def f():\n    return y\n")
    assert not same("total = 1\n", "amount = 1\n")
    assert not same("def f():\n    global n\n    n = 1\n", "def f():\n    global m\n    m = 1\n")
    assert not same("def f(o):\n    o.a = 1\n", "def f(o):\n    o.b = 1\n")


def test_swapped_locals_are_not_mistaken_for_equal() -> None:
    one = "def f():\n    a = 1\n    b = 2\n    return a - b\n"
    other = "def f():\n    a = 1\n    b = 2\n    return b - a\n"
    assert not same(one, other)


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("python", '"""Return the sum."""', '"""Add two numbers."""'),
        ("python", '    """Return the sum.\n\n    Of all.\n    """', '    """Add."""'),
        ("python", "# the sum of all", "# adds two numbers"),
        ("python", "# the sum\n'a'", "# the sum\n'b'"),
        ("javascript", "/** Returns the sum. */", "/** Adds two numbers. */"),
    ],
)
def test_answers_that_are_only_documentation_are_compared_by_it(
    language: str, one: str, other: str
) -> None:
    assert not same(one, other, language)
    assert same(one, one + "\n", language)
    votes = [Vote("a", one), Vote("b", other), Vote("c", one)]
    assert consensus_of_code(votes, language).models == ("a", "c")


def test_inner_functions_lambdas_and_handlers_are_renamed_too() -> None:
    one = "def f(k):\n    def g(x):\n        y = x\n        return y\n    return sorted(k, key=lambda p: g(p))\n"
    other = "def f(k):\n    def h(x):\n        z = x\n        return z\n    return sorted(k, key=lambda q: h(q))\n"
    assert same(one, other)
    assert same(
        "def f():\n    try:\n        g()\n    except OSError as e:\n        log(e)\n",
        "def f():\n    try:\n        g()\n    except OSError as err:\n        log(err)\n",
    )


@pytest.mark.parametrize(
    "text",
    [
        "    return x + 1\n",
        "if x:\n        return 1\n    return 2\n",
        "    def method(self):\n        return 1\n",
        "await go()\n",
    ],
)
def test_a_fragment_of_python_parses_too(text: str) -> None:
    assert canonical(text, "python") is not None


@pytest.mark.parametrize(
    ("language", "one", "other", "third"),
    [
        ("javascript", "function f(a){return a+1} // c", "function f(a) {\n return a + 1\n}",
         "function f(a){return a-1}"),
        ("typescript", "const f=(a:number)=>a", "const f = (a: number) => a // same",
         "const f = (b: number) => a"),
        ("go", "package p\nfunc f() int { return 1 }", "package p\n\n// f\nfunc f() int {\n\treturn 1\n}",
         "package p\nfunc f() int { return 2 }"),
        ("rust", "fn f()->i32{1}", "fn f() -> i32 {\n    1 // one\n}", "fn f() -> i32 { 2 }"),
        ("java", "class A{int f(){return 1;}}", "class A {\n  /* f */ int f() { return 1; }\n}",
         "class A { int f() { return 2; } }"),
        ("c", "int f(void){return 1;}", "int f(void)\n{\n  return 1;\n}", "int f(void){return 2;}"),
        ("shellscript", "echo 'a  b'  # c", "echo 'a  b'", "echo 'a b'"),
    ],
)  # fmt: skip
def test_other_languages_are_equal_but_for_comments_and_white_space(
    language: str, one: str, other: str, third: str
) -> None:
    assert same(one, other, language)
    assert not same(one, third, language)


def test_what_does_not_parse_has_no_form_and_what_nobody_parses_always_has_one() -> None:
    assert canonical(BROKEN, "python") is None
    assert canonical("func {", "go") is None
    assert canonical("a  \n\n  b", "brainfuck") == "a\n  b"


@given(st.text(max_size=60), st.sampled_from(["python", "javascript", "text"]))
def test_any_text_has_a_form_or_none(text: str, language: str) -> None:
    canonical(text, language)


def test_two_that_agree_win_over_one_of_a_like_record() -> None:
    verdict = consensus_of_code(
        [Vote("a", SUM, 0.5), Vote("b", BUILTIN, 0.55), Vote("c", SUM_TOO, 0.52)], "python"
    )
    assert verdict.models == ("c", "a")
    assert verdict.text == SUM_TOO, "the best model's own text"
    assert [g.models for g in verdict.groups] == [("c", "a"), ("b",)]
    assert verdict.why == "c and a gave the same answer (2 of 3)."


def test_a_much_better_model_wins_over_two_weak_ones_that_agree() -> None:
    answers = [Vote("a", WRONG, 0.1), Vote("b", WRONG, 0.1), Vote("c", BUILTIN, 0.9)]
    assert consensus_of_code(answers, "python").models == ("c",)
    assert consensus_of_code(answers, "python", "seed").text == WRONG


def test_where_none_agree_the_best_record_wins() -> None:
    answers = [Vote("a", SUM, 0.4), Vote("b", BUILTIN, 0.7), Vote("c", WRONG, 0.5)]
    verdict = consensus_of_code(answers, "python")
    assert (verdict.models, verdict.rule_used) == (("b",), "weighted")


def test_where_nothing_is_known_and_none_agree_the_most_alike_wins() -> None:
    near = "def total(items):\n    return sum(items, 0)\n"
    answers = [Vote("a", "print('hello')\n"), Vote("b", BUILTIN), Vote("c", near)]
    verdict = consensus_of_code(answers, "python")
    assert verdict.rule_used == "similarity"
    assert verdict.models[0] in ("b", "c")


def test_what_does_not_parse_counts_only_where_nothing_does() -> None:
    broken = Vote("a", BROKEN, 0.9), Vote("b", BROKEN, 0.9)
    verdict = consensus_of_code([*broken, Vote("c", BUILTIN, 0.2)], "python")
    assert verdict.models == ("c",)
    assert len(verdict.groups) == 3
    assert consensus_of_code(broken, "python").models == ("a", "b")


def test_a_model_votes_once_however_often_it_answers() -> None:
    answers = [*[Vote("a", WRONG, 0.5)] * 3, Vote("b", SUM, 0.5), Vote("c", SUM, 0.5)]
    verdict = consensus_of_code(answers, "python")
    assert set(verdict.models) == {"b", "c"}


def test_the_seeds_rule_is_a_majority_of_equal_texts_else_the_highest_mean_similarity() -> None:
    majority = [Vote("a", SUM, 0.1), Vote("b", SUM_TOO, 0.1), Vote("c", WRONG, 0.9)]
    verdict = consensus_of_code(majority, "python", "seed")
    assert (set(verdict.models), verdict.rule_used) == ({"a", "b"}, "majority")
    none = [Vote("a", "x = 1"), Vote("b", BUILTIN), Vote("c", WRONG), Vote("d", "y()")]
    assert consensus_of_code(none, "python", "seed").text in (BUILTIN, WRONG)


def test_agreement_rises_with_those_who_agree_and_falls_with_those_who_do_not() -> None:
    def agreement(*texts: str) -> float:
        answers = [Vote(n, t, 0.5) for n, t in zip("abc", texts, strict=False)]
        return consensus_of_code(answers, "python").agreement

    assert 0 < agreement(SUM, BUILTIN, WRONG) < agreement(SUM, SUM, WRONG)
    assert agreement(SUM, SUM, WRONG) < agreement(SUM, SUM, SUM) < 1
    alone = [consensus_of_code([Vote("a", SUM, w)], "python").agreement for w in (0.2, 0.8)]
    assert alone[0] < alone[1]


def test_every_group_has_its_own_agreement() -> None:
    answers = [Vote("a", SUM, 0.6), Vote("b", SUM_TOO, 0.5), Vote("c", WRONG, 0.4)]
    verdict = consensus_of_code(answers, "python")
    agreements = [g.agreement for g in verdict.groups]
    assert agreements[0] == verdict.agreement
    assert agreements[1] is not None and agreements[1] < verdict.agreement / 2
    # The chosen group's agreement does not depend on the others' order.
    turned = consensus_of_code(answers[::-1], "python")
    assert [g.agreement for g in turned.groups] == agreements


def test_no_answer_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        consensus_of_code([], "python")
    with pytest.raises(ValueError, match="at least one"):
        consensus_of_completion([])


def test_a_completion_two_agree_on_wins_over_the_best() -> None:
    verdict = consensus_of_completion(
        [
            Vote("best", "foo(a)", 0.4),
            Vote("b", "foo(x,  y)", 0.3),
            Vote("c", "foo(x, y)", 0.3),
        ]
    )
    assert set(verdict.models) == {"b", "c"}
    assert verdict.agreement > 0.4


def test_completions_that_part_offer_the_lines_they_share() -> None:
    verdict = consensus_of_completion(
        [
            Vote("a", "x = 1\ny = 2\n", 0.4),
            Vote("b", "x = 1\nz = 3\n", 0.3),
            Vote("c", "q", 0.35),
        ]
    )
    assert (verdict.text, verdict.rule_used) == ("x = 1", "prefix")
    assert set(verdict.models) == {"a", "b"}


def test_completions_that_share_nothing_fall_to_the_best() -> None:
    verdict = consensus_of_completion([Vote("a", "foo", 0.2), Vote("b", "bar", 0.4)])
    assert (verdict.text, verdict.models) == ("bar", ("b",))
    alone = consensus_of_completion([Vote("a", "foo", 0.2), Vote("b", "", 0.9)])
    assert alone.text == "foo", "an empty answer is no answer where another has one"


def choice(*rows: tuple[str, float, float]) -> Choice:
    ranked = tuple(Ranked(n, u, 0, 1, 1, cost, u, 0, "x") for n, u, cost in rows)
    return Choice(ranked, False)


def profiles(**models: str) -> list[Profile]:
    return [Profile(name, "openai", model) for name, model in models.items()]


def test_members_are_good_and_of_different_families() -> None:
    known = profiles(g1="gpt-4.1", g2="gpt-4o", g3="o3", c="claude-sonnet-4", m="codestral")
    ranked = choice(("g1", 0.6, 0), ("g2", 0.58, 0), ("g3", 0.57, 0), ("c", 0.55, 0), ("m", 0.3, 0))
    assert select_members(ranked, known, 3) == ["g1", "c", "g2"]
    assert select_members(ranked, known, 1) == ["g1"]
    assert len(select_members(ranked, known, 9)) == 5


def test_the_first_of_the_choice_is_a_member_even_where_it_explores() -> None:
    known = profiles(a="gpt-4o", b="claude-3-opus", c="qwen3")
    assert select_members(choice(("c", 0.2, 0), ("a", 0.6, 0), ("b", 0.5, 0)), known, 2) == [
        "c",
        "a",
    ]


def test_members_keep_within_the_cost() -> None:
    known = profiles(a="gpt-4o", b="claude-opus-4", c="qwen3")
    ranked = choice(("a", 0.6, 0.01), ("b", 0.5, 0.2), ("c", 0.3, 0.001))
    assert select_members(ranked, known, 3, max_cost=0.05) == ["a", "c"]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4.1-mini", "gpt"),
        ("o3-mini", "gpt"),
        ("anthropic/claude-3-5-haiku", "claude"),
        ("meta-llama/Llama-3.1-8B", "llama"),
        ("codestral-latest", "mistral"),
        ("starcoder2:3b", "starcoder"),
    ],
)
def test_a_family_is_told_from_the_id(model: str, name: str) -> None:
    assert family(model) == name


def tried(model: str, text: str, weight: float, *outputs: str, passed: int, promised: int) -> Vote:
    return Vote(model, text, weight, checks=CheckResults(passed, promised, outputs))


def test_who_keeps_the_examples_promises_stays_then_the_best_record_decides() -> None:
    answers = [
        tried("best", WRONG, 0.9, "2", passed=0, promised=1),
        tried("good", SUM, 0.6, "3", passed=1, promised=1),
        tried("weak", BUILTIN, 0.3, "3", passed=1, promised=1),
    ]
    verdict = consensus_of_code(answers, "python")
    assert (verdict.models, verdict.rule_used) == (("good",), "examples")
    assert "1 of 1 examples pass" in verdict.why
    assert [g.models for g in verdict.groups] == [("good",), ("weak",), ("best",)]


def test_where_all_fail_the_examples_sort_nobody_out() -> None:
    answers = [
        tried("best", WRONG, 0.9, "2", passed=0, promised=1),
        tried("weak", SUM, 0.3, "9", passed=0, promised=1),
    ]
    assert consensus_of_code(answers, "python").models == ("best",)


def test_with_inputs_alone_those_that_behave_alike_vote_together() -> None:
    answers = [
        tried("best", WRONG, 0.6, "2", passed=0, promised=0),
        tried("a", SUM, 0.5, "3", passed=0, promised=0),
        tried("b", BUILTIN, 0.45, "3", passed=0, promised=0),
    ]
    assert set(consensus_of_code(answers, "python").models) == {"a", "b"}


def test_failures_alone_are_no_behaviour() -> None:
    answers = [
        tried("best", WRONG, 0.8, "!NameError", passed=0, promised=0),
        tried("a", SUM, 0.3, "!NameError", passed=0, promised=0),
        tried("b", BUILTIN, 0.3, "!NameError", passed=0, promised=0),
    ]
    assert consensus_of_code(answers, "python").models == ("best",)


def test_the_better_model_has_the_greater_vote_however_weak_both_are() -> None:
    votes = [vote_weight(w) for w in (0.0, 0.05, 0.1, 0.2, 0.5, 0.9, 1.0)]
    assert votes == sorted(votes)
    assert 0 < votes[0] < votes[1] < votes[2]


def test_an_agreement_rises_with_the_evidence_and_with_the_record_of_the_best_model() -> None:
    alone = AgreementFeatures(
        best=-0.5, agreeing=0, differing=4, mean_similarity=0.3, pass_rate=None
    )
    agreed = replace(alone, agreeing=3, differing=1, mean_similarity=0.9)
    tested = replace(agreed, pass_rate=1.0, failing=1)
    found = [CODE_TABLE.probability(f) for f in (alone, agreed, tested)]
    assert 0 < found[0] < found[1] < found[2] < 1
    assert CODE_TABLE.probability(replace(tested, pass_rate=0.5)) < found[1]
    records = [CODE_TABLE.probability(replace(agreed, best=b)) for b in (-2.0, 0.0, 2.0)]
    assert records == sorted(records)


def test_no_more_is_claimed_than_was_seen_or_a_better_record_allows() -> None:
    sure = CalibrationTable((9.0, *(0.0,) * 6), low=0.02, high=0.83)
    features = AgreementFeatures(0.0, 7, 0, 1.0, 1.0)
    assert sure.probability(features) == 0.83
    assert sure.probability(replace(features, best=logit(0.9))) == pytest.approx(0.95)
    unsure = replace(sure, coefficients=(-9.0, *(0.0,) * 6))
    assert unsure.probability(features) == 0.02


def test_five_answers_of_200_lines_are_combined_quickly() -> None:
    """In little more than it takes to compile them: a clock's absolute time depends on the machine."""
    import time

    body = "".join(f"    v{n} = g(a, {n}) + {n} * [x for x in v if x]\n" for n in range(198))
    answers = [Vote(f"m{i}", f"def f(a):\n    c = {i}\n{body}", 0.5) for i in range(5)]
    consensus_of_code(answers, "python")
    combined: list[float] = []
    compiled: list[float] = []
    for _ in range(7):
        start = time.process_time()
        for answer in answers:
            compile(answer.text, "answer", "exec")
        middle = time.process_time()
        consensus_of_code(answers, "python")
        compiled.append(middle - start)
        combined.append(time.process_time() - middle)
    assert min(combined) < 4 * min(compiled)
