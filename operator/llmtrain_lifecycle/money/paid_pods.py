"""Finds the paid time and price of Pods."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from llmtrain_api import names
from llmtrain_api.stages import StageGroup
from llmtrain_lifecycle.money.nodes import ObservedNode, gpu_product, quantity
from llmtrain_lifecycle.money.pod_price import PodPrice, Requests, pod_price
from llmtrain_lifecycle.money.prices import Prices
from llmtrain_lifecycle.observed import ObservedPod
from llmtrain_lifecycle.status_text import read_time


@dataclass(frozen=True)
class PaidPod:
    """A paid Pod."""

    uid: str
    group: StageGroup
    """Stage group that it serves."""
    start: datetime
    """Time of scheduling: it holds its node from then on, also while it pulls its image."""
    end: datetime | None
    """Time at which it released its node; None if it has not."""
    price: PodPrice
    gpu_product: str | None = None
    """Product of its GPUs; None without GPUs, or if its node is unknown."""


@dataclass(frozen=True)
class GonePod:
    """A Pod whose deletion was seen."""

    pod: ObservedPod
    """Last version of the Pod."""
    time: datetime
    """Time of its deletion."""


def paid_pods(
    pods: Iterable[ObservedPod],
    gone: Iterable[GonePod],
    nodes: Mapping[str, ObservedNode],
    *,
    created: datetime,
    prices: Prices,
    gpu_resource: str,
    now: datetime,
) -> tuple[PaidPod, ...]:
    """The paid Pods of a job: those that have had a node.

    Args:
        pods: existing Pods.
        gone: deleted Pods.
        nodes: readable nodes, by name.
        created: creation time of the job; older Pods belong to an earlier job with its name.
        prices: the price list.
        gpu_resource: name of the GPU resource.
        now: current time.
    """
    ends = {
        **{pod.metadata.uid: (pod, _end(pod, now)) for pod in pods},
        **{each.pod.metadata.uid: (each.pod, _given_back(each)) for each in gone},
    }
    paid = []
    for uid, (pod, end) in ends.items():
        start = _scheduled(pod)
        group = pod.metadata.labels.get(names.STAGE_GROUP_LABEL)
        if start is None or start < created or group not in set(StageGroup):
            continue
        node = nodes.get(pod.spec.node_name or "")
        asked = requests_of(pod, gpu_resource)
        profile = pod.metadata.labels.get(names.PROFILE_LABEL)
        price = pod_price(asked, node, prices, gpu_resource=gpu_resource, profile=profile)
        product = gpu_product(node.metadata.labels) if node and asked.gpus else None
        paid.append(PaidPod(uid, StageGroup(group), start, end, price, product))
    return tuple(paid)


def requests_of(pod: ObservedPod, gpu_resource: str) -> Requests:
    """The requests of a Pod as the scheduler counts them.

    Containers run together, after the init containers, which run one by one.
    """

    def asked(resource: str) -> Decimal:
        def of(requests: Mapping[str, str]) -> Decimal:
            return quantity(requests.get(resource, "0"))

        together = sum((of(each.resources.requests) for each in pod.spec.containers), Decimal(0))
        first = (of(each.resources.requests) for each in pod.spec.init_containers)
        return max(together, *first, Decimal(0))

    return Requests(cpus=asked("cpu"), memory_bytes=asked("memory"), gpus=asked(gpu_resource))


def _scheduled(pod: ObservedPod) -> datetime | None:
    condition = pod.condition("PodScheduled")
    if condition is None or condition.status != "True" or condition.last_transition_time is None:
        return None
    return read_time(condition.last_transition_time)


def _end(pod: ObservedPod, now: datetime) -> datetime | None:
    """Time at which an existing Pod released its node."""
    if not pod.ended:
        return None
    disruption = pod.condition("DisruptionTarget")
    time = disruption.last_transition_time if disruption else None
    return _last_container_end(pod) or (read_time(time) if time else now)


def _given_back(gone: GonePod) -> datetime:
    """Time at which a deleted Pod released its node."""
    return _last_container_end(gone.pod) or gone.time


def _last_container_end(pod: ObservedPod) -> datetime | None:
    """Time at which the last container ended; None if one may still run."""
    ends = [
        container.state.terminated.finished_at if container.state.terminated else None
        for container in pod.containers
    ]
    known = [read_time(end) for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None
