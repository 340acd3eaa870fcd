"""One HTML file without anything from outside, made from a template; numbers as people read them."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from importlib import import_module, resources
from typing import Any, Protocol

from ...errors import SettingsError


class _Estimate(Protocol):
    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


EMPTY = "–"


def render(template: str, values: Mapping[str, Any]) -> str:
    """The page; every value is escaped, whatever a model or a file wrote into it.

    The page allows itself no script and no other style than its own (content security policy). Raises
    ``SettingsError`` where jinja2 is not installed.
    """
    try:
        jinja2: Any = import_module("jinja2")
        markupsafe: Any = import_module("markupsafe")
    except ImportError as error:
        raise SettingsError(
            "The HTML report needs jinja2; install it with `pip install 'ensemble-lsp[report]'`."
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
    # Plots are made by draw.py, which escapes every text; the style sheet is ours.
    environment.filters["drawn"] = markupsafe.Markup
    page = environment.get_template(template).render(
        values, style=markupsafe.Markup(style), style_digest=digest
    )
    return str(page)


def score(value: _Estimate | None) -> str:
    """``0.62 (0.55–0.69)``."""
    if value is None:
        return EMPTY
    if value.low is None or value.high is None:
        return f"{value.value:.2f}"
    return f"{value.value:.2f} ({value.low:.2f}–{value.high:.2f})"


def percent(value: _Estimate | None) -> str:
    """``62 % (55–69)``."""
    if value is None:
        return EMPTY
    if value.low is None or value.high is None:
        return share(value.value)
    return f"{share(value.value)} ({100 * value.low:.0f}–{100 * value.high:.0f})"


def share(value: float | None) -> str:
    """``62 %``."""
    return EMPTY if value is None else f"{100 * value:.0f} %"


def ms(value: float | None) -> str:
    """Milliseconds, or seconds from one on."""
    if value is None:
        return EMPTY
    if value < 10:
        return f"{value:.1f} ms"
    return f"{value:.0f} ms" if value < 1000 else f"{value / 1000:.1f} s"


def dollars(value: float | None) -> str:
    """US dollars with as many digits as say something."""
    if value is None:
        return EMPTY
    if value == 0:
        return "$0"
    if value >= 0.1:
        return f"${value:.2f}"
    # Two digits that say something, and never an exponent.
    return f"${value:.{min(9, 1 - math.floor(math.log10(value)))}f}"


def count(value: float) -> str:
    """A whole number in groups of three."""
    return f"{value:,.0f}"


def fenced(text: str, language: str = "") -> str:
    """A Markdown code block that no backtick in the text can end."""
    longest = run = 0
    for char in text:
        run = run + 1 if char == "`" else 0
        longest = max(longest, run)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def table(columns: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; cells hold no pipes and no line ends."""

    def cell(text: str) -> str:
        plain = " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
        return plain.replace("<", "&lt;").replace("[", "\\[")

    lines = [columns, ["---"] * len(columns), *([cell(c) for c in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
