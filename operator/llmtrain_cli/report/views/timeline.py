"""Where the time went: a band from the job's start to its end, and each bucket's share."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from llmtrain_api.goodput import Goodput, Interval, Seconds
from llmtrain_cli.local.display import duration
from llmtrain_cli.report.charts.svg import percent, picture, tag
from llmtrain_operator.core.goodput.parts import End, parts_of
from llmtrain_operator.core.timestamps import read_time

_HEIGHT = 36.0
_KINDS = {
    "productive": "kept",
    "lost_work": "lost",
    "queued": "idle",
    "suspended": "idle",
    "other": "idle",
}
_OVERHEAD = "overhead"
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
    """One bucket."""

    name: str
    kind: str
    """How it is drawn."""
    took: str
    share: str


@dataclass(frozen=True)
class Timeline:
    """All of a job's time."""

    drawing: Markup
    shares: tuple[Share, ...]
    """The largest first."""
    runtime: str
    """Share of productive time in the time with compute."""
    end_to_end: str
    """Share of productive time in the whole."""


def timeline(goodput: Goodput) -> Timeline:
    """The band and its parts."""
    total = goodput.seconds.total
    shares = sorted(_parts(goodput.seconds), key=lambda part: -part[1])
    return Timeline(
        drawing=_band(goodput),
        shares=tuple(
            Share(_name(part), _kind(part), duration(seconds), f"{seconds / total:.1%}")
            for part, seconds in shares
        ),
        runtime=f"{goodput.runtime_ratio:.0%}",
        end_to_end=f"{goodput.end_to_end_ratio:.0%}",
    )


def _band(goodput: Goodput) -> Markup:
    """Each stretch of the job's life in its place, its parts in the order of the buckets."""
    until = read_time(goodput.observed_time)
    start = read_time(goodput.intervals[0].start)
    whole = max((until - start).total_seconds(), 1.0)
    pieces = []
    for interval in goodput.intervals:
        place = (read_time(interval.start) - start).total_seconds()
        for part, seconds in _parts(_seconds(interval, until)):
            words = f"{_label(interval)}: {_name(part)}, {duration(seconds)}"
            pieces.append(
                tag(
                    "rect",
                    tag("title", text=words),
                    x=percent(place / whole),
                    width=percent(seconds / whole),
                    y=0.0,
                    height=_HEIGHT,
                    class_=f"time {_kind(part)}",
                )
            )
            place += seconds
    description = "; ".join(
        f"{_name(part)} {duration(seconds)}" for part, seconds in _parts(goodput.seconds)
    )
    title, style = "Where the time went", "band-of-time"
    return picture(*pieces, title=title, description=description, class_=style)


def _seconds(interval: Interval, until: datetime) -> Seconds:
    return interval.seconds or parts_of(interval, until, End.NOT_YET)


def _parts(seconds: Seconds) -> Iterator[tuple[str, float]]:
    """What there is of it."""
    return ((part, value) for part, value in seconds.model_dump(by_alias=False).items() if value)


def _label(interval: Interval) -> str:
    if interval.stage is None:
        return interval.activity.value
    return f"{interval.stage.value}, attempt {interval.attempt}"


def _name(part: str) -> str:
    return _NAMES.get(part, part)


def _kind(part: str) -> str:
    return _KINDS.get(part, _OVERHEAD)
