"""SVG elements. Text and attributes are escaped by the XML writer.

Charts have no viewBox: horizontal places are percentages of the plot, vertical ones pixels, so
that a chart fills any width and its text keeps its size.
"""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, tostring

from markupsafe import Markup

Value = str | float


def tag(name: str, /, *children: Element, text: str | None = None, **attributes: Value) -> Element:
    """An element.

    Args:
        name: of the element.
        children: in it.
        text: in it, before them.
        attributes: hyphens written as underscores; `class_` for `class`.
    """
    element = Element(name, {_name(key): _value(value) for key, value in attributes.items()})
    element.text = text
    element.extend(children)
    return element


def picture(*children: Element, title: str, description: str, class_: str) -> Markup:
    """An SVG in a page, with what it shows in words for those who do not see it.

    Args:
        children: what is drawn.
        title: its name.
        description: what there is to see.
        class_: of the outermost element, in the style sheet.
    """
    words = (tag("title", text=title), tag("desc", text=description))
    svg = tag("svg", *words, *children, role="img", class_=class_)
    return Markup(tostring(svg, encoding="unicode"))  # noqa: S704 - the XML writer escapes


def percent(share: float) -> str:
    """A place or a length as a share of the plot, from 0 to 1."""
    return f"{100 * share:.5g}%"


def points(places: Sequence[tuple[float, float]]) -> str:
    """The `points` of a line."""
    return " ".join(f"{x:.5g},{y:.5g}" for x, y in places)


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:.5g}"
