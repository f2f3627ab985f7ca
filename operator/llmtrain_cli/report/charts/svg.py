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
        name: name of the element.
        children: child elements.
        text: text before the children.
        attributes: attributes, with underscores for hyphens and `class_` for `class`.
    """
    element = Element(name, {_name(key): _value(value) for key, value in attributes.items()})
    element.text = text
    element.extend(children)
    return element


def picture(*children: Element, title: str, description: str, class_: str) -> Markup:
    """An SVG for a page, with its content in words for screen readers.

    Args:
        children: elements of the drawing.
        title: name of the picture.
        description: content of the picture in words.
        class_: class of the outermost element in the style sheet.
    """
    words = (tag("title", text=title), tag("desc", text=description))
    svg = tag("svg", *words, *children, role="img", class_=class_)
    return Markup(tostring(svg, encoding="unicode"))  # noqa: S704 - the XML writer escapes


def percent(share: float) -> str:
    """A position or length, from 0 to 1, as a percentage of the plot."""
    return f"{100 * share:.5g}%"


def points(places: Sequence[tuple[float, float]]) -> str:
    """The `points` attribute of a line."""
    return " ".join(f"{x:.5g},{y:.5g}" for x, y in places)


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: Value) -> str:
    return value if isinstance(value, str) else f"{value:.5g}"
