"""A world of one job: its Ray cluster, its drivers, its people, and an executor that may die.

The executor carries out what is decided; everything else happens as a test says. After each pass
the world checks the promises that hold however it misbehaves.
"""

from dataclasses import replace
from datetime import timedelta

from support.passes import NOW, SETTINGS, UID
from support.world_rules import check_status, current_stage

from llmtrain_api.exit_codes import ExitCode, Outcome
from llmtrain_api.progress import ProgressReport
from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.job import LLMTrainingJob
from llmtrain_api.status import JobStatus, Phase
from llmtrain_operator.core.decide import decide
from llmtrain_operator.core.decision import (
    Action,
    Decision,
    DeleteCluster,
    EnsureCluster,
    Stop,
    Submit,
)
from llmtrain_operator.core.snapshot import Snapshot, Submission, SubmissionState


class SimulatedWorld:
    """The world of a job.

    Args:
        job: that is run.
    """

    def __init__(self, job: LLMTrainingJob) -> None:
        self.job, self.generation = job, 1
        self.written = JobStatus()
        self.now = NOW
        self.ctrl_c = False
        self.report: ProgressReport | None = None
        self._cluster_ready, self._cluster_is_coming = False, False
        self._submissions: dict[str, Submission] = {}
        self._told_to_stop: set[str] = set()
        self._runs: dict[str, RunConfig] = {}
        self._succeeded: set[str] = set()

    # What happens by itself.

    def cluster_comes(self) -> None:
        """The cluster that was asked for takes submissions."""
        self._cluster_ready = self._cluster_ready or self._cluster_is_coming
        self._cluster_is_coming = False

    def cluster_goes(self) -> None:
        """The cluster dies, with all that runs on it and all that it knows."""
        self._cluster_ready, self._cluster_is_coming = False, False
        self._submissions, self.report = {}, None

    def driver_works(self, percent: float) -> None:
        """The driver gives a sign of life."""
        for submission in self._alive():
            self._submissions[submission.submission_id] = replace(
                submission, state=SubmissionState.RUNNING
            )
            config = self._runs[submission.submission_id]
            self.report = ProgressReport(
                job_uid=UID,
                stage=config.stage,
                attempt=config.attempt,
                percent=percent,
                activity="working",
                heartbeat=self.now.timestamp(),
            )

    def driver_ends(self, exit_code: int | None, outcome: Outcome | None) -> None:
        """The driver ends by itself."""
        for submission in self._alive():
            done = exit_code == ExitCode.DONE
            self._submissions[submission.submission_id] = replace(
                submission,
                state=SubmissionState.SUCCEEDED if done else SubmissionState.FAILED,
                exit_code=exit_code,
                outcome=outcome,
            )
            if done:
                self._succeeded.add(submission.submission_id)

    def driver_obeys(self) -> None:
        """The driver ends because it was told to: Ray keeps no exit code then."""
        for submission in self._alive():
            if submission.submission_id in self._told_to_stop:
                self._submissions[submission.submission_id] = replace(
                    submission, state=SubmissionState.STOPPED
                )

    def person_sets_suspend(self, *, suspend: bool) -> None:
        """Change `policy.suspend`."""
        policy = self.job.spec.policy.model_copy(update={"suspend": suspend})
        spec = self.job.spec.model_copy(update={"policy": policy})
        self.job = self.job.model_copy(update={"spec": spec})
        self.generation += 1

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.now += timedelta(seconds=seconds)

    # What the executor does.

    def executor_passes(self, *, dies_after: int | None = None) -> Decision:
        """Make a pass.

        Args:
            dies_after: so many of its actions, and before it writes the status; None where it
                does not die.
        """
        snapshot = Snapshot(
            cluster_ready=self._cluster_ready,
            submissions=tuple(self._submissions.values()),
            progress=self.report,
            stop_requested=self.ctrl_c,
        )
        decision = decide(
            self.job, UID, self.generation, self.written, snapshot, self.now, SETTINGS
        )
        for action in decision.actions[:dies_after]:
            self._carry_out(action)
        if dies_after is None and decision.status != self.written:
            before = self.written
            self.written = JobStatus.model_validate_json(decision.status.model_dump_json())
            check_status(self.job, before, self.written, self._succeeded)
        return decision

    def calms_down(self, *, passes: int) -> None:
        """Let all things go well until the job is at rest.

        Args:
            passes: within so many.
        """
        for _ in range(passes):
            before = self.written
            decision = self.executor_passes()
            at_rest = self.written.phase.terminal or self.written.phase is Phase.SUSPENDED
            if at_rest and self.written == before and not decision.actions:
                return
            self.cluster_comes()
            self.driver_obeys()
            if self.report is not None and self.report.percent == 100:
                self.driver_ends(ExitCode.DONE, None)
            self.report = None
            self.driver_works(100)
            self.wait(decision.requeue_after_seconds or 0)
        raise AssertionError(f"not at rest after {passes} passes: {self.written}")

    def _alive(self) -> list[Submission]:
        return [each for each in self._submissions.values() if not each.state.ended]

    def _carry_out(self, action: Action) -> None:
        wants_stop = self.ctrl_c or self.job.spec.policy.suspend
        at_rest = wants_stop or self.written.phase.terminal
        match action:
            case EnsureCluster():
                assert not at_rest, "a job at rest holds no compute"
                self._cluster_is_coming = not self._cluster_ready
            case DeleteCluster():
                assert at_rest, "a job at work keeps its cluster"
                assert current_stage(self.job, self.written).submission_id is None or (
                    self.written.phase.terminal
                ), "what became of an attempt is written before the cluster that knows it is gone"
                self.cluster_goes()
            case Submit(submission_id, config):
                assert not at_rest, "a job at rest starts nothing"
                self._submit(submission_id, config)
            case Stop(submission_id):
                self._told_to_stop.add(submission_id)

    def _submit(self, submission_id: str, config: RunConfig) -> None:
        assert self._cluster_ready, "nobody is there to take it"
        recorded = current_stage(self.job, self.written)
        assert recorded.submission_id == submission_id, "an attempt is written before it starts"
        assert (recorded.name, recorded.attempt) == (config.stage, config.attempt)
        if submission_id in self._submissions:
            return  # Ray refuses a used id
        assert submission_id not in self._runs, "an id is for one run"
        assert not self._alive(), "at most one attempt lives"
        self._runs[submission_id] = config
        self._submissions[submission_id] = Submission(submission_id, SubmissionState.PENDING)
