"""A job that a test reconciles step by step."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from support.cluster.jobs import full_pipeline_job

from llmtrain_api.exit_codes import ExitCode, Outcome
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.progress import ProgressReport
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import (
    Attempt,
    ClusterStatus,
    JobStatus,
    LostPod,
    StageState,
    StageStatus,
)
from llmtrain_lifecycle.decide import decide
from llmtrain_lifecycle.decision import Decision
from llmtrain_lifecycle.settings import Settings
from llmtrain_lifecycle.snapshot import (
    Cluster,
    ClusterState,
    Obstacle,
    RayUnreachable,
    Snapshot,
    Submission,
    SubmissionState,
)

UID = "0123456789abcdef"
GENERATION = 3
NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
SETTINGS = Settings(workspace="/workspace", inputs="/inputs", one_cluster=True)


def job_of(*stages: str, policy: dict[str, Any] | None = None) -> LLMTrainingJob:
    """A job of some of the stages, in order; all six where none is named.

    Args:
        stages: names; the model stands in for the stages before the first.
        policy: the section of the manifest, as in YAML.
    """
    manifest = full_pipeline_job("line")
    sections = manifest["spec"]
    if stages:
        manifest["spec"] = {name: sections[name] for name in stages}
        if "pretrain" not in stages:
            manifest["spec"]["model"] = {"initFrom": "model"}
        if "evaluate" in stages and "data" not in stages:
            manifest["spec"]["evaluate"]["data"] = sections["data"]
        if "evaluate" in stages and "data" not in stages:
            manifest["spec"]["evaluate"]["data"] = sections["data"]
    manifest["spec"]["policy"] = policy or {}
    return LLMTrainingJob.model_validate(manifest)


def recorded(number: int) -> Attempt:
    """An attempt that was recorded ten minutes before `NOW`.

    Args:
        number: number of the attempt, counted from 0.
    """
    return Attempt(number=number, submission_id=f"line-{number}", start_time="2026-01-31T11:50:00Z")


class JobHarness:
    """Reconciles a job on a cluster that exists, and stores the status after each reconcile.

    Args:
        stages: names of the job's stages; all six if none is named.
        policy: the job's policy, as in YAML.
    """

    def __init__(self, *stages: str, policy: dict[str, Any] | None = None) -> None:
        self.job = job_of(*stages, policy=policy)
        given = ClusterStatus(name="line-all-0", group=StageGroup.ALL, generation=0)
        self.status = JobStatus(cluster=given)
        self.now = NOW
        self.cluster_ready = True
        self.cluster_state = ClusterState.READY
        self.unreachable: RayUnreachable | None = None
        self.refusal: Obstacle | None = None
        self.submission: Submission | None = None
        self.lost_pods: tuple[LostPod, ...] = ()
        self.held_by: tuple[str, ...] | None = None
        self.unknown_fields: tuple[str, ...] = ()
        self.generation = GENERATION

    @property
    def cluster_name(self) -> str:
        """The name of the cluster that the job was given last."""
        assert self.status.cluster is not None
        return self.status.cluster.name

    @property
    def stage(self) -> StageStatus:
        """The stage that the job is at; the last where all are done."""
        known = [self.status.stage(name) for name in self.job.spec.stages]
        return next((s for s in known if s.state is not StageState.SUCCEEDED), known[-1])

    @property
    def attempt(self) -> Attempt:
        """The newest attempt of that stage."""
        assert self.stage.run.attempt is not None
        return self.stage.run.attempt

    def preview(
        self, *, progress: ProgressReport | None = None, stop_requested: bool = False
    ) -> Decision:
        """The decision that a reconcile would make now; nothing is stored."""
        snapshot = Snapshot(
            clusters=self._clusters(),
            lost_pods=self.lost_pods,
            unreachable=self.unreachable,
            refusal=self.refusal,
            submissions=(self.submission,) if self.submission else (),
            progress=progress,
            held_by=self.held_by,
            unknown_fields=self.unknown_fields,
            stop_requested=stop_requested,
        )
        return decide(self.job, UID, self.generation, self.status, snapshot, self.now, SETTINGS)

    def _clusters(self) -> tuple[Cluster, ...]:
        given = self.status.cluster
        if given is None or not self.cluster_ready:
            return ()
        if given.released and self.status.phase.active:
            return ()  # it went when it was given back
        return (Cluster(given.name, self.cluster_state, "Queued" if self._is_queued else ""),)

    @property
    def _is_queued(self) -> bool:
        return self.cluster_state is ClusterState.SUSPENDED

    def reconcile(
        self, *, progress: ProgressReport | None = None, stop_requested: bool = False
    ) -> Decision:
        """Reconcile once, and store the status in the form that the next reader finds."""
        decision = self.preview(progress=progress, stop_requested=stop_requested)
        self.status = JobStatus.model_validate_json(decision.status.model_dump_json())
        return decision

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.now += timedelta(seconds=seconds)

    def set_policy(self, **policy: object) -> None:
        """Change the policy section, as a person does with kubectl."""
        manifest = self.job.model_dump(mode="json", exclude_unset=True)
        manifest["spec"]["policy"] = policy
        self.job = LLMTrainingJob.model_validate(manifest)
        self.generation += 1

    def start(self) -> None:
        """Record an attempt, submit it, and see it run."""
        while self.stage.state is StageState.PENDING:
            decision = self.reconcile()
            if not decision.actions:
                self.wait(decision.requeue_after_seconds or 0)
        self.reconcile()
        self.submission = self.running()
        self.reconcile()

    def running(self) -> Submission:
        """The submission of the attempt, at work."""
        return Submission(self.attempt.submission_id, SubmissionState.RUNNING)

    def end(self, exit_code: int | None = ExitCode.DONE, outcome: Outcome | None = None) -> None:
        """Let the submission end by itself, in the form that Ray reports."""
        done = exit_code == ExitCode.DONE
        state = SubmissionState.SUCCEEDED if done else SubmissionState.FAILED
        self.submission = replace(self.running(), state=state, exit_code=exit_code, outcome=outcome)

    def end_stopped(self) -> None:
        """Let the submission end after a stop request: Ray keeps no exit code then."""
        self.submission = replace(self.running(), state=SubmissionState.STOPPED)

    def report(self, percent: float = 50, **changes: object) -> ProgressReport:
        """A progress report of the attempt."""
        fields: dict[str, Any] = {
            "job_uid": UID,
            "stage": self.stage.name,
            "attempt": self.stage.run.attempt.number if self.stage.run.attempt else 0,
            "percent": percent,
            "activity": "working",
            "heartbeat": self.now.timestamp(),
        }
        return ProgressReport.model_validate(fields | changes)
