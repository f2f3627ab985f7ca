"""A line chart whose lines are named where they end; pointing at a place tells its values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.etree.ElementTree import Element

from markupsafe import Markup

from llmtrain_cli.report.charts.curve import Point
from llmtrain_cli.report.charts.scale import Scale, round_scale, tight_scale
from llmtrain_cli.report.charts.svg import percent, picture, points, tag

HEIGHT = 200.0
"""Size of the plot, in pixels; the style sheet puts margins around it for the words."""
_LABEL_HEIGHT = 30.0
_CANVAS = 1000.0
"""Lines are drawn in a square of this size, which is then stretched to the plot."""


@dataclass(frozen=True)
class Series:
    """One line."""

    name: str
    style: str
    """Its class in the style sheet: `first` or `second`."""
    curve: tuple[Point, ...]
    dotted: bool = False
    """Whether each value is marked: for curves of few values."""


@dataclass(frozen=True)
class Axis:
    """What the values are, and how they are written."""

    name: str
    write: Callable[[float], str]


def line_chart(title: str, series: Sequence[Series], *, x: Axis, y: Axis) -> Markup:
    """Draw lines over a common axis.

    Args:
        title: what the chart shows.
        series: at least one, none of them empty.
        x: the horizontal axis.
        y: the vertical axis, whose name says the unit.
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
    """The same places from top to bottom, none nearer to the next than a label is high."""
    moved: list[float] = []
    for height in heights:
        moved.append(max(height, moved[-1] + _LABEL_HEIGHT) if moved else height)
    excess = max(0.0, moved[-1] - (HEIGHT - _LABEL_HEIGHT / 2))
    return [height - excess for height in moved]


def _readings(series: Sequence[Series], across: Scale, x: Axis, y: Axis) -> list[Element]:
    """A strip for each value of the longest line; the style sheet shows what it holds on hover."""
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
    """The value that the line had last reached there, or its first."""
    reached = [spot.y for spot in line.curve if spot.x <= x]
    return reached[-1] if reached else line.curve[0].y


def _canvas(across: Scale, up: Scale, x: float, y: float) -> tuple[float, float]:
    return _CANVAS * across.place(x), _CANVAS * (1 - up.place(y))


def _height(up: Scale, value: float) -> float:
    return HEIGHT * (1 - up.place(value))
