"""Render a self-contained HTML page from a template, and format numbers."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib import import_module, resources
from typing import Any

from ... import wording
from ...errors import SettingsError
from ...installation import extra_command
from ..statistics import Difference, Estimate

EMPTY = "–"
_MARKUP = re.compile(r"[\\`*_\[\]|!#~]")


def render(template: str, values: Mapping[str, Any]) -> str:
    """Return the page, with every value escaped: models and files may contain markup.

    Its content security policy allows no script and only its own style. Raises ``SettingsError`` without jinja2.
    """
    try:
        jinja2: Any = import_module("jinja2")
        markupsafe: Any = import_module("markupsafe")
    except ImportError as error:
        raise SettingsError(
            f"The HTML report needs jinja2; install it with `{extra_command('report')}`."
        ) from error
    folder = resources.files(__name__.rpartition(".")[0])

    def read(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    style = read("style.css")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        score=score, percent=percent, share=share, ms=ms, dollars=dollars, count=count
    )
    # svg_plots escapes every text, and the style sheet is ours.
    environment.filters["drawn"] = markupsafe.Markup
    page = environment.get_template(template).render(
        values, style=markupsafe.Markup(style), style_digest=digest
    )
    return str(page)


def score(value: Estimate | Difference | None) -> str:
    """Format as ``0.62 (0.55–0.69)``."""
    if value is None:
        return EMPTY
    if value.low is None or value.high is None:
        return f"{value.value:.2f}"
    return f"{value.value:.2f} ({value.low:.2f}–{value.high:.2f})"


def percent(value: Estimate | None) -> str:
    """Format as ``62 % (55–69)``."""
    if value is None:
        return EMPTY
    if value.low is None or value.high is None:
        return share(value.value)
    return f"{share(value.value)} ({100 * value.low:.0f}–{100 * value.high:.0f})"


def share(value: float | None) -> str:
    """Format as ``62 %``."""
    return EMPTY if value is None else f"{100 * value:.0f} %"


def ms(value: float | None) -> str:
    """Format as milliseconds, or as seconds from one second."""
    if value is None:
        return EMPTY
    if value < 10:
        return f"{value:.1f} ms"
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


def dollars(value: float | None) -> str:
    """Format as US dollars, a dash for None."""
    return EMPTY if value is None else wording.dollars(value)


def count(value: float) -> str:
    """Format a whole number with thousands separators."""
    return f"{value:,.0f}"


def fenced(text: str, language: str = "") -> str:
    """Return a Markdown code block that no backtick in the text can end."""
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def table(columns: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table, with pipes and line ends in cells escaped."""
    lines = [columns, ["---"] * len(columns), *([escaped(c) for c in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def escaped(text: str) -> str:
    """Return text as one line of Markdown without markup: names come from providers and other users."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    plain = " ".join(plain.split()).replace("&", "&amp;").replace("<", "&lt;")
    return _MARKUP.sub(r"\\\g<0>", plain)


def code(text: str) -> str:
    """Return text as one line of Markdown code that no backtick in it can end."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    marks = "`" * (1 + max((len(run) for run in re.findall("`+", plain)), default=0))
    return f"{marks} {plain} {marks}" if "`" in plain else f"`{plain}`"
