"""What became of a Pod that is there no more: KubeRay deletes it, and its exit code with it."""

from datetime import datetime, timedelta

from llmtrain_api import names
from llmtrain_api.status import MESSAGE_MAX_LENGTH, LostPod, StageStatus
from llmtrain_operator.core.observed import ContainerEnd, ObservedPod
from llmtrain_operator.core.policies.loss import LossReason, gravity
from llmtrain_operator.core.timestamps import read_time, write_time


def pod_losses(pods: tuple[ObservedPod, ...], cluster: str) -> tuple[LostPod, ...]:
    """What became of those Pods of a Ray cluster that ended or are on their way out.

    Args:
        pods: with the job's label, those that are gone already among them.
        cluster: its name.
    """
    losses = (_loss(pod) for pod in pods if pod.cluster == cluster and not pod.lives)
    return tuple(loss for loss in losses if loss is not None)


def with_losses(stage: StageStatus, losses: tuple[LostPod, ...]) -> StageStatus:
    """A stage at work, and the gravest loss since its attempt was recorded."""
    assert stage.attempt_time is not None, "it is at work"
    known = (stage.lost_pod,) if stage.lost_pod else ()
    newer = (loss for loss in losses if loss.time >= stage.attempt_time)
    gravest = max((*known, *newer), key=gravity, default=None)
    return stage.model_copy(update={"lost_pod": gravest})


def _loss(pod: ObservedPod) -> LostPod | None:
    time = _first_sign(pod)
    if time is None:
        return None  # nobody saw it go
    reason, message = _why(pod)
    return LostPod(
        name=pod.metadata.name,
        reason=reason,
        message=message[:MESSAGE_MAX_LENGTH],
        time=write_time(time),
    )


def _why(pod: ObservedPod) -> tuple[LossReason, str]:
    name, ends, deleted = pod.metadata.name, _ends(pod), _deletion_time(pod)
    disruption = pod.condition("DisruptionTarget")
    if any(end.reason == "OOMKilled" for end in ends):
        group = "head" if pod.is_head else pod.metadata.labels.get(names.STAGE_GROUP_LABEL, "head")
        advice = f"give it more by compute.{group}.memory"
        return LossReason.OUT_OF_MEMORY, f"{name} needed more memory than it may have; {advice}"
    if pod.status.reason == "Evicted":
        return LossReason.EVICTED, f"{name} was evicted: {pod.status.message}"
    if disruption is not None and disruption.status == "True":
        told = f"{disruption.reason}: {disruption.message}".removesuffix(": ")
        return LossReason.PREEMPTED, f"{name} was taken away: {told}"
    if deleted is not None and all(deleted < ended for ended in _end_times(pod)):
        return LossReason.DELETED, f"{name} was deleted"
    codes = ", ".join(str(end.exit_code) for end in ends) or "unknown"
    told = pod.status.message or f"exit code {codes}"
    return LossReason.FAILED, f"{name} ended: {told}"


def _ends(pod: ObservedPod) -> list[ContainerEnd]:
    """Of its containers; one that only prepared the Pod is no loss."""
    states = (container.state for container in pod.status.container_statuses)
    return [state.terminated for state in states if state.terminated is not None]


def _end_times(pod: ObservedPod) -> list[datetime]:
    return [read_time(end.finished_at) for end in _ends(pod) if end.finished_at]


def _deletion_time(pod: ObservedPod) -> datetime | None:
    """When somebody deleted it; KubeRay deletes what has ended, a moment later."""
    gone_by, grace = pod.metadata.deletion_timestamp, pod.metadata.deletion_grace_period_seconds
    return read_time(gone_by) - timedelta(seconds=grace) if gone_by else None


def _first_sign(pod: ObservedPod) -> datetime | None:
    """When its end began: it was deleted, or a container ended."""
    deleted = _deletion_time(pod)
    return min((*_end_times(pod), *([deleted] if deleted else [])), default=None)
