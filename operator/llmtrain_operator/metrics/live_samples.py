"""What the metrics of a job say that changes while nobody writes: its time, and its Pods' cost."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple, Self

from llmtrain_api.cost import Ledger
from llmtrain_api.goodput import Goodput
from llmtrain_api.status import JobStatus
from llmtrain_lifecycle.goodput import current_interval, ratios, seconds_until
from llmtrain_lifecycle.money.ledger import spent_usd
from llmtrain_lifecycle.money.waste import wasted_usd
from llmtrain_operator.metrics.exposition import Sample


class LiveSamples(NamedTuple):
    """All that this part of a job's metrics follows from."""

    goodput: Goodput
    ledger: Ledger | None

    @classmethod
    def of(cls, status: JobStatus) -> Self | None:
        """Samples of a job; None where no reconcile has seen it yet."""
        if status.goodput is None:
            return None
        return cls(status.goodput, status.cost.ledger if status.cost else None)

    @property
    def is_live(self) -> bool:
        """Whether time changes anything."""
        is_paid_for = self.ledger is not None and bool(self.ledger.open)
        return is_paid_for or current_interval(self.goodput) is not None

    def samples(self, now: datetime) -> Iterator[Sample]:
        """As of now."""
        seconds = seconds_until(self.goodput, now)
        for bucket, value in seconds.model_dump(by_alias=True).items():
            yield Sample("llmtrain_job_time_seconds", value, (bucket,))
        runtime, end_to_end = ratios(seconds)
        yield Sample("llmtrain_job_goodput_ratio", runtime, ("runtime",))
        yield Sample("llmtrain_job_goodput_ratio", end_to_end, ("endToEnd",))
        if self.ledger is not None:
            yield Sample("llmtrain_job_spent_usd", float(spent_usd(self.ledger, now)))
            wasted = wasted_usd(self.ledger, self.goodput, now)
            yield Sample("llmtrain_job_wasted_usd", float(wasted))


def compact(status: dict[str, Any]) -> dict[str, Any]:
    """A status as it was read, with the stretches of time that have ended as one sum.

    They are most of a status, and a scrape needs nothing else of them.
    """
    goodput = status.get("goodput")
    if goodput is None:
        return status
    ended = [each for each in goodput.get("intervals", ()) if "end" in each]
    total = dict(goodput.get("earlier", {}))
    for interval in ended:
        for part, seconds in interval.get("seconds", {}).items():
            total[part] = total.get(part, 0) + seconds
    left = [each for each in goodput.get("intervals", ()) if "end" not in each]
    return {**status, "goodput": {**goodput, "earlier": total, "intervals": left}}
