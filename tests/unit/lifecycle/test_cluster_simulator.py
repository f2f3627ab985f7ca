"""The state machine keeps its promises in worlds that misbehave at random."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from support.cluster_simulator import ClusterSimulator
from support.job_harness import job_of

from llmtrain_api.exit_codes import ExitCode, Outcome
from llmtrain_api.goodput import Seconds
from llmtrain_api.status import EvaluationResult, Phase

_STAGES = ("data", "tokenizer", "model", "pretrain", "export")
_BUDGETS = st.sampled_from([-1, 0, 1, 2])
_EXIT_CODES = st.sampled_from([*ExitCode, 1, 137, -9, None])
_MEASURED = EvaluationResult(name="bitsPerByte", model="pretrained", value=1.5)
_OUTCOMES = st.sampled_from(
    [
        None,
        Outcome(reason="Said", message="why", evaluation=(_MEASURED,)),
        Outcome(reason="R" * 300, message="m" * 5000),
    ]
)


class Misbehaving(RuleBasedStateMachine):
    """Anything may happen at any time; the simulator checks every reconcile."""

    @initialize(
        application=_BUDGETS,
        infrastructure=_BUDGETS,
        preemption=_BUDGETS,
        deadline=st.sampled_from([None, 120, 4000]),
    )
    def begin(
        self, application: int, infrastructure: int, preemption: int, deadline: int | None
    ) -> None:
        policy = {
            "hangTimeoutSeconds": 60,
            "activeDeadlineSeconds": deadline,
            "retries": {
                "application": application,
                "infrastructure": infrastructure,
                "preemption": preemption,
            },
        }
        self.simulator = ClusterSimulator(job_of(*_STAGES, policy=policy))

    @rule(times=st.integers(1, 4))
    def reconciles(self, times: int) -> None:
        for _ in range(times):
            self.simulator.executor_reconciles()

    @rule(actions=st.integers(0, 1))
    def a_reconcile_dies(self, actions: int) -> None:
        self.simulator.executor_reconciles(dies_after=actions)

    @rule()
    def cluster_comes(self) -> None:
        self.simulator.cluster_comes()

    @rule()
    def cluster_loses_a_worker(self) -> None:
        self.simulator.cluster_loses_a_worker()

    @rule()
    def cluster_breaks(self) -> None:
        self.simulator.cluster_breaks()

    @rule()
    def cluster_goes(self) -> None:
        self.simulator.cluster_goes()

    @rule()
    def cluster_has_gone(self) -> None:
        self.simulator.cluster_has_gone()

    @rule(percent=st.sampled_from([0, 33.3, 100]))
    def driver_works(self, percent: float) -> None:
        self.simulator.driver_works(percent)

    @rule()
    def progress_cannot_be_read(self) -> None:
        self.simulator.report = None

    @rule(silent=st.booleans())
    def ray_falls_silent(self, *, silent: bool) -> None:
        self.simulator.silent_since = self.simulator.now if silent else None

    @rule(exit_code=_EXIT_CODES, outcome=_OUTCOMES)
    def driver_ends(self, exit_code: int | None, outcome: Outcome | None) -> None:
        self.simulator.driver_ends(exit_code, outcome)

    @rule()
    def driver_succeeds(self) -> None:
        self.simulator.driver_ends(ExitCode.DONE, None)

    @rule()
    def driver_obeys(self) -> None:
        self.simulator.driver_obeys()

    @rule(suspend=st.booleans())
    def person_sets_suspend(self, *, suspend: bool) -> None:
        self.simulator.person_sets_suspend(suspend=suspend)

    @rule(ctrl_c=st.booleans())
    def person_interrupts(self, *, ctrl_c: bool) -> None:
        self.simulator.ctrl_c = ctrl_c

    @rule(seconds=st.sampled_from([0.3, 5, 59, 61, 3600]))
    def time_goes_by(self, seconds: float) -> None:
        self.simulator.wait(seconds)

    @precondition(lambda self: self.simulator.written.phase is Phase.RUNNING)
    @rule()
    def all_goes_well_for_a_while(self) -> None:
        for _ in range(6):
            self.simulator.wait(self.simulator.executor_reconciles().requeue_after_seconds or 0)
            self.simulator.cluster_has_gone()
            self.simulator.cluster_comes()

    def teardown(self) -> None:
        """Every world that stops misbehaving comes to rest, and stays there in silence."""
        self.simulator.run_until_idle(max_reconciles=80)
        rest = self.simulator.written
        for _ in range(100):
            self.simulator.wait(3600)
            decision = self.simulator.executor_reconciles()
            assert (decision.status, decision.actions) == (rest, ())
            assert decision.requeue_after_seconds is None


Misbehaving.TestCase.settings = settings(max_examples=200, stateful_step_count=40)
TestMisbehavingWorld = pytest.mark.slow(Misbehaving.TestCase)


def test_a_cluster_without_faults_runs_the_whole_pipeline() -> None:
    simulator = ClusterSimulator(job_of(*_STAGES))
    simulator.run_until_idle(max_reconciles=60)
    assert simulator.written.phase is Phase.SUCCEEDED


def test_a_job_whose_life_fits_in_one_instant_has_a_whole_status() -> None:
    policy = {"hangTimeoutSeconds": 60, "retries": {"infrastructure": 0, "preemption": 0}}
    simulator = ClusterSimulator(job_of(*_STAGES, policy=policy))
    simulator.executor_reconciles()
    simulator.executor_reconciles()
    simulator.cluster_comes()
    simulator.executor_reconciles()
    simulator.cluster_loses_a_worker()
    simulator.run_until_idle(max_reconciles=80)
    goodput = simulator.written.goodput
    assert simulator.written.phase is Phase.FAILED
    assert goodput is not None
    assert [interval.end for interval in goodput.intervals] == [goodput.observed_time]
    assert goodput.seconds == Seconds()
