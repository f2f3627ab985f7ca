"""Finds the cause of Pod losses: KubeRay deletes lost Pods with their exit codes."""

from datetime import datetime, timedelta

from llmtrain_api import names
from llmtrain_api.status import (
    LOST_PODS_MAX_ITEMS,
    MESSAGE_MAX_LENGTH,
    Attempt,
    ClusterStatus,
    LostPod,
)
from llmtrain_lifecycle.observed import ContainerEnd, ObservedPod
from llmtrain_lifecycle.policies.retry import PodLossReason, severity
from llmtrain_lifecycle.status_text import read_time, write_time


def find_lost_pods(
    pods: tuple[ObservedPod, ...], gone: tuple[ObservedPod, ...], cluster: str
) -> tuple[LostPod, ...]:
    """The newest losses among the Pods of a Ray cluster: ended or terminating ones.

    Args:
        pods: Pods with the job's label.
        gone: deleted Pods, in the order of deletion.
        cluster: name of the Ray cluster.
    """
    # Deleted Pods come first, so that a loss that was cut off once never returns.
    lost = (pod for pod in (*gone, *pods) if pod.cluster == cluster and not pod.lives)
    losses = [loss for loss in map(_loss, lost) if loss is not None]
    return tuple(losses[-LOST_PODS_MAX_ITEMS:])


def with_earlier_lost_pods(cluster: ClusterStatus, losses: tuple[LostPod, ...]) -> ClusterStatus:
    """The cluster status at the start of an attempt or wait: all losses so far are earlier ones."""
    return cluster.replace(earlier_lost_pods=tuple(loss.uid for loss in losses))


def worst_lost_pod(losses: tuple[LostPod, ...], cluster: ClusterStatus | None) -> LostPod | None:
    """The most severe loss since the start of the attempt on a cluster, or of the wait for it.

    Pods are compared, not times, which come from other machines' clocks.
    """
    earlier = frozenset(cluster.earlier_lost_pods if cluster else ())
    return max((loss for loss in losses if loss.uid not in earlier), key=severity, default=None)


def with_lost_pod(attempt: Attempt, loss: LostPod | None) -> Attempt:
    """A running attempt with the more severe of two losses: the known one and this one."""
    both = [each for each in (attempt.lost_pod, loss) if each is not None]
    return attempt.replace(lost_pod=max(both, key=severity, default=None))


def _loss(pod: ObservedPod) -> LostPod | None:
    time = _first_sign(pod)
    if time is None:
        return None  # its end was not seen
    reason, message = _why(pod)
    return LostPod(
        name=pod.metadata.name,
        uid=pod.metadata.uid,
        reason=reason,
        message=message[:MESSAGE_MAX_LENGTH],
        time=write_time(time),
    )


def _why(pod: ObservedPod) -> tuple[PodLossReason, str]:
    name, ends, deleted = pod.metadata.name, _ends(pod), _deletion_time(pod)
    disruption = pod.condition("DisruptionTarget")
    if any(end.reason == "OOMKilled" for end in ends):
        group = "head" if pod.is_head else pod.metadata.labels.get(names.STAGE_GROUP_LABEL, "head")
        advice = f"give it more by compute.{group}.memory"
        return PodLossReason.OUT_OF_MEMORY, f"{name} needed more memory than it may have; {advice}"
    if pod.status.reason == "Evicted":
        return PodLossReason.EVICTED, f"{name} was evicted: {pod.status.message}"
    if disruption is not None and disruption.status == "True":
        detail = f"{disruption.reason}: {disruption.message}".removesuffix(": ")
        return PodLossReason.PREEMPTED, f"{name} was taken away: {detail}"
    if deleted is not None and all(deleted < ended for ended in _end_times(pod)):
        return PodLossReason.DELETED, f"{name} was deleted"
    codes = ", ".join(str(end.exit_code) for end in ends) or "unknown"
    detail = pod.status.message or f"exit code {codes}"
    return PodLossReason.FAILED, f"{name} ended: {detail}"


def _ends(pod: ObservedPod) -> list[ContainerEnd]:
    """Ended containers of the Pod, without init containers."""
    states = (container.state for container in pod.status.container_statuses)
    return [state.terminated for state in states if state.terminated is not None]


def _end_times(pod: ObservedPod) -> list[datetime]:
    return [read_time(end.finished_at) for end in _ends(pod) if end.finished_at]


def _deletion_time(pod: ObservedPod) -> datetime | None:
    """Deletion time of a running Pod; KubeRay deletes ended Pods a moment later."""
    gone_by, grace = pod.metadata.deletion_timestamp, pod.metadata.deletion_grace_period_seconds
    return read_time(gone_by) - timedelta(seconds=grace) if gone_by else None


def _first_sign(pod: ObservedPod) -> datetime | None:
    """Start of its end: the deletion, or the end of a container."""
    deleted = _deletion_time(pod)
    return min((*_end_times(pod), *([deleted] if deleted else [])), default=None)
