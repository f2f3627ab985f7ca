"""What follows from a budget."""

from datetime import timedelta
from decimal import Decimal

import pytest
from support.billed_job_harness import BilledJobHarness, paid_pod
from support.cluster_simulator import ClusterSimulator
from support.job_harness import NOW, job_of

from llmtrain_api.cost import CapacityType, Cost, Ledger, OpenPods, PriceSource
from llmtrain_api.exit_codes import ExitCode
from llmtrain_api.spec.policy import Budget, BudgetAction
from llmtrain_api.stages import Stage, StageGroup
from llmtrain_api.status import JobStatus, Phase, StageState
from llmtrain_lifecycle.policies.budget import BudgetState, budget_view
from llmtrain_lifecycle.status_text import write_time


def _status(*, forecast: int | None = None) -> JobStatus:
    """A dollar a second since NOW."""
    pods = OpenPods(
        uids=("pod",),
        group=StageGroup.TRAINERS,
        start=write_time(NOW),
        usd_per_hour=Decimal(3600),
        capacity_type=CapacityType.ON_DEMAND,
        source=PriceSource.NODE,
    )
    cost = Cost(
        observed_time=write_time(NOW),
        spent_usd=Decimal(0),
        usd_per_hour=Decimal(3600),
        forecast_usd=None if forecast is None else Decimal(forecast),
        ledger=Ledger(open=(pods,)),
    )
    return JobStatus(cost=cost)


@pytest.mark.parametrize(
    ("seconds", "forecast", "state", "seconds_left"),
    [
        (0, None, "WithinBudget", 80),
        (10, 100, "WithinBudget", 70),
        (10, 101, "ForecastOverBudget", 70),
        (80, 90, "BudgetNearlySpent", 20),
        (99, 101, "BudgetNearlySpent", 1),
        (100, None, "BudgetExceeded", None),
    ],
)
def test_state(seconds: int, forecast: int | None, state: str, seconds_left: float | None) -> None:
    now = NOW + timedelta(seconds=seconds)
    view = budget_view(Budget(max_usd=100), _status(forecast=forecast), now)
    assert view is not None
    assert (view.state, view.seconds_left) == (BudgetState(state), seconds_left)
    assert "policy.budget.maxUsd: 100" in view.message


@pytest.mark.parametrize(
    ("action", "stops", "fails"),
    [("warn", False, False), ("suspend", True, False), ("fail", False, True)],
)
def test_action(action: str, *, stops: bool, fails: bool) -> None:
    now = NOW + timedelta(seconds=100)
    view = budget_view(Budget(max_usd=100, action=BudgetAction(action)), _status(), now)
    assert view is not None
    assert (view.stops, view.fails) == (stops, fails)


def test_without_budget_or_prices_nothing_is_said() -> None:
    assert budget_view(None, _status(), NOW) is None
    assert budget_view(Budget(max_usd=1), JobStatus(), NOW) is None


def _simulator(action: str) -> ClusterSimulator:
    """A job at work that costs a dollar a second, with a budget of 100 dollars."""
    simulator = ClusterSimulator(
        job_of("data", policy={"budget": {"maxUsd": 100, "action": action}})
    )
    for _ in range(6):
        simulator.executor_reconciles()
        simulator.cluster_comes()
    simulator.driver_works(10)
    simulator.executor_reconciles()
    assert simulator.written.stage(Stage.DATA).state is StageState.RUNNING
    return simulator


def _until_spent(simulator: ClusterSimulator) -> None:
    """Pass as often as the job asks for it, until its budget is spent."""
    for _ in range(10):
        left = simulator.executor_reconciles().requeue_after_seconds
        if simulator.written.stage(Stage.DATA).state is not StageState.RUNNING:
            return
        assert left is not None
        simulator.wait(left)
        simulator.driver_works(10)
    raise AssertionError("nothing came of it")


def test_a_spent_budget_suspends_after_a_checkpoint_and_more_money_goes_on() -> None:
    simulator = _simulator("suspend")
    _until_spent(simulator)
    assert simulator.written.stage(Stage.DATA).state is StageState.STOPPING
    simulator.wait(5)  # the checkpoint
    simulator.driver_obeys()
    simulator.run_until_idle(max_reconciles=10)
    assert simulator.written.phase is Phase.SUSPENDED
    cost = simulator.written.cost
    assert cost is not None
    assert 100 <= cost.spent_usd <= 106
    (message,) = {c.message for c in simulator.written.conditions if c.type == "Suspended"}
    assert "policy.budget.maxUsd: 100" in message

    simulator.person_sets_budget(1000)
    for _ in range(6):
        simulator.executor_reconciles()
        simulator.cluster_comes()
    simulator.driver_ends(ExitCode.DONE, None)
    simulator.executor_reconciles()
    assert simulator.written.stage(Stage.DATA).state is StageState.SUCCEEDED


def test_a_spent_budget_fails() -> None:
    simulator = _simulator("fail")
    _until_spent(simulator)
    simulator.driver_obeys()
    simulator.run_until_idle(max_reconciles=10)
    assert simulator.written.phase is Phase.FAILED
    assert simulator.written.stage(Stage.DATA).run.reason == "BudgetExceeded"


def test_a_spent_budget_warns() -> None:
    simulator = _simulator("warn")
    simulator.wait(200)
    simulator.driver_works(10)
    simulator.executor_reconciles()
    (said,) = [c for c in simulator.written.conditions if c.type == "WithinBudget"]
    assert (said.status.value, said.reason) == ("False", "BudgetExceeded")
    simulator.driver_ends(ExitCode.DONE, None)
    simulator.run_until_idle(max_reconciles=10)
    assert simulator.written.phase is Phase.SUCCEEDED


def test_a_budget_that_is_spent_stays_so_when_a_pod_turns_out_to_have_ended_earlier() -> None:
    budget = {"maxUsd": 100, "action": "suspend"}
    harness = BilledJobHarness("finetune", policy={"budget": budget})
    harness.paid = (paid_pod("a", usd_per_hour=3600),)
    harness.start()
    harness.wait(100)
    harness.reconcile()
    harness.end_stopped()
    harness.reconcile()
    harness.submission = None
    harness.reconcile()
    assert harness.status.phase is Phase.SUSPENDED
    harness.wait(5)
    harness.paid = (paid_pod("a", end=NOW + timedelta(seconds=99), usd_per_hour=3600),)
    for _ in range(2):
        decision = harness.reconcile()
        assert harness.status.phase is Phase.SUSPENDED
    assert decision.requeue_after_seconds is None
    assert harness.cost.spent_usd == 99
    assert harness.cost.wasted_usd <= harness.cost.spent_usd
    harness.set_policy(budget={**budget, "maxUsd": 101})
    harness.reconcile()
    assert harness.status.phase is Phase.PENDING
