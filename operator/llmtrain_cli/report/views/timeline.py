"""The timeline of a job: a band from start to end, and each bucket's share."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element

from markupsafe import Markup

from llmtrain_api.goodput import Goodput, Interval, Seconds
from llmtrain_cli.report.charts.svg import percent, picture, tag
from llmtrain_cli.text import short_duration
from llmtrain_lifecycle.goodput import End, buckets_of
from llmtrain_lifecycle.status_text import read_time

_HEIGHT = 36.0
_NAMES = {
    "start_up": "start-up",
    "data_wait": "waiting for data",
    "checkpoint_save": "saving checkpoints",
    "lost_work": "lost work",
    "restore": "restoring a checkpoint",
    "evaluation": "validation",
}


@dataclass(frozen=True)
class Share:
    """Share of one bucket."""

    name: str
    style: str
    """Class in the style sheet."""
    took: str
    share: str


@dataclass(frozen=True)
class Timeline:
    """The timeline of a job."""

    drawing: Markup
    earlier: str
    """Length of the first part, of which only the sums are known; empty if there is none."""
    shares: tuple[Share, ...]
    """Buckets, the largest first."""
    runtime: str
    """Productive share of the time with compute."""
    end_to_end: str
    """Productive share of the whole time."""


def timeline(goodput: Goodput) -> Timeline:
    """The timeline, with the band as SVG."""
    total = goodput.seconds.total
    shares = sorted(_parts(goodput.seconds), key=lambda part: -part[1])
    return Timeline(
        drawing=_band(goodput),
        earlier=short_duration(goodput.earlier.total) if goodput.earlier.total else "",
        shares=tuple(
            Share(_name(part), _style(part), short_duration(seconds), f"{seconds / total:.1%}")
            for part, seconds in shares
        ),
        runtime=f"{goodput.runtime_ratio:.0%}",
        end_to_end=f"{goodput.end_to_end_ratio:.0%}",
    )


def _band(goodput: Goodput) -> Markup:
    """Each interval in its place, divided in the order of the buckets."""
    until = read_time(goodput.observed_time)
    start, before = read_time(goodput.intervals[0].start), goodput.earlier.total
    whole = max(before + (until - start).total_seconds(), 1.0)
    pieces = [*_pieces(goodput.earlier, 0.0, whole, "before")]
    for interval in goodput.intervals:
        place = before + (read_time(interval.start) - start).total_seconds()
        pieces += _pieces(_seconds(interval, until), place, whole, _label(interval))
    if before:
        end = percent(before / whole)
        pieces.append(tag("line", class_="until", x1=end, x2=end, y1=0.0, y2=_HEIGHT))
    description = "; ".join(
        f"{_name(part)} {short_duration(seconds)}" for part, seconds in _parts(goodput.seconds)
    )
    title, style = "Where the time went", "band-of-time"
    return picture(*pieces, title=title, description=description, class_=style)


def _pieces(seconds: Seconds, place: float, whole: float, label: str) -> Iterator[Element]:
    """The parts of one interval, from a position on."""
    for part, length in _parts(seconds):
        yield tag(
            "rect",
            tag("title", text=f"{label}: {_name(part)}, {short_duration(length)}"),
            x=percent(place / whole),
            width=percent(length / whole),
            y=0.0,
            height=_HEIGHT,
            class_=f"time {_style(part)}",
        )
        place += length


def _seconds(interval: Interval, until: datetime) -> Seconds:
    return interval.seconds or buckets_of(interval, until, End.NOT_YET)


def _parts(seconds: Seconds) -> Iterator[tuple[str, float]]:
    """The non-empty buckets."""
    return ((part, value) for part, value in seconds.model_dump(by_alias=False).items() if value)


def _label(interval: Interval) -> str:
    if interval.stage is None:
        return interval.activity.value
    return f"{interval.stage.value}, attempt {interval.attempt}"


def _name(part: str) -> str:
    return _NAMES.get(part, part)


def _style(part: str) -> str:
    return part.replace("_", "-")
