"""What a run on this machine pays for: the machine, while Ray is up."""

import uuid
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from llmtrain_api.cost import CapacityType, Cost, PriceSource
from llmtrain_api.stages import StageGroup
from llmtrain_lifecycle.money.paid_pods import PaidPod
from llmtrain_lifecycle.money.pod_price import PodPrice
from llmtrain_lifecycle.timestamps import read_time


class PaidMachine:
    """This machine, as the ledger sees Pods: one for each time that Ray is started.

    Args:
        cost: of the run so far.
        usd_per_hour: of the machine; 0 where it costs nothing.
    """

    def __init__(self, cost: Cost | None, usd_per_hour: Decimal) -> None:
        self._price = PodPrice(usd_per_hour, CapacityType.ON_DEMAND, PriceSource.NODE)
        self._costs = cost is not None or usd_per_hour > 0
        self._uses = _left_open(cost, self._price)

    @property
    def price(self) -> Decimal | None:
        """US dollars an hour; None where nobody has said."""
        return self._price.usd_per_hour if self._costs else None

    @property
    def paid(self) -> tuple[PaidPod, ...] | None:
        """All uses of the machine; None where it costs nothing."""
        return tuple(self._uses) if self._costs else None

    def begin(self, now: datetime) -> None:
        """Ray is up."""
        self._uses.append(PaidPod(str(uuid.uuid4()), StageGroup.ALL, now, None, self._price))

    def end(self, now: datetime) -> None:
        """Ray is down."""
        self._uses = [use if use.end else replace(use, end=now) for use in self._uses]


def _left_open(cost: Cost | None, price: PodPrice) -> list[PaidPod]:
    """What a run that was killed has left: it is taken to have ended when it was last seen."""
    if cost is None:
        return []
    seen = read_time(cost.observed_time)
    return [
        PaidPod(uid, pods.group, read_time(pods.start), seen, price)
        for pods in cost.ledger.open
        for uid in pods.uids
    ]
