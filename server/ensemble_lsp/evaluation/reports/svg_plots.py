"""Draw plots as SVG text, without a library, a script or inline styles.

Every mark has a title with its value. Colours are classes (``s0`` …) that the page's style sheet defines for light,
dark and print; lines also differ in their dashes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from ...numeric import clip

WIDTH, HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 14, 44
COLOURS = 8

Format = Callable[[float], str]


@dataclass(frozen=True, slots=True)
class Point:
    """A value with its interval, if known."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0


@dataclass(frozen=True, slots=True)
class Series:
    """One model's values along the axis; None for a missing value."""

    name: str
    colour: int
    points: Sequence[Point | None]


@dataclass(frozen=True, slots=True)
class ScatterDot:
    """One model in a plot of two measures."""

    name: str
    colour: int
    x: float
    y: Point
    front: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values to coordinates, linear or logarithmic."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """Return the coordinate of a value."""
        even = (value - self.low) / ((self.high - self.low) or 1)
        share = _log_share(value, self.low, self.high) if self.log else even
        return self.start + clip(share) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return round values along the axis."""
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            steps = (1, 2, 5) if last - first <= 2 else (1,)
            values = [s * 10.0**e for e in range(first, last + 1) for s in steps]
            return [v for v in values if self.low * 0.999 <= v <= self.high * 1.001]
        step = _round_step((self.high - self.low) / 4)
        count = math.floor((self.high - self.low) / step + 1e-9)
        return [self.low + i * step for i in range(count + 1)]


def line_plot(
    title: str,
    places: Sequence[str],
    series: Sequence[Series],
    *,
    unit: str,
    form: Format,
    top: float | None = None,
    log: bool = False,
    thin: int = 1,
) -> str:
    """Plot values over ordered places (complexity, weeks), one line a model, with their intervals.

    ``top``: the axis' end, as 1 for shares. ``thin``: only one place in this many gets a name.
    """  # fmt: skip
    axis = _values_axis([p for s in series for p in s.points if p], top, log, _vertical())
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(places))
    parts = _frame(axis, form, unit)
    for number, name in enumerate(places):
        if number % thin == 0:
            x = _LEFT + (number + 0.5) * step
            parts.append(_text(x, HEIGHT - _BOTTOM + 18, name, "middle"))
    spread = min(10.0, step / (2 * max(1, len(series))))
    for number, one in enumerate(series):
        shift = (number - (len(series) - 1) / 2) * spread
        parts += _line(one, axis, step, shift, form, places)
    return _svg(title, parts)


def scatter_plot(
    title: str,
    dots: Sequence[ScatterDot],
    *,
    x_unit: str,
    y_unit: str,
    x_form: Format,
    y_form: Format,
    top: float | None = None,
) -> str:
    """Plot each model in two measures; those on the Pareto front are joined and filled."""  # fmt: skip
    xs = [d.x for d in dots]
    log = bool(xs) and min(xs) > 0 and max(xs) > 8 * min(xs)
    span = (float(_LEFT), float(WIDTH - _RIGHT - 30))
    across = _values_axis([Point(x) for x in xs], None, log, span)
    up = _values_axis([d.y for d in dots], top, False, _vertical())
    parts = _frame(up, y_form, y_unit)
    for tick in across.ticks():
        x = across.place(tick)
        parts.append(_text(x, HEIGHT - _BOTTOM + 18, x_form(tick), "middle"))
    parts.append(_text((_LEFT + WIDTH) / 2, HEIGHT - 6, x_unit, "middle"))
    joined = sorted((d for d in dots if d.front), key=lambda d: d.x)
    if len(joined) > 1:
        path = " ".join(f"{across.place(d.x):.1f},{up.place(d.y.value):.1f}" for d in joined)
        parts.append(f'<polyline class="front" points="{path}"/>')
    parts += [part for dot in dots for part in _mark(dot, across, up, x_form, y_form)]
    return _svg(title, parts)


def _mark(dot: ScatterDot, across: Axis, up: Axis, x_form: Format, y_form: Format) -> list[str]:
    x, y = across.place(dot.x), up.place(dot.y.value)
    label = f"{dot.name}: {_label(dot.y, y_form)}, {x_form(dot.x)}"
    kind = "dot front-dot" if dot.front else "dot"
    left = x > (_LEFT + WIDTH) * 0.66
    anchor, gap = ("end", -10) if left else ("start", 10)
    return [
        *_whisker(x, dot.y, up, dot.colour),
        f'<circle class="{kind} s{dot.colour % COLOURS}" cx="{x:.1f}" cy="{y:.1f}" r="6">'
        f"<title>{escape(label)}</title></circle>",
        _text(x + gap, y - 8, dot.name, anchor, "label"),
    ]


def _line(
    one: Series, axis: Axis, step: float, shift: float, form: Format, places: Sequence[str]
) -> list[str]:
    colour = one.colour % COLOURS
    found = [
        (number, _LEFT + (number + 0.5) * step + shift, point)
        for number, point in enumerate(one.points)
        if point is not None
    ]
    path = " ".join(f"{x:.1f},{axis.place(p.value):.1f}" for _, x, p in found)
    parts = [f'<polyline class="line s{colour} d{colour}" points="{path}"/>'] if found[1:] else []
    for number, x, point in found:
        label = f"{one.name}, {places[number]}: {_label(point, form)}"
        parts += _whisker(x, point, axis, one.colour)
        parts.append(
            f'<circle class="dot front-dot s{colour}" cx="{x:.1f}" cy="{axis.place(point.value):.1f}" '
            f'r="4.5"><title>{escape(label)}</title></circle>'
        )
    return parts


def _whisker(x: float, point: Point, axis: Axis, colour: int) -> list[str]:
    if point.low is None or point.high is None:
        return []
    low, high = axis.place(point.low), axis.place(point.high)
    shape = f"M{x:.1f} {low:.1f}V{high:.1f}M{x - 4:.1f} {low:.1f}h8M{x - 4:.1f} {high:.1f}h8"
    return [f'<path class="whisker s{colour % COLOURS}" d="{shape}"/>']


def _frame(axis: Axis, form: Format, unit: str) -> list[str]:
    parts = [_text(_LEFT - 52, _TOP - 2, unit, "start")] if unit else []
    for tick in axis.ticks():
        y = axis.place(tick)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>')
        parts.append(_text(_LEFT - 8, y + 4, form(tick), "end"))
    return parts


def _vertical() -> tuple[float, float]:
    return float(HEIGHT - _BOTTOM), float(_TOP + 10)


def _values_axis(
    points: Sequence[Point], top: float | None, log: bool, span: tuple[float, float]
) -> Axis:
    values = [v for p in points for v in (p.value, p.low, p.high) if v is not None]
    if log and (positive := [v for v in values if v > 0]):
        low = 10.0 ** math.floor(math.log10(min(positive)))
        high = 10.0 ** math.ceil(math.log10(max(positive) * 1.0001))
        return Axis(low, high, *span, log=True)
    end = top if top is not None else _round_up(max(values, default=1.0))
    return Axis(0.0, end or 1.0, *span)


def _log_share(value: float, low: float, high: float) -> float:
    value = max(value, low)
    return (math.log10(value) - math.log10(low)) / ((math.log10(high) - math.log10(low)) or 1)


def _round_step(step: float) -> float:
    if step <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next((power * k for k in (1, 2, 2.5, 5, 10) if power * k >= step * 0.999), power * 10)


def _round_up(value: float) -> float:
    step = _round_step(value / 4)
    return math.ceil(value / step - 1e-9) * step


def _label(point: Point, form: Format) -> str:
    interval = ""
    if point.low is not None and point.high is not None:
        interval = f" ({form(point.low)} to {form(point.high)})"
    return form(point.value) + interval + (f", n = {point.n}" if point.n else "")


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _svg(title: str, parts: Sequence[str]) -> str:
    inside = "".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{inside}</svg>'
