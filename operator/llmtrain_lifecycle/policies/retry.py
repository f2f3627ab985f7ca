"""The retry policy: classifies lost Pods, and decides about another attempt."""

from dataclasses import dataclass
from enum import StrEnum

from llmtrain_api.exit_codes import FailureClass
from llmtrain_api.spec.policy import Retries
from llmtrain_api.status import Failures, LostPod


class PodLossReason(StrEnum):
    """Reason of a lost Pod, in order of severity."""

    FAILED = "PodFailed"
    """Its containers ended."""
    DELETED = "PodDeleted"
    """A user or controller deleted it."""
    PREEMPTED = "PodPreempted"
    """It was preempted by the scheduler, a drain or the end of a spot machine."""
    EVICTED = "PodEvicted"
    """Its node ran short of something."""
    OUT_OF_MEMORY = "OOMKilled"
    """It exceeded its memory limit."""


_GRAVITY = {reason.value: severity for severity, reason in enumerate(PodLossReason)}
_CLASSES = {
    # The next attempt would need as much memory.
    PodLossReason.OUT_OF_MEMORY: FailureClass.APPLICATION,
    PodLossReason.PREEMPTED: FailureClass.PREEMPTION,
}


def severity(loss: LostPod) -> int:
    """Rank of a loss: of several lost Pods, the most severe loss is the cause."""
    return _GRAVITY[loss.reason]


def failure_class_of(loss: LostPod) -> FailureClass:
    """The failure class of the loss."""
    return _CLASSES.get(PodLossReason(loss.reason), FailureClass.INFRASTRUCTURE)


@dataclass(frozen=True)
class Retry:
    """Consequence of a failure."""

    failures: Failures
    """All failures, with the new one."""
    allowed: bool
    """Whether another attempt follows."""
    wait_seconds: float
    """Wait before the next attempt."""


def after_failure(
    failures: Failures,
    failure: FailureClass,
    limits: Retries,
    *,
    first_backoff_seconds: float,
    longest_backoff_seconds: float,
) -> Retry:
    """Count a failure against the limit of its class.

    Args:
        failures: earlier failures of the stage.
        failure: class of the new failure.
        limits: most retries of each class; -1 means no limit.
        first_backoff_seconds: wait after the stage's first failure; each later one doubles it.
        longest_backoff_seconds: limit of the wait.
    """
    counted = failures.replace(**{failure.value: getattr(failures, failure.value) + 1})
    count = getattr(counted, failure.value)
    limit = 0 if failure is FailureClass.USER else getattr(limits, failure.value)
    total = counted.application + counted.infrastructure + counted.preemption
    doublings = min(max(total - 1, 0), 32)
    return Retry(
        failures=counted,
        allowed=limit == -1 or count <= limit,
        wait_seconds=min(first_backoff_seconds * 2**doublings, longest_backoff_seconds),
    )
