"""What a failure is put down to when a Pod was lost: which budget pays for it."""

from enum import StrEnum

from llmtrain_api.exit_codes import FailureClass
from llmtrain_api.status import LostPod


class PodLossReason(StrEnum):
    """Why a Pod is lost; the less grave first."""

    FAILED = "PodFailed"
    """Its containers ended."""
    DELETED = "PodDeleted"
    """Somebody deleted it."""
    PREEMPTED = "PodPreempted"
    """The scheduler, a drain or the end of a spot machine took it away."""
    EVICTED = "PodEvicted"
    """Its node ran short of something."""
    OUT_OF_MEMORY = "OOMKilled"
    """It used more memory than it may have."""


_GRAVITY = {reason.value: severity for severity, reason in enumerate(PodLossReason)}
_CLASSES = {
    # It would need as much the next time.
    PodLossReason.OUT_OF_MEMORY: FailureClass.APPLICATION,
    PodLossReason.PREEMPTED: FailureClass.PREEMPTION,
}


def severity(loss: LostPod) -> int:
    """Orders losses: where several Pods went, the gravest is to blame for the others."""
    return _GRAVITY[loss.reason]


def failure_class_of(loss: LostPod) -> FailureClass:
    """The class of a failure that the loss led to."""
    return _CLASSES.get(PodLossReason(loss.reason), FailureClass.INFRASTRUCTURE)
