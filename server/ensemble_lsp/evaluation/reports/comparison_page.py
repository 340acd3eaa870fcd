"""Write a comparison's report: ``report.html``, ``report.md`` and ``report.json``."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import SettingsError
from ...settings.regular_files import replace_file
from ...wording import plural
from ..cases import BANDS
from ..comparison import Comparison
from ..statistics import Estimate
from ..summary import KIND_NAMES, MEASURES, ModelSummary, Summary, price
from . import html_page
from .svg_plots import Format, Point, ScatterDot, Series, line_plot, scatter_plot

Measure = Callable[[ModelSummary], "Estimate | None"]
TITLES = {
    "complete": "Comparison: completing this code",
    "generate": "Comparison: generating this code",
    "explain": "Comparison: explaining this code",
    "edit": "Comparison: predicting the next edit",
}


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Paths of the report. ``html`` is None if the page could not be made, for the reason in ``html_error``."""

    markdown: Path
    html: Path | None
    data: Path
    html_error: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot with its caption."""

    caption: str
    svg: str


def write_comparison(comparison: Comparison, out: Path, command: str = "") -> ReportFiles:
    """Write the three files. Reads and writes the disk."""
    markdown, data, html = out / "report.md", out / "report.json", out / "report.html"
    facts, chosen = _facts(comparison, command), _chosen(comparison)
    replace_file(markdown, _markdown(comparison.summary, facts, chosen))
    values = {**comparison.summary.to_json(), "facts": facts, "spent": comparison.spent}
    replace_file(data, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
    try:
        text = html_page.render("comparison.html", _values(comparison, facts, chosen))
    except SettingsError as error:
        return ReportFiles(markdown, None, data, str(error))
    replace_file(html, text)
    return ReportFiles(markdown, html, data)


def _values(comparison: Comparison, facts: str, chosen: str) -> dict[str, Any]:
    summary = comparison.summary
    names = sorted(row.model for row in summary.rows)
    return {
        "title": TITLES[summary.task],
        "facts": facts,
        "chosen": chosen,
        "summary": summary,
        "measures": _measures(summary),
        "money": summary.front_by == "cost",
        "models": names,
        "figures": _figures(summary, names),
        "troubled": [r for r in summary.rows if r.failed or r.message],
        "unavailable": comparison.plan.unavailable,
        "bands": _bands(summary),
        "kind_names": KIND_NAMES,
    }


def _figures(summary: Summary, names: Sequence[str]) -> list[Figure]:
    main = summary.main
    colours = {name: number for number, name in enumerate(names)}

    def quality(row: ModelSummary) -> Estimate | None:
        return row.scores.get(main)

    def time_taken(row: ModelSummary) -> Estimate | None:
        return row.total_ms

    def money(row: ModelSummary) -> Estimate | None:
        return row.each

    def series(value: Measure) -> list[Series]:
        found: list[Series] = []
        for name in names:
            rows = [next(r for r in summary.by_band[b] if r.model == name) for b in BANDS]
            found.append(Series(name, colours[name], [_point(value(r)) for r in rows]))
        return found

    def over(caption: str, value: Measure, form: Format, **more: Any) -> Figure:
        return Figure(caption, line_plot(caption, BANDS, series(value), unit="", form=form, **more))

    figures = [
        over(f"{main}, 0 to 1", quality, _two, top=1.0),
        over("total time, median", time_taken, html_page.ms, log=True),
    ]
    if summary.front_by == "cost":
        figures.append(over("US dollars per answer", money, html_page.dollars))
    figures.append(_front(summary, colours))
    return figures


def _front(summary: Summary, colours: dict[str, int]) -> Figure:
    """Plot quality against dollars, or against time if no model costs money."""
    by, main = summary.front_by, summary.main
    dots = [
        ScatterDot(
            row.model,
            colours[row.model],
            price(row, by),
            _point(row.scores[main]) or Point(0),
            row.model in summary.front,
        )
        for row in summary.rows
        if main in row.scores
    ]
    money = by == "cost"
    paid = any(row.cost > 0 for row in summary.rows)
    why = "not every price is known" if paid else "no model costs money"
    what = "cost" if money else f"time ({why})"
    caption = f"{main} against {what}; filled and joined models are best: none beats them in both"
    unit = "US dollars per answer" if money else "total time, median"
    form = html_page.dollars if money else html_page.ms
    svg = scatter_plot(caption, dots, x_unit=unit, y_unit="", x_form=form, y_form=_two, top=1.0)
    return Figure(caption, svg)


def _point(value: Estimate | None) -> Point | None:
    return None if value is None else Point(value.value, value.low, value.high, value.n)


def _two(value: float) -> str:
    return f"{value:.2f}"


def _measures(summary: Summary) -> list[str]:
    return [m for m in MEASURES if any(m in r.scores for r in summary.rows)]


def _bands(summary: Summary) -> str:
    names = {
        "simple": "simple (1 to 5)",
        "moderate": "moderate (6 to 10)",
        "complex": "complex (from 11)",
    }
    return ", ".join(f"{names[b]}: {plural(n, 'case')}" for b, n in summary.bands.items())


def _facts(comparison: Comparison, command: str) -> str:
    sample, summary = comparison.plan.sample, comparison.summary
    when = time.strftime("%Y-%m-%d")
    facts = (
        f"{plural(summary.cases, 'case')} from "
        f"{plural(len({c.path for c in comparison.cases.values()}), 'file')} of "
        f"{sample.folder.name or sample.folder}, {plural(len(summary.rows), 'model')}, {when}; "
        f"{html_page.dollars(comparison.spent)} spent."
    )
    return f"{facts} Command: {command}" if command else facts


def _chosen(comparison: Comparison) -> str:
    sample, task = comparison.plan.sample, comparison.summary.task
    left = ", ".join(f"{n} {why}" for why, n in sample.left_out.most_common() if n)
    found = f"{sample.files} code files were found and {sample.read} of them read, with {sample.found} distinct places."
    if task == "edit":
        found = f"The git history of {sample.files} code files was read, the latest commits first: {sample.found} cases."
    selection = (
        f"{found} The cases alternate between kinds and complexities; at most a fifth come from one file, "
        "and duplicate code counts once."
    )
    return f"{selection} Excluded: {left}." if left else selection


def _markdown(summary: Summary, facts: str, chosen: str) -> str:
    measures = _measures(summary)
    parts = [f"# {TITLES[summary.task]}", html_page.escaped(facts)]
    parts += [f"**{html_page.escaped(summary.advice)}**", *summary.notes]
    parts += ["## The models", _scores(summary.rows, summary.main, measures)]
    parts += ["## Time and cost", _times(summary.rows)]
    if troubled := [r for r in summary.rows if r.failed or r.message]:
        rows = [
            [r.model, f"{r.failed} of {r.asked}", ", ".join(r.errors), r.message] for r in troubled
        ]
        parts += ["## Errors", html_page.table(["model", "failed", "errors", "message"], rows)]
    if summary.pairs:
        rows = [
            [f"{p.best} and {p.other}", html_page.score(p.difference), str(p.difference.n),
             "yes" if p.difference.significant else "no"]
            for p in summary.pairs
        ]  # fmt: skip
        columns = ["models", f"difference in {summary.main}", "common cases", "clear"]
        parts += ["## Differences between models", html_page.table(columns, rows)]
    parts += [f"## By complexity\n\n{_bands(summary)}"]
    for band, found in summary.by_band.items():
        if any(r.asked for r in found):
            parts += [f"### {band}", _scores(found, summary.main, measures)]
    parts.append("## By kind of case")
    for kind, found in summary.by_kind.items():
        parts += [f"### {KIND_NAMES[kind]}", _scores(found, summary.main, measures)]
    if summary.disagreements:
        parts.append("## Largest disagreements")
    for one in summary.disagreements:
        parts.append(
            f"### {html_page.code(f'{one.case.path}:{one.case.hole.start.line + 1}')}"
            f" ({KIND_NAMES[one.case.kind]})"
        )
        parts.append(html_page.fenced(one.before + one.case.reference, one.case.language))
        for model, text, value in one.answers:
            label = f" ({summary.main} {value:.2f})" if value is not None else ""
            parts.append(
                f"{html_page.escaped(model)}{label}:\n\n{html_page.fenced(text or '(no suggestion)')}"
            )
    parts += ["## Selection of the cases", html_page.escaped(chosen)]
    return "\n\n".join(parts) + "\n"


def _scores(rows: Sequence[ModelSummary], main: str, measures: Sequence[str]) -> str:
    """Return a table of the answers' quality, with the interval of the main measure alone.

    Editors show this page beside the code, so each table has to be narrow. The other intervals are on the
    HTML page.
    """
    cells = [
        [
            row.model,
            f"{row.answered} of {row.asked}",
            *(_score(row, m, whole=m == main) for m in measures),
        ]
        for row in rows
        if row.asked
    ]
    return html_page.table(["model", "answers", *measures], cells)


def _score(row: ModelSummary, measure: str, *, whole: bool) -> str:
    score = row.scores.get(measure)
    return html_page.score(score if whole or score is None else replace(score, low=None, high=None))


def _times(rows: Sequence[ModelSummary]) -> str:
    """Return a table of the models' times and costs."""
    cells = [
        [
            row.model,
            html_page.ms(row.first_ms.value if row.first_ms else None),
            html_page.ms(row.total_ms.value if row.total_ms else None),
            html_page.ms(row.total_p90),
            html_page.dollars(row.each.value * 1000 if row.each else None),
        ]
        for row in rows
        if row.asked
    ]
    columns = ["model", "first token", "total", "p90", "per 1,000 answers"]
    return html_page.table(columns, cells)
