"""Arithmetic on money and time: exact to a billionth of a dollar and to the second."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from llmtrain_api.stages import Stage, StageGroup
from llmtrain_api.status import StageStatus
from llmtrain_lifecycle.status_text import read_time

_SECONDS_PER_HOUR = 3600
EXACT_TO = Decimal("1e-9")


def seconds_between(start: datetime, end: datetime) -> int:
    """Whole seconds; 0 if the end is before the start, since clocks differ.

    Never rounded up: the cost of a Pod must not become less when it ends.
    """
    return max(int((end - start).total_seconds()), 0)


def whole_seconds(time: datetime) -> datetime:
    """The time in whole seconds, the precision of the status."""
    return time.replace(microsecond=0)


def amount(usd_per_hour: Decimal, seconds: int) -> Decimal:
    """Cost of some time at a price, in US dollars."""
    return (usd_per_hour * seconds / _SECONDS_PER_HOUR).quantize(EXACT_TO)


def shares_of_stages(
    stages: Sequence[StageStatus], group: StageGroup, start: datetime, end: datetime
) -> list[tuple[Stage, int]]:
    """Divide a Pod's time among stages; the seconds sum to the whole.

    A Pod serves the stages of its group one after the other. Its time belongs to the first stage
    until that is done, then to the next; the time after the last stage's end belongs to the last.

    Args:
        stages: stages of the job, in order.
        group: stage group of the Pod.
        start: start of the time.
        end: end of the time.
    """
    served = [each for each in stages if group in {StageGroup.ALL, each.name.group}]
    assert served, "a cluster is made for a stage"
    shares = []
    for stage in served:
        is_last = stage is served[-1] or stage.completion_time is None
        until = (
            end if is_last or stage.completion_time is None else read_time(stage.completion_time)
        )
        until = min(max(until, start), max(end, start))
        shares.append((stage.name, seconds_between(start, until)))
        if is_last:
            break
        start = until
    return [(name, seconds) for name, seconds in shares if seconds]
