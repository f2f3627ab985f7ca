"""What a job pays for, as its Pods and their nodes tell."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from llmtrain_api.spec.job import LLMTrainingJob
from llmtrain_operator.core.money.expected import expected_usd_per_hour
from llmtrain_operator.core.money.paid_pods import GonePod, PaidPod, paid_pods
from llmtrain_operator.core.observed import ObservedPod
from llmtrain_operator.shell.nodes import Nodes
from llmtrain_operator.shell.price_list import PriceList


@dataclass(frozen=True)
class Paying:
    """Puts prices to Pods.

    Args:
        price_list: that holds now.
        nodes: of the cluster.
        gpu_resource: the resource that counts GPUs.
    """

    price_list: PriceList
    nodes: Nodes
    gpu_resource: str

    async def paid(
        self,
        pods: Iterable[ObservedPod],
        gone: Iterable[GonePod],
        *,
        created: datetime,
        now: datetime,
    ) -> tuple[PaidPod, ...] | None:
        """What a job pays for, and has paid for; None where there are no prices.

        Raises:
            KubernetesError: the API server cannot be reached.
        """
        prices, pods, gone = self.price_list.prices, tuple(pods), tuple(gone)
        if not prices.known:
            return None
        every = (*pods, *(each.pod for each in gone))
        names = (pod.spec.node_name for pod in every if pod.spec.node_name)
        return paid_pods(
            pods,
            gone,
            await self.nodes.named(names),
            created=created,
            prices=prices,
            gpu_resource=self.gpu_resource,
            now=now,
        )

    def expected_usd_per_hour(self, job: LLMTrainingJob) -> Decimal | None:
        """Of the trainers, before there are any; None where only a node could tell."""
        return expected_usd_per_hour(job.spec.compute.trainers, self.price_list.prices)
