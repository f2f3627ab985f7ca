"""A job with paid Pods that a test reconciles step by step."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from support.job_harness import NOW, SETTINGS, UID, JobHarness

from llmtrain_api.cost import CapacityType, Cost, PriceSource
from llmtrain_api.progress import ProgressReport
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import Condition
from llmtrain_lifecycle.decide import decide
from llmtrain_lifecycle.decision import Decision
from llmtrain_lifecycle.money.paid_pods import PaidPod
from llmtrain_lifecycle.money.pod_price import PodPrice
from llmtrain_lifecycle.snapshot import Snapshot


def paid_pod(
    uid: str,
    start: datetime = NOW,
    end: datetime | None = None,
    *,
    usd_per_hour: int = 36,
    **more: Any,
) -> PaidPod:
    """A Pod that serves all stages; one without a price where it costs nothing."""
    source = PriceSource.NODE if usd_per_hour else PriceSource.NONE
    price = PodPrice(Decimal(usd_per_hour), CapacityType.ON_DEMAND, source)
    return PaidPod(uid, StageGroup.ALL, start, end, price, **more)


class BilledJobHarness(JobHarness):
    """Reconciles a job with the Pods that it pays for.

    Args:
        stages: names of the job's stages; all six if none is named.
        policy: the job's policy, as in YAML.
    """

    def __init__(self, *stages: str, policy: dict[str, Any] | None = None) -> None:
        super().__init__(*stages, policy=policy)
        self.paid: tuple[PaidPod, ...] | None = ()
        self.expected: Decimal | None = None

    def preview(
        self, *, progress: ProgressReport | None = None, stop_requested: bool = False
    ) -> Decision:
        """The decision that a reconcile would make now; nothing is stored."""
        snapshot = Snapshot(
            clusters=self._clusters(),
            submissions=(self.submission,) if self.submission else (),
            progress=progress,
            stop_requested=stop_requested,
            created=NOW,
            paid=self.paid,
            expected_usd_per_hour=self.expected,
        )
        return decide(self.job, UID, self.generation, self.status, snapshot, self.now, SETTINGS)

    @property
    def cost(self) -> Cost:
        """The newest stored bill."""
        assert self.status.cost is not None
        return self.status.cost

    @property
    def budget_condition(self) -> Condition | None:
        """The budget's condition; None if there is none."""
        said = (each for each in self.status.conditions if each.type == "WithinBudget")
        return next(said, None)
