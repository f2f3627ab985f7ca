"""Invariants of every status that is written, whatever the cluster does."""

from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.status import (
    ConditionStatus,
    JobStatus,
    Phase,
    StageState,
    StageStatus,
)
from llmtrain_lifecycle.status_text import read_time

_CENT = Decimal("0.01")


def current_stage(job: LLMTrainingJob, status: JobStatus) -> StageStatus:
    """The stage that a job is at; the last where all are done."""
    stages = [status.stage(name) for name in job.spec.stages]
    return next((s for s in stages if s.state is not StageState.SUCCEEDED), stages[-1])


def check_status(
    job: LLMTrainingJob, before: JobStatus, after: JobStatus, succeeded: set[str], created: datetime
) -> None:
    """Check a new status.

    Args:
        job: the job with this status.
        before: the status that it replaces.
        after: the new one.
        succeeded: the submissions that have succeeded.
        created: creation time of the job.
    """
    _check_time(after, created)
    _check_money(after)
    _check_phase(before, after)
    _check_order(after)
    for stage in after.stages:
        _check_failures(job, stage)
        old = before.stage(stage.name)
        assert stage.run.next_attempt in {old.run.next_attempt, old.run.next_attempt + 1}
        if stage.state is StageState.SUCCEEDED:
            assert stage.run.attempt is not None
            won = stage.run.attempt.submission_id
            assert won in succeeded, "a stage succeeds by an attempt that did"
            assert old.state is not StageState.SUCCEEDED or stage == old


def _check_time(status: JobStatus, created: datetime) -> None:
    """Every second is in one bucket, and each interval begins where the last one ended."""
    assert status.goodput is not None
    elapsed = read_time(status.goodput.observed_time) - created
    assert abs(status.goodput.seconds.total - elapsed.total_seconds()) < 1
    for interval, following in pairwise(status.goodput.intervals):
        assert interval.end == following.start
    is_live = [interval.end is None for interval in status.goodput.intervals]
    assert is_live[-1] != status.phase.terminal
    assert not any(is_live[:-1])


def _check_money(status: JobStatus) -> None:
    """What is wasted was spent, and what is spent does not come back."""
    cost = status.cost
    if cost is None:
        return
    assert cost.wasted_usd <= cost.spent_usd + _CENT
    forecasts = [cost.forecast_usd, cost.forecast_at_least_usd]
    known = [usd for usd in forecasts if usd is not None]
    assert len(known) == 1
    assert known[0] >= cost.spent_usd


def _check_phase(before: JobStatus, after: JobStatus) -> None:
    phases = {phase.value for phase in Phase}
    true = [
        each.type
        for each in after.conditions
        if each.status is ConditionStatus.TRUE and each.type in phases
    ]
    own = [] if after.phase.waiting else [after.phase.value]
    assert true == own, "the phase's own condition is true, and no other"
    at_work = {stage.state for stage in after.stages} & {StageState.RUNNING, StageState.STOPPING}
    assert after.phase is Phase.RUNNING or not at_work, "an attempt at work is shown"
    if before.phase.terminal:
        assert (after.phase, after.stages) == (before.phase, before.stages), "it was final"
    states = {stage.state for stage in after.stages}
    assert (after.phase is Phase.FAILED) == (StageState.FAILED in states)
    if after.phase is Phase.SUCCEEDED:
        assert states == {StageState.SUCCEEDED}
    if after.phase is Phase.SUSPENDED:
        assert states <= {StageState.SUCCEEDED, StageState.PENDING}
    for kind, old in {each.type: each for each in before.conditions}.items():
        new = next(each for each in after.conditions if each.type == kind)
        if new.status is old.status:
            assert new.last_transition_time == old.last_transition_time


def _check_order(status: JobStatus) -> None:
    for stage, following in pairwise(status.stages):
        if stage.state is not StageState.SUCCEEDED:
            assert following == JobStatus().stage(following.name), "an earlier stage is not done"


def _check_failures(job: LLMTrainingJob, stage: StageStatus) -> None:
    budgets = job.spec.policy.retries
    assert stage.run.failures.user <= 1
    for failure in ("application", "infrastructure", "preemption"):
        budget, count = getattr(budgets, failure), getattr(stage.run.failures, failure)
        assert budget == -1 or count <= budget + 1
        if budget != -1 and count > budget:
            assert stage.state is StageState.FAILED, "the budget is spent"
