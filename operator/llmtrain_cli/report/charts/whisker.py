"""A value with its standard error, on the scale that it shares with its neighbours."""

from markupsafe import Markup

from llmtrain_cli.report.charts.scale import Scale
from llmtrain_cli.report.charts.svg import percent, picture, tag

_HEIGHT = 18.0
_MIDDLE = _HEIGHT / 2


def whisker(
    title: str, value: float, error: float | None, scale: Scale, *, bound: float | None = None
) -> Markup:
    """Draw a dot, its error to both sides, and the bound that the value has to keep.

    Args:
        title: what is shown.
        value: where the dot goes.
        error: half the length of the whisker; None draws the dot alone.
        scale: holds all of it.
        bound: a gate's.
    """
    place = percent(scale.place(value))
    drawn = [tag("line", class_="track", x1=0, x2="100%", y1=_MIDDLE, y2=_MIDDLE)]
    if bound is not None:
        at = percent(scale.place(bound))
        drawn.append(tag("line", class_="bound", x1=at, x2=at, y1=1, y2=_HEIGHT - 1))
    if error:
        ends = {"x1": percent(scale.place(value - error)), "x2": percent(scale.place(value + error))}
        drawn.append(tag("line", class_="error", y1=_MIDDLE, y2=_MIDDLE, **ends))
    drawn.append(tag("circle", class_="dot", cx=place, cy=_MIDDLE, r=4))
    return picture(*drawn, title=title, description=title, class_="whisker", height=_HEIGHT)
