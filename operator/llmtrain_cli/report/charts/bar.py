"""Bars: parts side by side, on a line from 0 to 1."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from llmtrain_cli.report.charts.svg import percent, picture, tag


@dataclass(frozen=True)
class Part:
    """A stretch of a bar."""

    name: str
    """What it is and how long, for who points at it."""
    style: str
    """Its class in the style sheet."""
    start: float
    """Where it begins, as a share of the bar's whole width."""
    width: float
    """As a share too."""


def bar(title: str, parts: Sequence[Part], *, height: float = 18) -> Markup:
    """Draw a bar.

    Args:
        title: what it shows.
        parts: from left to right.
        height: in pixels.
    """
    drawn = [
        tag(
            "rect",
            tag("title", text=part.name),
            class_=f"part {part.style}",
            x=percent(part.start),
            width=percent(part.width),
            height=height,
        )
        for part in parts
    ]
    description = "; ".join(part.name for part in parts) or "empty"
    return picture(*drawn, title=title, description=description, class_="bar", height=height)


def side_by_side(sizes: Sequence[tuple[str, str, float]], *, whole: float) -> tuple[Part, ...]:
    """Parts one after the other.

    Args:
        sizes: name, style and size of each.
        whole: the size of the whole width, more than 0.
    """
    parts, start = [], 0.0
    for name, style, size in sizes:
        parts.append(Part(name, style, start / whole, size / whole))
        start += size
    return tuple(parts)
