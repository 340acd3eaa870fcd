"""Write the history's report: ``report.html``, ``report.md`` and ``report.json``."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import SettingsError
from ...settings.regular_files import replace_file
from ...wording import plural
from ..finetune_ab import FinetuneComparison
from ..history_report import LATEST, HistorySummary, ModelHistory, OutcomeCounts
from . import html_page
from .comparison_page import Figure, ReportFiles
from .svg_plots import Point, Series, line_plot

TITLE = "Suggestions and outcomes"


def write_history(summary: HistorySummary, out: Path) -> ReportFiles:
    """Write the three files and create the folder; raise ``SettingsError`` if that fails."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        return _write(summary, out)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(
            f"{out} cannot be written ({reason}); choose another folder."
        ) from error


def _write(summary: HistorySummary, out: Path) -> ReportFiles:
    markdown, data, html = out / "report.md", out / "report.json", out / "report.html"
    facts, advice = _facts(summary), _advice(summary)
    replace_file(markdown, _markdown(summary, facts, advice))
    text = json.dumps(summary.to_json(), indent=2, ensure_ascii=False) + "\n"
    replace_file(data, text)
    models = sorted({row.model for row in summary.rows})
    values = {
        "title": TITLE,
        "facts": facts,
        "advice": advice,
        "summary": summary,
        "models": models,
        "figures": _figures(summary, models),
        "since": _since,
        "finetune_sentence": finetune_sentence,
    }
    try:
        text = html_page.render("history.html", values)
    except SettingsError as error:
        return ReportFiles(markdown, None, data, str(error))
    replace_file(html, text)
    return ReportFiles(markdown, html, data)


def _facts(summary: HistorySummary) -> str:
    about = f" for {summary.task}" if summary.task else ""
    if summary.first is None or summary.last is None:
        return f"The history has no suggestions{about}."
    start, end = _day(summary.first), _day(summary.last)
    spent = html_page.dollars(sum(r.stats.cost for r in summary.rows))
    return f"{plural(summary.suggestions, 'suggestion')}{about}, {start} to {end}; {spent} spent."


def _advice(summary: HistorySummary) -> str:
    """Return the most accepted model of each task, in one sentence."""
    parts: list[str] = []
    for task in dict.fromkeys(row.task for row in summary.rows):
        rows = [r for r in summary.rows if r.task == task and r.count.rate is not None]
        if not rows:
            continue
        best = max(rows, key=_rate)
        clear = all(_low(best) > _high(r) for r in rows if r is not best)
        rate = f"{100 * _rate(best):.0f} % of {best.count.judged}"
        lead = "" if len(rows) == 1 else ", a clear lead" if clear else ", no clear lead"
        parts.append(f"{task}: {best.model} is accepted most often ({rate}{lead})")
    return "; ".join(parts) + "." if parts else "No suggestion has been judged yet."


def _rate(row: ModelHistory) -> float:
    return row.count.rate.value if row.count.rate else 0.0


def _low(row: ModelHistory) -> float:
    return (row.count.rate.low if row.count.rate else None) or 0.0


def _high(row: ModelHistory) -> float:
    return (row.count.rate.high if row.count.rate else None) or 0.0


def _figures(summary: HistorySummary, models: Sequence[str]) -> list[Figure]:
    figures: list[Figure] = []
    for part, caption in (
        ("complexity", "acceptance rate by complexity of the code"),
        ("week", "acceptance rate by week (Monday)"),
    ):
        values = summary.breakdowns[part]
        series = [
            Series(name, number, [_point(values[v].get(name)) for v in values])
            for number, name in enumerate(models)
        ]
        if any(p for s in series for p in s.points):
            thin = max(1, len(values) // 6)
            svg = line_plot(
                caption, [*values], series, unit="", form=html_page.share, top=1.0, thin=thin
            )
            figures.append(Figure(caption, svg))
    return figures


def _point(count: OutcomeCounts | None) -> Point | None:
    rate = count.rate if count else None
    return Point(rate.value, rate.low, rate.high, rate.n) if rate else None


def _since(when: float | None) -> str:
    return "the start" if when is None else _day(when)


def _day(when: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(min(max(when, 0.0), LATEST)))


def _markdown(summary: HistorySummary, facts: str, advice: str) -> str:
    parts = [f"# {TITLE}", facts, f"**{html_page.escaped(advice)}**"]
    # Narrow tables, one for each task, because editors show this page beside the code.
    for task in dict.fromkeys(row.task for row in summary.rows):
        rows = [_acceptance_cells(row) for row in summary.rows if row.task == task]
        columns = ["model", "accepted", "judged", "survival"]
        parts += [f"## Models: {task}", html_page.table(columns, rows)]
    if summary.rows:
        columns = ["model", "task", "first token", "total", "p95", "failed calls"]
        parts += ["## Time", html_page.table(columns, [_time_cells(row) for row in summary.rows])]
        columns = ["model", "task", "cost", "per 1,000 accepted characters"]
        parts += ["## Cost", html_page.table(columns, [_cost_cells(row) for row in summary.rows])]
    if summary.preferred:
        rows = [
            [
                p.task,
                p.band,
                p.model,
                _since(p.since),
                f"{p.expected:.2f} ({p.low:.2f}–{p.high:.2f})",
            ]
            for p in summary.preferred
        ]
        columns = ["task", "complexity", "model", "since", "expected reward"]
        parts += ["## Models that would be asked first", html_page.table(columns, rows)]
    if summary.pairs:
        parts += [
            "## Fine-tuned models and their base models",
            *(_pair(pair) for pair in summary.pairs),
        ]
    for part, values in summary.breakdowns.items():
        rows = [
            [value, model, str(c.judged), html_page.percent(c.rate), html_page.percent(c.survival)]
            for value, by_model in values.items()
            for model, c in by_model.items()
        ]
        if rows:
            columns = [part, "model", "judged", "accepted", "survival"]
            parts += [f"## By {part}", html_page.table(columns, rows)]
    return "\n\n".join(parts) + "\n"


def _pair(pair: FinetuneComparison) -> str:
    rows: list[list[str]] = []
    for side in (pair.tuned, pair.base):
        latency: Any = side.stats.latency if side.stats else None
        rows.append(
            [
                side.model,
                str(side.count.judged),
                html_page.percent(side.count.rate),
                html_page.percent(side.count.survival),
                html_page.ms(latency.first_p50 if latency else None),
                html_page.ms(latency.total_p50 if latency else None),
                html_page.dollars(side.stats.cost if side.stats else 0.0),
                html_page.dollars(side.per_thousand),
            ]
        )
    columns = ["model", "judged", "accepted", "survival", "first token", "total", "cost",
               "per 1,000 accepted characters"]  # fmt: skip
    return f"{html_page.escaped(finetune_sentence(pair))}\n\n{html_page.table(columns, rows)}"


def finetune_sentence(pair: FinetuneComparison) -> str:
    """Return which model is better, by how much and since when."""
    gap = pair.difference
    amount = "" if gap is None else f" Difference in acceptance: {html_page.score(gap)}."
    retired = " The fine-tuned model is retired." if pair.retired else ""
    return f"{pair.task}, since {_day(pair.since)}: {pair.verdict}{amount}{retired}"


def _acceptance_cells(row: ModelHistory) -> list[str]:
    count = row.count
    return [
        row.model,
        html_page.percent(count.rate),
        str(count.judged),
        html_page.percent(count.survival),
    ]


def _time_cells(row: ModelHistory) -> list[str]:
    latency: Any = row.stats.latency
    return [
        row.model,
        row.task,
        html_page.ms(latency.first_p50),
        html_page.ms(latency.total_p50),
        html_page.ms(latency.total_p95),
        f"{row.stats.failures} of {row.stats.calls}",
    ]


def _cost_cells(row: ModelHistory) -> list[str]:
    return [
        row.model,
        row.task,
        html_page.dollars(row.stats.cost),
        html_page.dollars(row.per_thousand),
    ]
