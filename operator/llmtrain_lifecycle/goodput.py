"""Divides the time of an interval into buckets, reported by the driver or inferred."""

from datetime import datetime
from enum import Enum, auto

from llmtrain_api.goodput import Activity, Goodput, Interval, Seconds, WorkSeconds
from llmtrain_lifecycle.status_text import read_time

_WHOLE = {
    Activity.QUEUED: "queued",
    Activity.PROVISIONING: "provisioning",
    Activity.WAITING: "other",
    Activity.SUSPENDED: "suspended",
}
_NO_COMPUTE = ("queued", "suspended")


class End(Enum):
    """Outcome of an interval."""

    NOT_YET = auto()
    """The interval has not ended."""
    SUCCEEDED = auto()
    """The attempt finished its stage."""
    TOLD = auto()
    """The attempt ended early, with a last report."""
    LOST = auto()
    """The attempt ended without a last report."""


def buckets_of(interval: Interval, until: datetime, end: End) -> Seconds:
    """The buckets of an interval, which sum to its length.

    Args:
        interval: the interval.
        until: its end, or now; a time before its start counts as its start.
        end: outcome of the interval.
    """
    length = max((until - read_time(interval.start)).total_seconds(), 0.0)
    if interval.activity is not Activity.WORKING:
        return Seconds.model_validate({_WHOLE[interval.activity]: length})
    if interval.work is None:
        return Seconds(start_up=length)
    return _of_attempt(interval, interval.work, length, end)


def _of_attempt(interval: Interval, work: WorkSeconds, length: float, end: End) -> Seconds:
    """Buckets of an attempt: start-up before the driver's report, `end` decides the time after it.

    Clocks differ: if the driver reports more time than the interval has, the start-up before
    its first second shrinks, and then all reported buckets in proportion.
    """
    began = read_time(interval.driver_start or interval.start)
    before = min(max((began - read_time(interval.start)).total_seconds(), 0.0), length)
    scale = min(1.0, length / work.total) if work.total else 1.0
    before = min(before, length - work.total * scale)
    buckets = {part: scale * seconds for part, seconds in work.model_dump(by_alias=False).items()}
    uncommitted = buckets.pop("uncommitted")
    buckets["start_up"] += before
    after = max(length - sum(buckets.values()), 0.0)
    if end in {End.TOLD, End.LOST}:
        buckets["productive"] -= uncommitted
        buckets["lost_work"] = uncommitted
    buckets[_after_the_last_word(work, end)] += after
    parts = {part: round(max(seconds, 0.0), 3) for part, seconds in buckets.items()}
    parts["other"] = round(max(length - sum(parts.values()) + parts["other"], 0.0), 3)
    return Seconds.model_validate(parts)


def _after_the_last_word(work: WorkSeconds, end: End) -> str:
    match end:
        case End.LOST:
            return "lost_work"
        case End.NOT_YET:  # the last activity goes on
            return "productive" if work.productive else "start_up"
        case _:
            return "other"


def seconds_until(goodput: Goodput, now: datetime) -> Seconds:
    """All of a job's time in buckets; exact to a millisecond."""
    each = [i.seconds or buckets_of(i, now, End.NOT_YET) for i in goodput.intervals]
    each.append(goodput.earlier)
    return Seconds(
        **{part: round(sum(getattr(s, part) for s in each), 3) for part in Seconds.model_fields}
    )


def current_interval(goodput: Goodput | None) -> Interval | None:
    """The open interval; None before the first reconcile and after the end."""
    intervals = goodput.intervals if goodput else ()
    return intervals[-1] if intervals and intervals[-1].end is None else None


def ratios(seconds: Seconds) -> tuple[float, float]:
    """Runtime goodput and end-to-end goodput, as `Goodput` defines them."""
    held = seconds.total - sum(getattr(seconds, part) for part in _NO_COMPUTE)
    return (
        round(seconds.productive / held, 4) if held > 0 else 0.0,
        round(seconds.productive / seconds.total, 4) if seconds.total else 0.0,
    )
