"""Arithmetic on money and time: exact to a billionth of a dollar, times to the second."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from llmtrain_api.stages import Stage, StageGroup
from llmtrain_api.status import StageStatus
from llmtrain_lifecycle.status_text import read_time

_SECONDS_PER_HOUR = 3600
EXACT_TO = Decimal("1e-9")


def seconds_between(start: datetime, end: datetime) -> int:
    """Whole seconds; 0 where the end lies before the start, as clocks that differ make it.

    Never rounded up: what is spent now must not be less once it has ended.
    """
    return max(int((end - start).total_seconds()), 0)


def whole_seconds(time: datetime) -> datetime:
    """The time without what the status cannot say of it."""
    return time.replace(microsecond=0)


def amount(usd_per_hour: Decimal, seconds: int) -> Decimal:
    """US dollars for some time at a price."""
    return (usd_per_hour * seconds / _SECONDS_PER_HOUR).quantize(EXACT_TO)


def shares_of_stages(
    stages: Sequence[StageStatus], group: StageGroup, start: datetime, end: datetime
) -> list[tuple[Stage, int]]:
    """Whose a Pod's time is: the seconds of each stage, which sum to the whole.

    A Pod serves the stages of its group one after the other. Until the first of them is done its
    time is that one's, then the next one's; what comes after the end of the last, while the Pod
    goes, is the last one's.

    Args:
        stages: of the job, in order.
        group: of the Pod.
        start: of the time.
        end: of the time.
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
