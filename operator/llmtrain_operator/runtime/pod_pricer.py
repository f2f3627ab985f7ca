"""Finds the prices of a job's Pods from their nodes and the price list."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import yaml
from pydantic import ValidationError

from llmtrain_api.cost import Ledger
from llmtrain_api.faults import describe_faults
from llmtrain_api.job import LLMTrainingJob
from llmtrain_clients.kubernetes_errors import KubernetesError
from llmtrain_lifecycle.money.ledger import known_uids
from llmtrain_lifecycle.money.nodes import ObservedNode
from llmtrain_lifecycle.money.paid_pods import GonePod, PaidPod, paid_pods, requests_of
from llmtrain_lifecycle.money.pod_price import expected_usd_per_hour
from llmtrain_lifecycle.money.prices import Prices
from llmtrain_lifecycle.observed import ObservedPod
from llmtrain_operator.runtime.nodes import Nodes

log = logging.getLogger(__name__)
_LOOK_SECONDS = 5.0


class PriceList:
    """The current price list.

    Args:
        path: path of the YAML file; None if there are no prices.
    """

    def __init__(self, path: Path | None) -> None:
        self._path, self._text, self.prices = path, "", Prices()
        self.look()

    def look(self) -> None:
        """Read the file if it has changed; an invalid file changes no prices."""
        if self._path is None:
            return
        try:
            text = self._path.read_text(encoding="utf-8")
            if text == self._text:
                return
            self._text = text
            self.prices = Prices.model_validate(yaml.safe_load(text) or {})
        except ValidationError as error:
            faults = "; ".join(describe_faults(error, Prices))
            log.error("%s: %s; the old prices stay", self._path, faults)  # noqa: TRY400 - no bug of ours
        except (OSError, yaml.YAMLError) as error:
            log.error("%s: %s; the old prices stay", self._path, error)  # noqa: TRY400 - no bug of ours
        else:
            log.info("%s: new prices", self._path)

    async def keep_up(self) -> None:
        """Read the file at intervals until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self.look()


@dataclass(frozen=True)
class PodPricer:
    """Finds the prices of Pods.

    Args:
        price_list: the current price list.
        nodes: nodes of the cluster.
        gpu_resource: name of the GPU resource.
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
        ledger: Ledger | None = None,
    ) -> tuple[PaidPod, ...] | None:
        """A job's Pods with their prices; None without prices and ledger.

        Args:
            pods: existing Pods of the job.
            gone: deleted Pods of the job.
            created: creation time of the job.
            now: current time.
            ledger: the job's ledger; a job with one has its Pods' ends recorded even if the
                price list is removed.
        """
        prices, pods, gone = self.price_list.prices, tuple(pods), tuple(gone)
        if not prices.known and ledger is None:
            return None
        known = known_uids(ledger) if ledger else frozenset()
        every = (*pods, *(each.pod for each in gone))
        # The other Pods keep the price of their first sighting.
        new = [pod for pod in every if pod.metadata.uid not in known] if prices.known else []
        try:
            nodes = await self._nodes_of(new)
        except KubernetesError as error:
            # A stored price is final, so these Pods wait until their nodes can be read.
            log.info("nodes cannot be read: %s", error)
            waiting = {pod.metadata.uid for pod in new}
            pods = tuple(pod for pod in pods if pod.metadata.uid not in waiting)
            gone = tuple(each for each in gone if each.pod.metadata.uid not in waiting)
            nodes = {}
        return paid_pods(
            pods,
            gone,
            nodes,
            created=created,
            prices=prices,
            gpu_resource=self.gpu_resource,
            now=now,
        )

    async def _nodes_of(self, pods: Iterable[ObservedPod]) -> dict[str, ObservedNode]:
        wanted: dict[str, set[str]] = defaultdict(set)
        for pod in pods:
            if pod.spec.node_name:
                devices = requests_of(pod, self.gpu_resource).gpus > 0
                wanted[pod.spec.node_name] |= {self.gpu_resource} if devices else set()
        return await self.nodes.named(wanted)

    def expected_usd_per_hour(self, job: LLMTrainingJob) -> Decimal | None:
        """Price of the trainers before they exist; None if it depends on their nodes."""
        return expected_usd_per_hour(job.spec.compute.trainers, self.price_list.prices)
