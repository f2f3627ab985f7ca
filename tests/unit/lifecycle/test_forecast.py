"""The forecast of a job's time and cost, across restarts and while its cluster starts."""

from dataclasses import replace
from decimal import Decimal

import pytest
from support.billed_job_harness import BilledJobHarness, paid_pod

from llmtrain_api.cost import PriceSource
from llmtrain_api.exit_codes import ExitCode, Outcome
from llmtrain_api.goodput import WorkSeconds
from llmtrain_api.progress import ProgressReport
from llmtrain_api.stages import Stage
from llmtrain_api.status import Phase, StageState
from llmtrain_lifecycle.snapshot import ClusterState

_STAGE_SECONDS = 1000
_LINE = ("data", "tokenizer", "model", "pretrain")


class _Training(BilledJobHarness):
    """A job that pretrains for 1000 seconds, at a cent a second: 10 USD."""

    def __init__(self, *stages: str, max_usd: float = 15) -> None:
        policy = {"budget": {"maxUsd": max_usd, "action": "warn"}}
        super().__init__(*(stages or _LINE), policy=policy)
        self.paid = (paid_pod("a"),)
        self.expected = Decimal(36)

    def begin_pretraining(self) -> None:
        """The two stages before it take 5 seconds each."""
        for _ in range(2):
            self.start()
            self.wait(5)
            self.end()
            self.reconcile()
            self.submission = None
        self.start()

    def trains(self, percent: int, *, checkpoint: int | None = None) -> None:
        """The attempt has come so far, and says so."""
        self.reconcile(progress=self.report_at(percent, checkpoint=checkpoint))

    def report_at(self, percent: int, *, checkpoint: int | None = None) -> ProgressReport:
        """The driver's report at some percent, with the last committed step or all work done."""
        plan = self.status.plan
        stage = plan.stage(Stage.PRETRAIN) if plan else None
        assert stage is not None
        assert stage.tokens is not None
        uncommitted = 0 if checkpoint is None else 10 * (percent - checkpoint)
        return self.report(
            percent,
            step=percent,
            total_steps=100,
            checkpoint_step=checkpoint,
            tokens=stage.tokens * percent // 100,
            tokens_per_second=stage.tokens / _STAGE_SECONDS,
            eta_seconds=_STAGE_SECONDS * (100 - percent) / 100,
            mfu=0.3,
            work=WorkSeconds(start_up=5, productive=10 * percent, uncommitted=uncommitted),
        )

    def is_suspended(self, *, outcome: Outcome | None = None) -> None:
        """A person suspends it; it stops, and its Pods go."""
        self.set_policy(budget={"maxUsd": 15, "action": "warn"}, suspend=True)
        self.reconcile()
        self.wait(5)
        if outcome is None:
            self.end_stopped()
        else:
            self.end(ExitCode.INTERRUPTED, outcome)
        self.reconcile()
        self.submission = None
        self.reconcile()
        assert self.status.phase is Phase.SUSPENDED
        self.paid = (paid_pod("a", end=self.now),)
        self.wait(5)
        self.reconcile()
        self.reconcile()

    def is_resumed(self) -> None:
        """It goes on an hour later, on a Pod of its own."""
        self.wait(3600)
        self.set_policy(budget={"maxUsd": 15, "action": "warn"}, suspend=False)
        self.paid = (*(self.paid or ()), paid_pod("b", self.now))
        self.start()

    @property
    def eta(self) -> float | None:
        """Seconds to the end of the pipeline."""
        assert self.status.progress is not None
        return self.status.progress.pipeline_eta_seconds

    @property
    def forecast(self) -> float | None:
        """US dollars at the end."""
        forecast = self.cost.forecast_usd
        return None if forecast is None else float(forecast)

    def assert_forecast(self, *, usd: float, seconds_left: float | None) -> None:
        """Check both, give or take what a start of a stage takes."""
        assert self.forecast == pytest.approx(usd, abs=0.4)
        if seconds_left is None:
            assert self.eta is None
        else:
            assert self.eta == pytest.approx(seconds_left, abs=40)
        condition = self.budget_condition
        assert condition is not None
        assert condition.reason != "ForecastOverBudget"


def _at_90_percent(*, checkpoint: int | None = None) -> _Training:
    job = _Training()
    job.begin_pretraining()
    job.wait(900)
    job.trains(90, checkpoint=checkpoint)
    job.reconcile(progress=job.report_at(90, checkpoint=checkpoint))
    job.assert_forecast(usd=10.2, seconds_left=100)
    return job


@pytest.mark.parametrize(
    "outcome",
    [None, Outcome(reason="Interrupted", message="", work=WorkSeconds(productive=900))],
    ids=["killed", "stopped"],
)
def test_what_is_kept_is_not_counted_again_while_a_job_is_suspended_and_resumed(
    outcome: Outcome | None,
) -> None:
    job = _at_90_percent(checkpoint=None if outcome else 89)
    job.is_suspended(outcome=outcome)
    job.assert_forecast(usd=10.4, seconds_left=None)
    job.is_resumed()
    job.wait(31)
    job.reconcile()
    job.assert_forecast(usd=10.7, seconds_left=120)
    job.reconcile(progress=job.report(0, activity="restoring"))
    job.assert_forecast(usd=10.7, seconds_left=120)
    job.wait(31)
    job.trains(92)
    job.assert_forecast(usd=10.9, seconds_left=80)


def test_the_time_that_an_attempt_takes_to_end_is_no_pause_between_steps() -> None:
    """Ray may need minutes to give up the ranks of a lost Pod."""
    job = _at_90_percent()
    job.wait(600)
    outcome = Outcome(reason="Interrupted", message="", work=WorkSeconds(productive=900))
    job.end(ExitCode.INTERRUPTED, outcome)
    job.reconcile()
    assert job.eta == pytest.approx(100, abs=40)


def test_what_is_lost_is_counted_again_while_an_attempt_backs_off() -> None:
    job = _at_90_percent(checkpoint=60)
    job.end(None)
    job.reconcile()
    assert job.stage.state is StageState.PENDING
    job.assert_forecast(usd=13.2, seconds_left=400)


def test_a_second_failure_before_the_first_step_changes_nothing() -> None:
    job = _at_90_percent(checkpoint=60)
    for _ in range(2):
        job.end(None)
        job.reconcile()
        job.submission = None
        job.wait(10)
        job.start()
        job.reconcile(progress=job.report(0, activity="restoring"))
    job.assert_forecast(usd=13.3, seconds_left=400)


def test_the_forecast_of_a_stage_that_does_not_train_uses_its_own_attempt_alone() -> None:
    job = _Training("data")
    job.start()
    job.wait(80)
    job.reconcile(progress=job.report(80))
    assert job.eta == pytest.approx(20, abs=1)
    job.end(None)
    job.reconcile()
    job.submission = None
    job.start()
    assert job.eta == pytest.approx(20)  # as long as stages take here to start
    job.wait(35)
    job.reconcile(progress=job.report(10))
    assert job.eta == pytest.approx(9 * 35, abs=20)


def test_a_job_that_does_not_run_has_no_time_to_its_end_and_no_speed() -> None:
    job = _at_90_percent()
    job.is_suspended()
    progress = job.status.progress
    assert progress is not None
    assert (progress.pipeline_eta_seconds, progress.mfu, progress.tokens_per_second) == (None,) * 3
    assert progress.stage_percent == 90


def test_the_first_pods_of_a_cluster_do_not_stand_for_all() -> None:
    job = _Training()
    job.expected, job.paid = Decimal(3600), ()
    job.reconcile()
    before = job.forecast
    assert before is not None
    job.cluster_state = ClusterState.STARTING
    job.paid = (paid_pod("head", usd_per_hour=1),)
    job.reconcile()
    assert job.forecast == pytest.approx(before, rel=0.1)
    job.cluster_state = ClusterState.READY
    job.paid = (*job.paid, paid_pod("worker", usd_per_hour=36))
    job.reconcile()
    assert job.forecast == pytest.approx(before / 100, rel=0.2)


def test_a_lost_worker_does_not_make_a_job_cheaper() -> None:
    job = _Training()
    job.paid, job.expected = (paid_pod("a"), paid_pod("b")), None
    job.begin_pretraining()
    job.wait(100)
    job.trains(10)
    job.reconcile(progress=job.report_at(10))
    forecast = job.forecast
    job.cluster_state = ClusterState.STARTING
    job.paid = (paid_pod("a"), paid_pod("b", end=job.now))
    job.reconcile(progress=job.report_at(10))
    assert job.forecast == forecast


def test_what_was_planned_is_at_the_price_that_is_paid() -> None:
    job = _Training()
    job.expected, job.paid = Decimal(3600), ()
    job.reconcile()
    guessed = job.cost.planned_usd
    assert guessed is not None
    job.paid = (paid_pod("a", usd_per_hour=36),)
    job.reconcile()
    paid = job.cost.planned_usd
    assert paid == pytest.approx(guessed / 100, abs=Decimal("0.01"))
    job.begin_pretraining()
    job.paid = (paid_pod("a", usd_per_hour=36, end=job.now),)
    job.reconcile()
    assert job.cost.planned_usd == paid, "it stands when the Pods are gone"


def test_pods_without_a_price_leave_the_cost_open() -> None:
    job = _Training()
    job.paid = (paid_pod("a"), paid_pod("b", usd_per_hour=0))
    job.begin_pretraining()
    job.reconcile()
    assert job.cost.unpriced_pods == 1
    assert (job.forecast, job.cost.planned_usd) == (None, None)
    condition = job.budget_condition
    assert condition is not None
    assert (condition.status.value, condition.reason) == ("Unknown", "NoPrices")
    assert "prices" in condition.message


def _without_forecast(*, max_usd: float) -> _Training:
    """A job that is to fine-tune on conversations that nobody has counted yet."""
    job = _Training("data", "tokenizer", "model", "pretrain", "finetune", max_usd=max_usd)
    job.expected, job.paid = Decimal(1_000_000), ()
    job.reconcile()
    job.reconcile()
    assert job.forecast is None
    return job


def test_a_lower_bound_above_the_budget_exceeds_it() -> None:
    job = _without_forecast(max_usd=1)
    assert job.cost.forecast_at_least_usd is not None
    assert job.cost.forecast_at_least_usd > 1
    condition = job.budget_condition
    assert condition is not None
    assert condition.reason == "ForecastOverBudget"


def test_a_budget_is_not_said_to_suffice_where_nobody_knows() -> None:
    condition = _without_forecast(max_usd=1e9).budget_condition
    assert condition is not None
    assert (condition.status.value, condition.reason) == ("True", "WithinBudget")
    assert "not known yet" in condition.message


def test_prices_that_are_taken_away_end_no_account() -> None:
    job = _Training()
    job.begin_pretraining()
    job.wait(100)
    (pod,) = job.paid or ()
    unpriced = replace(pod.price, usd_per_hour=Decimal(0), source=PriceSource.NONE)
    job.paid = (replace(pod, end=job.now, price=unpriced), replace(pod, uid="b", price=unpriced))
    job.reconcile()
    assert job.cost.spent_usd == pytest.approx(Decimal("1.1"), abs=Decimal("0.05"))
    assert (job.cost.usd_per_hour, job.cost.unpriced_pods) == (0, 1)


def test_a_budget_without_any_prices_says_that_it_is_not_enforced() -> None:
    job = _Training()
    job.paid, job.expected = None, None
    job.reconcile()
    condition = job.budget_condition
    assert condition is not None
    assert (condition.status.value, condition.reason) == ("Unknown", "NoPrices")
    assert "policy.budget.maxUsd: 15 is not enforced" in condition.message
