"""Simulates one job: its Ray clusters, drivers, users, and an executor that may die.

Faults and time come from the test. After each reconcile the simulator checks the invariants of the
state machine.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from support.job_harness import NOW, UID
from support.status_invariants import check_status, current_stage

from llmtrain_api.cost import CapacityType, PriceSource
from llmtrain_api.exit_codes import ExitCode, Outcome
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.progress import ProgressReport
from llmtrain_api.run_config import RunConfig
from llmtrain_api.status import JobStatus, Phase
from llmtrain_lifecycle.decide import decide
from llmtrain_lifecycle.decision import (
    Action,
    Decision,
    DeleteCluster,
    DeleteJob,
    EnsureCluster,
    Stop,
    Submit,
)
from llmtrain_lifecycle.money.ledger import spent_usd
from llmtrain_lifecycle.money.paid_pods import PaidPod
from llmtrain_lifecycle.money.pod_price import PodPrice
from llmtrain_lifecycle.settings import Settings
from llmtrain_lifecycle.snapshot import (
    Cluster,
    ClusterState,
    RayUnreachable,
    Snapshot,
    Submission,
    SubmissionState,
)

_A_DOLLAR = PodPrice(Decimal(3600), CapacityType.ON_DEMAND, PriceSource.NODE)
_SETTINGS = Settings(workspace="/workspace", inputs="/workspace")


class ClusterSimulator:
    """A cluster, a Ray and a user around one job.

    Args:
        job: the job that runs.
    """

    def __init__(self, job: LLMTrainingJob) -> None:
        self.job, self.generation = job, 1
        self.written = JobStatus()
        self.now = NOW
        self.ctrl_c = False
        self.report: ProgressReport | None = None
        self.silent_since: datetime | None = None
        """Ray does not answer; what runs on it goes on."""
        self._clusters: dict[str, ClusterState] = {}
        self._submissions: dict[str, Submission] = {}
        self._stop_requested: set[str] = set()
        self._runs: dict[str, RunConfig] = {}
        self._succeeded: set[str] = set()
        self._pods: dict[str, PaidPod] = {}
        """One for each cluster, which costs a dollar a second."""
        self._gone_pods: list[PaidPod] = []

    # What happens by itself.

    def cluster_comes(self) -> None:
        """The cluster that was asked for takes submissions, or has all of its workers again."""
        self._become(ClusterState.READY, ClusterState.STARTING)

    def cluster_loses_a_worker(self) -> None:
        """A worker is gone; another is on its way. The driver lives."""
        self._become(ClusterState.STARTING, ClusterState.READY)

    def cluster_breaks(self) -> None:
        """The cluster loses its head, with all that runs on it and all that it knows."""
        if self._become(ClusterState.BROKEN, ClusterState.STARTING, ClusterState.READY):
            self._forget_all()

    def cluster_goes(self) -> None:
        """Somebody takes the cluster away, with all that runs on it."""
        if self._become(ClusterState.LEAVING, *ClusterState):
            self._forget_all()

    def cluster_has_gone(self) -> None:
        """Nothing is left of a cluster that was being deleted."""
        kept = {n: s for n, s in self._clusters.items() if s is not ClusterState.LEAVING}
        for name in self._clusters.keys() - kept.keys():
            self._gone_pods.append(replace(self._pods.pop(name), end=self.now))
        self._clusters = kept

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
        """The driver ends after a stop request: Ray keeps no exit code then."""
        for submission in self._alive():
            if submission.submission_id in self._stop_requested:
                self._submissions[submission.submission_id] = replace(
                    submission, state=SubmissionState.STOPPED
                )

    def person_sets_suspend(self, *, suspend: bool) -> None:
        """Change `policy.suspend`."""
        self._change_policy(suspend=suspend)

    def person_sets_budget(self, max_usd: float) -> None:
        """Change `policy.budget.maxUsd`."""
        budget = self.job.spec.policy.budget
        assert budget is not None
        self._change_policy(budget=budget.replace(max_usd=max_usd))

    def _change_policy(self, **changes: object) -> None:
        policy = self.job.spec.policy.replace(**changes)
        spec = self.job.spec.replace(policy=policy)
        self.job = self.job.replace(spec=spec)
        self.generation += 1

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.now += timedelta(seconds=seconds)

    @property
    def _silence(self) -> RayUnreachable | None:
        """What an executor reports: only for a running attempt on a cluster that exists."""
        recorded = current_stage(self.job, self.written)
        there = {ClusterState.READY, ClusterState.STARTING} & set(self._clusters.values())
        if self.silent_since is None or recorded.run.live_attempt is None or not there:
            return None
        return RayUnreachable((self.now - self.silent_since).total_seconds(), "no answer")

    # What the executor does.

    def executor_reconciles(self, *, dies_after: int | None = None) -> Decision:
        """Reconcile once.

        Args:
            dies_after: number of actions after which the executor dies, before it writes the
                status; None if it does not die.
        """
        snapshot = Snapshot(
            clusters=tuple(Cluster(name, state) for name, state in self._clusters.items()),
            submissions=() if self._silence else tuple(self._submissions.values()),
            unreachable=self._silence,
            progress=self.report,
            stop_requested=self.ctrl_c,
            created=NOW,
            paid=(*self._gone_pods, *self._pods.values()),
        )
        decision = decide(
            self.job, UID, self.generation, self.written, snapshot, self.now, _SETTINGS
        )
        for action in decision.actions[:dies_after]:
            self._carry_out(action)
        if dies_after is None and decision.status != self.written:
            before = self.written
            self.written = JobStatus.model_validate_json(decision.status.model_dump_json())
            check_status(self.job, before, self.written, self._succeeded, NOW)
            self._check_bill()
        return decision

    def run_until_idle(self, *, max_reconciles: int) -> None:
        """Reconcile without faults until the job is idle.

        Args:
            max_reconciles: limit; more of them fail the test.
        """
        self.silent_since = None
        for _ in range(max_reconciles):
            before = self.written
            decision = self.executor_reconciles()
            at_rest = self.written.phase.terminal or self.written.phase is Phase.SUSPENDED
            deleted = any(isinstance(action, DeleteJob) for action in decision.actions)
            if at_rest and self.written == before and (deleted or not decision.actions):
                return
            self.cluster_has_gone()
            self.cluster_comes()
            self.driver_obeys()
            if self.report is not None and self.report.percent == 100:
                self.driver_ends(ExitCode.DONE, None)
            self.report = None
            self.driver_works(100)
            self.wait(decision.requeue_after_seconds or 0)
        raise AssertionError(f"not idle after {max_reconciles} reconciles: {self.written}")

    def _check_bill(self) -> None:
        """It follows from when Pods came and went, and from nothing else."""
        cost = self.written.cost
        assert cost is not None
        expected = sum(
            ((pod.end or self.now) - pod.start).total_seconds()
            for pod in (*self._gone_pods, *self._pods.values())
        )
        rounding = len(self._gone_pods) + len(self._pods)
        assert abs(float(spent_usd(cost.ledger, self.now)) - expected) <= rounding
        assert cost.wasted_usd <= cost.spent_usd + 1

    def _become(self, state: ClusterState, *before: ClusterState) -> bool:
        changed = {name: state for name, old in self._clusters.items() if old in before}
        self._clusters |= changed
        return bool(changed)

    def _forget_all(self) -> None:
        self._submissions, self.report = {}, None

    def _alive(self) -> list[Submission]:
        return [each for each in self._submissions.values() if not each.state.ended]

    def _carry_out(self, action: Action) -> None:
        wants_stop = self.ctrl_c or self.job.spec.policy.suspend
        at_rest = wants_stop or self.written.phase.terminal
        match action:
            case EnsureCluster(name):
                assert not at_rest, "a job at rest holds no compute"
                assert self.written.cluster is not None
                assert self.written.cluster.name == name, "its name is written before it is made"
                assert set(self._clusters) <= {name}, "the last one has gone before the next comes"
                self._clusters.setdefault(name, ClusterState.STARTING)
                if name not in self._pods:
                    uid, group = f"{name}-{len(self._gone_pods)}", self.written.cluster.group
                    self._pods[name] = PaidPod(uid, group, self.now, None, _A_DOLLAR)
            case DeleteCluster(name):
                assert current_stage(self.job, self.written).run.live_attempt is None or (
                    self.written.phase.terminal
                ), "what became of an attempt is written before the cluster that knows it is gone"
                assert self._clusters[name] is not ClusterState.LEAVING, "it was deleted before"
                self._clusters[name] = ClusterState.LEAVING
                self._forget_all()
            case Submit(submission_id, config):
                assert not at_rest, "a job at rest starts nothing"
                self._submit(submission_id, config)
            case Stop(submission_id):
                self._stop_requested.add(submission_id)

    def _submit(self, submission_id: str, config: RunConfig) -> None:
        assert ClusterState.READY in self._clusters.values(), "nobody is there to take it"
        recorded = current_stage(self.job, self.written)
        attempt = recorded.run.live_attempt
        assert attempt is not None
        assert attempt.submission_id == submission_id, "an attempt is written before it starts"
        assert (recorded.name, attempt.number) == (config.stage, config.attempt)
        if submission_id in self._submissions:
            return  # Ray refuses a used id
        assert submission_id not in self._runs, "an id is for one run"
        assert not self._alive(), "at most one attempt lives"
        self._runs[submission_id] = config
        self._submissions[submission_id] = Submission(submission_id, SubmissionState.PENDING)
