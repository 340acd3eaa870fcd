"""Scores, summaries, pages and what is learned: figures that can be checked by hand."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from ensemble_lsp.errors import SettingsError
from ensemble_lsp.evaluation.case_selection import CaseSample
from ensemble_lsp.evaluation.cases import Case
from ensemble_lsp.evaluation.comparison import Comparison
from ensemble_lsp.evaluation.comparison_plan import ComparisonPlan
from ensemble_lsp.evaluation.measured_priors import measured_priors, reward_of
from ensemble_lsp.evaluation.reports import html_page
from ensemble_lsp.evaluation.reports.comparison_page import write_comparison
from ensemble_lsp.evaluation.results import Result
from ensemble_lsp.evaluation.scenario import scenario_of
from ensemble_lsp.evaluation.scoring import agreement, names_in, plain, score
from ensemble_lsp.evaluation.statistics import MAX_DRAWN, difference, mean, quantile
from ensemble_lsp.evaluation.summary import Summary, summarise
from ensemble_lsp.models.interface import Profile
from ensemble_lsp.selection import make_selector
from ensemble_lsp.selection import offline_priors as kept
from ensemble_lsp.selection.request_context import RequestContext
from ensemble_lsp.settings import SelectorSettings
from ensemble_lsp.types import Document, Position, Span, Task
from tests.unit.test_evaluation_cases import CODE, case_of

EVIL = (
    '</pre><script>alert(1)</script><img src=x onerror="alert(1)">{{ 7 * 7 }}\n```\n# not a heading'
)


def scenario(kind: str = "function") -> Any:
    document = Document.from_text("file:///x/a.py", 0, "python", CODE)
    return scenario_of(case_of(CODE, kind), document)


def test_the_truth_is_exact_however_its_first_line_is_indented() -> None:
    one = scenario()
    truth = one.case.reference
    assert score(one, truth, "    ") == {"exact": 1.0, "similarity": 1.0, "parses": 1.0}
    assert score(one, truth + "  \n\n", "    ")["exact"] == 1
    assert plain("    a\n    b") == plain("a\n    b", "    ") == "a\nb"


def test_a_near_miss_is_similar_and_what_breaks_the_file_does_not_parse() -> None:
    one = scenario()
    near = score(one, one.case.reference.replace("amount", "sum_"), "    ")
    assert near["exact"] == 0 and 0.7 < near["similarity"] < 1 and near["parses"] == 1
    broken = score(one, "for item in (", "    ")
    assert broken["parses"] == 0 and broken["similarity"] < 0.5
    assert score(one, "", "    ") == {"exact": 0.0, "similarity": 0.0}


def test_an_explanation_is_scored_by_the_names_it_mentions() -> None:
    one = scenario("explain")
    assert {"total", "items", "rate", "amount"} <= names_in(one.case.reference)
    full = score(one, "`total` adds the `items` up as `amount`; `item` … with `rate`.")["names"]
    assert full > score(one, "It adds things up.")["names"]
    alike = agreement(["adds the items up", "adds the items together", "quantum physics here"])
    assert alike[0] > alike[2]


def test_intervals_hold_the_mean_and_shrink_with_more_cases() -> None:
    few, many = mean([0.0, 1.0] * 5), mean([0.0, 1.0] * 200)
    assert few is not None and many is not None and few.low is not None and many.low is not None
    assert few.low < 0.5 < (few.high or 0)
    assert 0.43 < many.low < 0.47  # 0.5 − 1.96 × 0.5 / √400 = 0.451
    one = mean([0.3])
    assert one is not None and one.low is None
    assert mean([]) is None


def test_pairs_see_a_small_difference_that_hard_cases_would_hide() -> None:
    hard = {str(n): n / 40 for n in range(40)}
    better = {case: value + 0.02 + 0.01 * (int(case) % 2) for case, value in hard.items()}
    gap = difference(better, hard)
    assert gap is not None and gap.significant and gap.value == pytest.approx(0.025)
    noise = difference({c: v + (-1) ** int(c) * 0.1 for c, v in hard.items()}, hard)
    assert noise is not None and not noise.significant
    assert difference({"a": 1.0}, {"b": 1.0}) is None


def a_case(number: int, kind: str = "line", complexity: int = 1) -> Case:
    hole = Span(Position(number, 4), Position(number, 9))
    return Case(f"c{number}", kind, "complete", Path("/x/a.py"), "a.py", "python", hole, "truth",
                complexity)  # fmt: skip


def a_comparison(
    scores: dict[str, list[float]], *, cost: float = 0.0, text: str = "x"
) -> Comparison:
    count = len(next(iter(scores.values())))
    cases = {c.id: c for c in (a_case(n, complexity=1 + n % 12) for n in range(count))}
    results = [
        Result(case, model, f"openai/{model}", text,
               scores={"similarity": v, "exact": float(v == 1)}, first_ms=50, total_ms=100, cost=cost)
        for model, values in scores.items()
        for case, v in zip(cases, values, strict=True)
    ]  # fmt: skip
    task: Task = "complete"
    summary = summarise(task, cases, results, dict.fromkeys(scores, False))
    plan = ComparisonPlan(
        CaseSample([*cases.values()], folder=Path("/x/shop")), (), 0, {"gone": "no key"}
    )
    return Comparison(summary, plan, results, cases, {}, cost * len(results))


def test_the_advice_names_the_clearly_better_one() -> None:
    summary = a_comparison({"weak": [0.2] * 20, "strong": [0.8, 0.9] * 10}).summary
    assert summary.advice == (
        "Use strong: similarity 0.85, exact 0.00 over 20 cases, clearly better than weak."
    )
    assert [r.model for r in summary.rows] == ["strong", "weak"]
    assert summary.pairs[0].difference.significant


def with_costs(compared: Comparison, costs: dict[str, float]) -> Summary:
    """Summarise the comparison again with a price for each model's answers."""
    rows = [replace(r, cost=costs.get(r.model, 0.0)) for r in compared.results]
    return summarise("complete", compared.cases, rows, dict.fromkeys(costs, False))


def test_a_cheaper_one_is_advised_only_if_it_is_shown_to_be_near() -> None:
    near = a_comparison({"dear": [0.8, 0.9] * 20, "cheap": [0.79, 0.89] * 20})
    summary = with_costs(near, {"dear": 0.01, "cheap": 0.001})
    assert summary.advice.startswith("Use cheap: much cheaper than dear, and its similarity 0.84")
    assert summary.front == ["cheap", "dear"] and summary.front_by == "cost"
    # Shorter answers at the same price are no saving.
    assert "Use dear" in with_costs(near, {"dear": 0.0177, "cheap": 0.0173}).advice
    noisy = a_comparison({"dear": [0.9, 0.5] * 8, "cheap": [0.4, 0.85] * 8})
    advice = with_costs(noisy, {"dear": 0.01, "cheap": 0.001}).advice
    assert advice.startswith("16 cases do not show which is better, dear or cheap (dear similarity")


def test_too_few_cases_and_useless_models_give_no_advice() -> None:
    three = a_comparison({"mini": [1.0] * 3, "gpt": [1.0] * 3})
    assert three.summary.advice == "3 cases are too few to recommend a model; measure 10 or more."
    useless = a_comparison({"mini": [0.1, 0.2] * 10, "gpt": [0.2, 0.3] * 10})
    assert useless.summary.advice.startswith("No model is useful for these cases: the best, gpt,")
    same = a_comparison({"mini": [1.0, 0.6] * 10, "gpt": [1.0, 0.6] * 10}).summary.advice
    assert same == "Use mini or gpt: their answers are equally good over 20 cases."


@pytest.mark.parametrize(
    ("own", "sentence"),
    [
        ([0.1, 0.2], "mini, which runs on this machine, is not enough: similarity 0.15"),
        (
            [0.5, 0.6],
            "mini, which runs on this machine, is not enough: its similarity is lower by 0.",
        ),
        (
            [0.88, 0.94],
            "mini, which runs on this machine, is enough: it is shown to be within 0.1.",
        ),
        (
            [1.0, 0.6],
            "Whether mini, which runs on this machine, is enough these cases do not show.",
        ),
    ],
)
def test_the_advice_says_whether_the_model_on_this_machine_is_enough(
    own: list[float], sentence: str
) -> None:
    base = a_comparison({"gpt": [0.9, 0.95] * 6, "mini": own * 6})
    local = {"gpt": False, "mini": True}
    slow = [replace(r, total_ms=5000.0) if r.model == "mini" else r for r in base.results]
    assert sentence in summarise("complete", base.cases, slow, local).advice


def test_a_kind_of_case_with_another_best_model_is_named() -> None:
    cases = {c.id: c for c in (a_case(n, "line" if n < 60 else "function") for n in range(80))}
    results = [
        Result(case, model, model, "x", scores={"similarity": good if line else bad, "exact": 0.0})
        for model, good, bad in (("wide", 0.9, 0.5), ("deep", 0.4, 0.8))
        for case, line in ((c.id, c.kind == "line") for c in cases.values())
    ]
    advice = summarise("complete", cases, results, {"wide": False, "deep": False}).advice
    assert advice.startswith("Use wide: ")
    assert "For bodies of short functions deep is clearly better: similarity 0.80" in advice


def test_a_model_that_only_fails_is_a_row_with_its_errors() -> None:
    base = a_comparison({"good": [0.5] * 12})
    failed = [
        Result(c, "bad", "x/bad", error="bad is down.", error_kind="ServiceUnavailableError")
        for c in base.cases
    ]
    locals_ = {"good": False, "bad": False}
    summary = summarise("complete", base.cases, [*base.results, *failed], locals_)
    row = next(r for r in summary.rows if r.model == "bad")
    assert (row.failed, row.errors, row.message) == (
        12,
        {"ServiceUnavailableError": 12},
        "bad is down.",
    )
    assert summary.advice.startswith("Use good: similarity 0.50")
    assert "bad gave no answer that could be scored." in summary.advice


class Page(HTMLParser):
    """What a browser would load or run, and the tags there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.outside: list[str] = []
        self.styles: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset", "data", "action") or name.startswith("on"):
                self.outside.append(f"{tag} {name}={value}")
            if name == "style":
                self.styles.append(str(value))


@pytest.fixture
def written(tmp_path: Path) -> tuple[str, str, Any]:
    models = {"gpt <b>": [1.0, 0.2, 0.6] * 5, "small": [0.4, 0.5, 0.1] * 5}
    files = write_comparison(
        a_comparison(models, cost=0.002, text=EVIL), tmp_path, "ensemble-lsp compare"
    )
    assert files.html is not None
    data = json.loads(files.data.read_text())
    return files.html.read_text(), files.markdown.read_text(), data


def test_the_page_is_one_file_in_which_nothing_a_model_wrote_is_markup(
    written: tuple[str, str, Any],
) -> None:
    html, markdown, data = written
    parsed = Page(html)
    assert not parsed.outside and not parsed.styles
    assert not parsed.tags & {"script", "img", "link", "iframe", "b", "object"}
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html and "{{ 7 * 7 }}" in html
    assert "gpt &lt;b&gt;" in html
    assert "\n# not a heading" not in re.sub(r"(?s)(`{4,})\n.*?\n\1", "", markdown)
    assert data["models"][0]["model"] == "gpt <b>"


def test_the_page_allows_itself_only_its_own_style(written: tuple[str, str, Any]) -> None:
    import base64
    import hashlib

    html = written[0]
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert style is not None and policy is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].startswith(f"default-src 'none'; style-src 'sha256-{digest}'")
    assert "prefers-color-scheme: dark" in style[1] and "@media print" in style[1]


def test_the_page_shows_every_model_plots_and_the_front(written: tuple[str, str, Any]) -> None:
    html = written[0]
    assert html.count('<svg viewBox="0 0 640') == 4
    assert "US dollars per answer" in html
    assert "gone was not asked: no key" in html
    assert "<p>original</p>" in html


def test_without_jinja_the_rest_is_written_and_the_remedy_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    files = write_comparison(a_comparison({"m": [0.5] * 3}), tmp_path)
    assert files.html is None and "ensemble-lsp[report]" in files.html_error
    assert files.markdown.exists() and files.data.exists()


def test_numbers_are_told_as_people_read_them() -> None:
    assert [html_page.ms(v) for v in (None, 3.21, 250, 1840)] == ["–", "3.2 ms", "250 ms", "1.8 s"]
    told = [html_page.dollars(v) for v in (0, 3.456, 0.2, 0.0123, 0.000047)]
    assert told == ["$0", "$3.46", "$0.20", "$0.012", "$0.000047"]


def test_what_was_measured_becomes_a_prior_worth_a_handful_of_outcomes(tmp_path: Path) -> None:
    compared = a_comparison({"weak": [0.3] * 12, "strong": [1.0, 0.9] * 6})
    found = measured_priors(compared, now=time.time())
    assert {m.model: m.reward for m in found} == {"weak": 0.15, "strong": pytest.approx(0.57)}
    kept.save_priors(tmp_path, found)
    kept.save_priors(tmp_path, found[:1])
    loaded = kept.load_priors(tmp_path)
    assert {m.model for m in loaded} == {"weak", "strong"}

    profiles = [Profile(n, "openai", n) for n in ("weak", "strong")]
    ids = {p.name: f"openai/{p.model}" for p in profiles}
    place = RequestContext("complete")
    selector = make_selector(SelectorSettings())
    kept.apply_priors(selector, loaded, ids)

    def expected() -> dict[str, float]:
        ranked = selector.choose(place, profiles, budget_ms=2500).ranked
        return {r.model: r.expected for r in ranked}

    start = expected()
    assert start["strong"] - start["weak"] > 0.25
    for _ in range(40):
        selector.learn("weak", place, 0.9)
        selector.learn("strong", place, 0.1)
    assert expected()["weak"] > expected()["strong"] + 0.3


def test_a_name_that_stands_for_another_model_now_has_no_measure(tmp_path: Path) -> None:
    kept.save_priors(tmp_path, measured_priors(a_comparison({"m": [1.0] * 12})))
    fresh, taught = make_selector(SelectorSettings()), make_selector(SelectorSettings())
    kept.apply_priors(taught, kept.load_priors(tmp_path), {"m": "openai/another"})
    profile = [Profile("m", "openai", "another")]
    place = RequestContext("complete")
    assert (
        taught.choose(place, profile, budget_ms=9).ranked
        == fresh.choose(place, profile, budget_ms=9).ranked
    )
    (tmp_path / kept.FILE).write_text("{broken")
    assert kept.load_priors(tmp_path) == []


def test_too_few_cases_and_explanations_teach_nothing() -> None:
    with pytest.raises(SettingsError, match="--samples"):
        measured_priors(a_comparison({"m": [1.0] * 5}))
    assert reward_of([Result("c", "m", "x", scores={"tests": 1.0})]) == 0.75


def test_many_cases_give_the_interval_that_the_bootstrap_gives() -> None:
    values = [float(n % 7) for n in range(MAX_DRAWN + 1)]
    for drawn, approximated in (
        (mean(values[:-1]), mean(values)),
        (quantile(values[:-1], 0.9), quantile(values, 0.9)),
    ):
        assert drawn and approximated
        assert drawn.low == pytest.approx(approximated.low, abs=0.02)
        assert drawn.high == pytest.approx(approximated.high, abs=0.02)


EVIL_NAMES = (
    "![x](https://evil.example/p.png)",
    "[press](command:workbench.action.terminal.new)",
    "<img src=x onerror=alert(1)>",
    "a\n# heading\n\n```sh\nrm -rf /\n```",
    "`code` **bold** ~~x~~ | cell",
    "x\x1b[2J\u202ey",
)


def test_names_are_text_in_the_markdown_report(tmp_path: Path) -> None:
    """Editors show the report as a page, where an image would contact its server."""
    from markdown_it import MarkdownIt

    models = {name: [0.9 - at / 10, 0.2] * 10 for at, name in enumerate(EVIL_NAMES)}
    files = write_comparison(a_comparison(models, cost=0.002), tmp_path)
    text = files.markdown.read_text()
    assert "\x1b" not in text and "\u202e" not in text
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [child for token in tokens for child in token.children or []]
    kinds = {token.type for token in (*tokens, *inline)}
    assert not kinds & {"image", "link_open", "html_inline", "html_block"}
    titles = [tokens[at + 1].content for at, t in enumerate(tokens) if t.type == "heading_open"]
    assert "heading" not in titles
    assert not any(token.info == "sh" for token in tokens if token.type == "fence")


def test_escaped_text_is_displayed_as_it_is() -> None:
    from markdown_it import MarkdownIt

    from ensemble_lsp.evaluation.reports.html_page import code, escaped

    for name in EVIL_NAMES[:3] + EVIL_NAMES[4:5]:
        [_, line, _] = MarkdownIt("commonmark").parse(f"x {escaped(name)} x")
        shown = "".join(child.content for child in line.children or [])
        assert shown == f"x {name} x"
        [_, line, _] = MarkdownIt("commonmark").parse(f"x {code(name)} x")
        assert [c.content for c in line.children or [] if c.type == "code_inline"] == [name]
