"""Failures: what a lost Pod is put down to, and whether a failed attempt is made good."""

from dataclasses import dataclass
from enum import StrEnum

from llmtrain_api.exit_codes import FailureClass
from llmtrain_api.spec.policy import Retries
from llmtrain_api.status import Failures, LostPod


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


@dataclass(frozen=True)
class Retry:
    """What follows from a failure."""

    failures: Failures
    """With the new one."""
    allowed: bool
    """Whether the stage is tried again."""
    wait_seconds: float
    """Before the next attempt."""


def after_failure(
    failures: Failures,
    failure: FailureClass,
    budgets: Retries,
    *,
    first_backoff_seconds: float,
    longest_backoff_seconds: float,
) -> Retry:
    """Count a failure against the budget of its class.

    Args:
        failures: of the stage so far.
        failure: the class of the new one.
        budgets: failures of each class that are made good; -1 means no limit.
        first_backoff_seconds: wait after the stage's first failure, doubled by each one after it.
        longest_backoff_seconds: the wait grows no longer than this.
    """
    counted = failures.replace(**{failure.value: getattr(failures, failure.value) + 1})
    count = getattr(counted, failure.value)
    budget = 0 if failure is FailureClass.USER else getattr(budgets, failure.value)
    total = counted.application + counted.infrastructure + counted.preemption
    doublings = min(max(total - 1, 0), 32)
    return Retry(
        failures=counted,
        allowed=budget == -1 or count <= budget,
        wait_seconds=min(first_backoff_seconds * 2**doublings, longest_backoff_seconds),
    )
