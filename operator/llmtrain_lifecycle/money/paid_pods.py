"""From when to when a Pod is paid for, and at which price."""

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
    """A Pod that costs something, as far as is known now."""

    uid: str
    group: StageGroup
    """The stages that it serves."""
    start: datetime
    """When it was scheduled: its node is held from then on, also while it pulls its image."""
    end: datetime | None
    """When it gave its node back; None where it has not."""
    price: PodPrice
    gpu_product: str | None = None
    """What its GPUs are; None where it has none, or nothing is known of its node."""


@dataclass(frozen=True)
class GonePod:
    """A Pod that was seen to go."""

    pod: ObservedPod
    """As it was last."""
    time: datetime
    """When it was gone."""


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
    """Those of a job's Pods that have had a node.

    Args:
        pods: that are there.
        gone: that were.
        nodes: by name; one that is not among them cannot be seen.
        created: when the job was; an older Pod is of an earlier job with its name.
        prices: the price list.
        gpu_resource: the resource that counts GPUs.
        now: the time.
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
        price = pod_price(asked, node, prices, gpu_resource=gpu_resource)
        product = gpu_product(node.metadata.labels) if node and asked.gpus else None
        paid.append(PaidPod(uid, StageGroup(group), start, end, price, product))
    return tuple(paid)


def requests_of(pod: ObservedPod, gpu_resource: str) -> Requests:
    """As the scheduler counts: containers run together, after the init containers one by one."""

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
    """When a Pod that is still there gave its node back."""
    if not pod.ended:
        return None
    disruption = pod.condition("DisruptionTarget")
    told = disruption.last_transition_time if disruption else None
    return _last_container_end(pod) or (read_time(told) if told else now)


def _given_back(gone: GonePod) -> datetime:
    """When a Pod that is not there any more gave its node back."""
    return _last_container_end(gone.pod) or gone.time


def _last_container_end(pod: ObservedPod) -> datetime | None:
    """When the last of its containers ended; None where one has not, as far as anybody told."""
    ends = [
        container.state.terminated.finished_at if container.state.terminated else None
        for container in pod.containers
    ]
    known = [read_time(end) for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None
