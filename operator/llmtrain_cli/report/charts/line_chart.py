"""A line chart whose lines are named where they end; pointing at a place shows its values."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from xml.etree.ElementTree import Element

from markupsafe import Markup

from llmtrain_cli.report.charts.svg import percent, picture, points, tag

_MAX_SPOTS = 120
"""Limit of points: a chart of this width cannot show more."""


@dataclass(frozen=True)
class Point:
    """Neighbouring values of a curve, merged."""

    x: float
    """Position of the last value on the x axis."""
    y: float
    """Mean of the values."""
    low: float
    high: float


def thinned(values: Sequence[tuple[float, float]], *, most: int = _MAX_SPOTS) -> tuple[Point, ...]:
    """Merge pairs of x and y, sorted by x, in groups of equal size."""
    size = -(-len(values) // most) or 1
    portions = [values[start : start + size] for start in range(0, len(values), size)]
    return tuple(
        Point(
            x=portion[-1][0],
            y=fmean(y for _, y in portion),
            low=min(y for _, y in portion),
            high=max(y for _, y in portion),
        )
        for portion in portions
    )


_ROUND = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Scale:
    """Maps values to positions from 0 to 1."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Position of a value; below 0 or above 1 outside of the scale."""
        return (value - self.low) / (self.high - self.low)


def round_scale(low: float, high: float, *, num_ticks: int = 5) -> Scale:
    """A scale that holds all values and ends on ticks (Heckbert, Graphics Gems, 1990).

    Args:
        low: smallest value.
        high: largest value.
        num_ticks: approximate number of ticks.
    """
    step = _tick_step(low, high, num_ticks)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = tuple(step * number for number in range(first, max(last, first + 1) + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def tight_scale(low: float, high: float, *, num_ticks: int = 5) -> Scale:
    """A scale that ends where the values end, with round ticks between: for steps and time."""
    if low == high:
        high = low + 1
    step = _tick_step(low, high, num_ticks)
    numbers = range(math.ceil(low / step), math.floor(high / step) + 1)
    return Scale(low, high, tuple(step * number for number in numbers))


def _tick_step(low: float, high: float, num_ticks: int) -> float:
    """The round number whose multiples give about that many ticks."""
    span = (high - low) or abs(high) or 1.0
    rough = span / max(num_ticks - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in _ROUND if factor * power >= rough * (1 - 1e-9))


HEIGHT = 200.0
"""Height of the plot, in pixels; the style sheet adds margins for the labels."""
_LABEL_HEIGHT = 30.0
_CANVAS = 1000.0
"""Lines are drawn in a square of this size, which is then stretched to the plot."""


@dataclass(frozen=True)
class Series:
    """One line of a chart."""

    name: str
    style: str
    """Class in the style sheet: `first` or `second`."""
    curve: tuple[Point, ...]
    dotted: bool = False
    """Whether each value is marked: for curves of few values."""


@dataclass(frozen=True)
class Axis:
    """Name and number format of an axis."""

    name: str
    write: Callable[[float], str]


def line_chart(title: str, series: Sequence[Series], *, x: Axis, y: Axis) -> Markup:
    """Draw lines over a common x axis.

    Args:
        title: title of the chart.
        series: one or more lines, none of them empty.
        x: horizontal axis.
        y: vertical axis; its name includes the unit.
    """
    spots = [spot for line in series for spot in line.curve]
    across = tight_scale(min(s.x for s in spots), max(s.x for s in spots))
    up = round_scale(min(s.low for s in spots), max(s.high for s in spots))
    return picture(
        *_grid(across, up, x, y),
        _lines(series, across, up),
        *_dots(series, across, up),
        *_labels(series, up, y),
        *_readings(series, across, x, y),
        title=title,
        description=_describe(series, x, y),
        class_="chart",
    )


def _describe(series: Sequence[Series], x: Axis, y: Axis) -> str:
    lines = [
        f"{line.name}: from {y.write(line.curve[0].y)} at {x.name} {x.write(line.curve[0].x)} "
        f"to {y.write(line.curve[-1].y)} at {x.name} {x.write(line.curve[-1].x)}"
        for line in series
    ]
    return f"In {y.name}. {'; '.join(lines)}."


def _grid(across: Scale, up: Scale, x: Axis, y: Axis) -> list[Element]:
    elements = [tag("text", text=y.name, class_="axis", x=-6, y=-12)]
    for tick in up.ticks:
        height = _height(up, tick)
        elements += [
            tag("line", class_="grid", x1=0, x2="100%", y1=height, y2=height),
            tag("text", text=y.write(tick), class_="tick left", x=-6, y=height + 4),
        ]
    for tick in across.ticks:
        place = percent(across.place(tick))
        elements.append(tag("text", text=x.write(tick), class_="tick", x=place, y=HEIGHT + 18))
    elements.append(tag("text", text=x.name, class_="axis right", x="100%", y=HEIGHT + 34))
    return elements


def _lines(series: Sequence[Series], across: Scale, up: Scale) -> Element:
    drawn = []
    for line in series:
        upper = [_canvas(across, up, spot.x, spot.high) for spot in line.curve]
        lower = [_canvas(across, up, spot.x, spot.low) for spot in reversed(line.curve)]
        middle = [_canvas(across, up, spot.x, spot.y) for spot in line.curve]
        if any(spot.low < spot.high for spot in line.curve):
            drawn.append(tag("polygon", class_=f"band {line.style}", points=points(upper + lower)))
        drawn.append(tag("polyline", class_=f"line {line.style}", points=points(middle)))
    box = f"0 0 {_CANVAS:g} {_CANVAS:g}"
    return tag("svg", *drawn, viewBox=box, preserveAspectRatio="none", width="100%", height=HEIGHT)


def _dots(series: Sequence[Series], across: Scale, up: Scale) -> list[Element]:
    return [
        tag(
            "circle",
            class_=f"dot {line.style}",
            cx=percent(across.place(spot.x)),
            cy=_height(up, spot.y),
            r=3,
        )
        for line in series
        for spot in (line.curve if line.dotted else line.curve[-1:])
    ]


def _labels(series: Sequence[Series], up: Scale, y: Axis) -> list[Element]:
    """Names and last values beside the ends of the lines, moved apart where they would touch."""
    last = sorted(series, key=lambda line: -line.curve[-1].y)
    heights = _apart([_height(up, line.curve[-1].y) for line in last])
    elements = []
    for line, height in zip(last, heights, strict=True):
        for text, kind, down in ((y.write(line.curve[-1].y), "value", -2), (line.name, "name", 11)):
            style = f"label {kind} {line.style}"
            elements.append(tag("text", text=text, class_=style, x="100%", dx=8, y=height + down))
    return elements


def _apart(heights: list[float]) -> list[float]:
    """The same positions from top to bottom, at least one label height apart."""
    moved: list[float] = []
    for height in heights:
        moved.append(max(height, moved[-1] + _LABEL_HEIGHT) if moved else height)
    excess = max(0.0, moved[-1] - (HEIGHT - _LABEL_HEIGHT / 2))
    return [height - excess for height in moved]


def _readings(series: Sequence[Series], across: Scale, x: Axis, y: Axis) -> list[Element]:
    """A strip for each value of the longest line; the style sheet shows its text on hover."""
    longest = max(series, key=lambda line: len(line.curve))
    places = [across.place(spot.x) for spot in longest.curve]
    borders = [0.0, *((one + other) / 2 for one, other in pairwise(places)), 1.0]
    elements = []
    for (left, right), place, spot in zip(pairwise(borders), places, longest.curve, strict=True):
        values = [f"{line.name} {y.write(_value_at(line, spot.x))}" for line in series]
        reading = "   ".join((f"{x.name} {x.write(spot.x)}", *values))
        elements.append(
            tag(
                "g",
                tag("rect", x=percent(left), width=percent(right - left), y=0, height=HEIGHT),
                tag("line", x1=percent(place), x2=percent(place), y1=0, y2=HEIGHT),
                tag("text", text=reading, x="100%", y=-12),
                class_="reading",
            )
        )
    return elements


def _value_at(line: Series, x: float) -> float:
    """The newest value of the line at a position, or its first value."""
    reached = [spot.y for spot in line.curve if spot.x <= x]
    return reached[-1] if reached else line.curve[0].y


def _canvas(across: Scale, up: Scale, x: float, y: float) -> tuple[float, float]:
    return _CANVAS * across.place(x), _CANVAS * (1 - up.place(y))


def _height(up: Scale, value: float) -> float:
    return HEIGHT * (1 - up.place(value))
