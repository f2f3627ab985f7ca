"""The state machine keeps its promises in worlds that misbehave at random."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from support.passes import job_of
from support.simulated_world import SimulatedWorld

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
    """Anything may happen at any time; the world itself checks every pass."""

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
        self.world = SimulatedWorld(job_of(*_STAGES, policy=policy))

    @rule(times=st.integers(1, 4))
    def passes(self, times: int) -> None:
        for _ in range(times):
            self.world.executor_passes()

    @rule(actions=st.integers(0, 1))
    def a_pass_dies(self, actions: int) -> None:
        self.world.executor_passes(dies_after=actions)

    @rule()
    def cluster_comes(self) -> None:
        self.world.cluster_comes()

    @rule()
    def cluster_loses_a_worker(self) -> None:
        self.world.cluster_loses_a_worker()

    @rule()
    def cluster_breaks(self) -> None:
        self.world.cluster_breaks()

    @rule()
    def cluster_goes(self) -> None:
        self.world.cluster_goes()

    @rule()
    def cluster_has_gone(self) -> None:
        self.world.cluster_has_gone()

    @rule(percent=st.sampled_from([0, 33.3, 100]))
    def driver_works(self, percent: float) -> None:
        self.world.driver_works(percent)

    @rule()
    def progress_cannot_be_read(self) -> None:
        self.world.report = None

    @rule(silent=st.booleans())
    def ray_falls_silent(self, *, silent: bool) -> None:
        self.world.silent_since = self.world.now if silent else None

    @rule(exit_code=_EXIT_CODES, outcome=_OUTCOMES)
    def driver_ends(self, exit_code: int | None, outcome: Outcome | None) -> None:
        self.world.driver_ends(exit_code, outcome)

    @rule()
    def driver_succeeds(self) -> None:
        self.world.driver_ends(ExitCode.DONE, None)

    @rule()
    def driver_obeys(self) -> None:
        self.world.driver_obeys()

    @rule(suspend=st.booleans())
    def person_sets_suspend(self, *, suspend: bool) -> None:
        self.world.person_sets_suspend(suspend=suspend)

    @rule(ctrl_c=st.booleans())
    def person_interrupts(self, *, ctrl_c: bool) -> None:
        self.world.ctrl_c = ctrl_c

    @rule(seconds=st.sampled_from([0.3, 5, 59, 61, 3600]))
    def time_goes_by(self, seconds: float) -> None:
        self.world.wait(seconds)

    @precondition(lambda self: self.world.written.phase is Phase.RUNNING)
    @rule()
    def all_goes_well_for_a_while(self) -> None:
        for _ in range(6):
            self.world.wait(self.world.executor_passes().requeue_after_seconds or 0)
            self.world.cluster_has_gone()
            self.world.cluster_comes()

    def teardown(self) -> None:
        """Every world that stops misbehaving comes to rest, and stays there in silence."""
        self.world.calms_down(passes=80)
        rest = self.world.written
        for _ in range(100):
            self.world.wait(3600)
            decision = self.world.executor_passes()
            assert (decision.status, decision.actions) == (rest, ())
            assert decision.requeue_after_seconds is None


Misbehaving.TestCase.settings = settings(max_examples=200, stateful_step_count=40)
TestMisbehavingWorld = pytest.mark.slow(Misbehaving.TestCase)


def test_a_world_that_behaves_runs_the_whole_line() -> None:
    world = SimulatedWorld(job_of(*_STAGES))
    world.calms_down(passes=60)
    assert world.written.phase is Phase.SUCCEEDED


def test_a_job_whose_life_fits_in_one_instant_has_a_whole_status() -> None:
    policy = {"hangTimeoutSeconds": 60, "retries": {"infrastructure": 0, "preemption": 0}}
    world = SimulatedWorld(job_of(*_STAGES, policy=policy))
    world.executor_passes()
    world.executor_passes()
    world.cluster_comes()
    world.executor_passes()
    world.cluster_loses_a_worker()
    world.calms_down(passes=80)
    goodput = world.written.goodput
    assert world.written.phase is Phase.FAILED
    assert goodput is not None
    assert [interval.end for interval in goodput.intervals] == [goodput.observed_time]
    assert goodput.seconds == Seconds()
