"""A failure costs its own class's budget, and each one makes the next wait longer."""

import pytest

from llmtrain_api.exit_codes import FailureClass
from llmtrain_api.spec.policy import Retries
from llmtrain_api.status import Failures
from llmtrain_lifecycle.policies.retry import after_failure

_BUDGETS = Retries(application=2, infrastructure=10, preemption=-1)


def _after(failures: Failures, failure: FailureClass, budgets: Retries = _BUDGETS) -> bool:
    retry = after_failure(
        failures, failure, budgets, first_backoff_seconds=5, longest_backoff_seconds=300
    )
    return retry.allowed


@pytest.mark.parametrize(
    ("before", "failure", "allowed"),
    [
        (Failures(), FailureClass.USER, False),
        (Failures(), FailureClass.APPLICATION, True),
        (Failures(application=1), FailureClass.APPLICATION, True),
        (Failures(application=2), FailureClass.APPLICATION, False),
        (Failures(infrastructure=9), FailureClass.INFRASTRUCTURE, True),
        (Failures(infrastructure=10), FailureClass.INFRASTRUCTURE, False),
        (Failures(preemption=100_000), FailureClass.PREEMPTION, True),
        (Failures(application=2, infrastructure=9), FailureClass.INFRASTRUCTURE, True),
        (Failures(application=1, infrastructure=10), FailureClass.APPLICATION, True),
    ],
)
def test_each_class_has_a_budget_of_its_own(
    before: Failures, failure: FailureClass, *, allowed: bool
) -> None:
    assert _after(before, failure) is allowed


@pytest.mark.parametrize(
    "failure",
    [FailureClass.APPLICATION, FailureClass.INFRASTRUCTURE, FailureClass.PREEMPTION],
)
def test_a_budget_of_0_makes_nothing_good(failure: FailureClass) -> None:
    assert not _after(Failures(), failure, Retries(**{failure.value: 0}))


def test_a_users_fault_is_not_made_good_by_a_budget_without_limit() -> None:
    assert not _after(
        Failures(), FailureClass.USER, Retries(application=-1, infrastructure=-1, preemption=-1)
    )


def test_a_failure_is_counted_in_its_class_alone() -> None:
    before = Failures(application=1, infrastructure=2, preemption=3)
    retry = after_failure(
        before,
        FailureClass.INFRASTRUCTURE,
        _BUDGETS,
        first_backoff_seconds=5,
        longest_backoff_seconds=300,
    )
    assert retry.failures == Failures(application=1, infrastructure=3, preemption=3)


@pytest.mark.parametrize(
    ("before", "wait_seconds"),
    [
        (Failures(), 5),
        (Failures(infrastructure=1), 10),
        (Failures(application=1, preemption=1), 20),
        (Failures(infrastructure=5), 160),
        (Failures(infrastructure=6), 300),
        (Failures(preemption=1_000_000), 300),
    ],
)
def test_the_wait_doubles_with_each_failure_of_any_class_up_to_a_limit(
    before: Failures, wait_seconds: float
) -> None:
    retry = after_failure(
        before,
        FailureClass.INFRASTRUCTURE,
        _BUDGETS,
        first_backoff_seconds=5,
        longest_backoff_seconds=300,
    )
    assert retry.wait_seconds == wait_seconds
