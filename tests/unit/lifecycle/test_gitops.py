"""Health as kstatus and Argo CD read it, of statuses that the state machine writes."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from lupa import LuaRuntime
from support.billed_job_harness import BilledJobHarness, paid_pod
from support.job_harness import JobHarness
from support.kstatus import kstatus
from support.repository import ROOT

from llmtrain_api.exit_codes import ExitCode
from llmtrain_api.status import Phase
from llmtrain_lifecycle.snapshot import ClusterState, Obstacle, RayUnreachable

_STAGES = ("data", "tokenizer")


def _new() -> JobHarness:
    return JobHarness(*_STAGES)


def _without_a_cluster() -> JobHarness:
    job = JobHarness(*_STAGES)
    job.cluster_ready = False
    job.reconcile()
    return job


def _with_a_cluster(state: ClusterState) -> JobHarness:
    job = JobHarness(*_STAGES)
    job.cluster_state = state
    job.reconcile()
    return job


def _refused_by_a_quota() -> JobHarness:
    job = JobHarness(*_STAGES)
    job.cluster_ready, job.refusal = False, Obstacle("QuotaExceeded", "the quota is used up")
    job.reconcile()
    return job


def _recorded() -> JobHarness:
    job = JobHarness(*_STAGES)
    job.reconcile()
    return job


def _running(*stages: str, **policy: object) -> JobHarness:
    job = JobHarness(*(stages or _STAGES), policy=policy)
    job.start()
    return job


def _between_two_stages() -> JobHarness:
    job = _running()
    job.end()
    job.reconcile()
    return job


def _changed(policy: dict[str, object], job: JobHarness | None = None) -> JobHarness:
    changed = job or _running()
    changed.set_policy(**policy)
    return changed


def _stopping() -> JobHarness:
    job = _changed({"suspend": True})
    job.reconcile()
    return job


def _suspended() -> JobHarness:
    return _stopped(_stopping())


def _stopped(job: JobHarness) -> JobHarness:
    job.end_stopped()
    job.reconcile()
    job.submission = None
    job.reconcile()
    return job


def _resumed() -> JobHarness:
    job = _changed({"suspend": False}, _suspended())
    job.cluster_ready = False
    job.reconcile()
    return job


def _ended(exit_code: int, **policy: object) -> JobHarness:
    job = _running("data", **policy)
    job.end(exit_code)
    job.reconcile()
    return job


def _succeeded() -> JobHarness:
    job = _ended(ExitCode.DONE)
    job.reconcile()
    return job


def _succeeded_and_changed() -> JobHarness:
    job = _changed({"ttlSecondsAfterFinished": 3600}, _succeeded())
    job.reconcile()
    return job


def _not_understood() -> JobHarness:
    job = _running()
    job.unknown_fields = ("spec.data.unknown: no such field",)
    job.reconcile()
    return job


def _with_a_silent_ray() -> JobHarness:
    job = _running()
    job.unreachable = RayUnreachable(59, "no answer")
    job.reconcile()
    return job


def _deleted() -> JobHarness:
    job = _running()
    job.held_by = ("foregroundDeletion",)
    job.reconcile()
    return job


def _over_budget(action: str) -> JobHarness:
    job = BilledJobHarness("data", policy={"budget": {"maxUsd": 100, "action": action}})
    job.paid = (paid_pod("a", usd_per_hour=3600),)
    job.start()
    job.wait(100)
    job.reconcile()
    return _stopped(job) if action == "suspend" else job


_RECORDED: dict[str, tuple[Callable[[], JobHarness], Phase, str, str]] = {
    "new": (_new, Phase.PENDING, "InProgress", "Progressing"),
    "without a cluster": (_without_a_cluster, Phase.PENDING, "InProgress", "Progressing"),
    "queued": (
        lambda: _with_a_cluster(ClusterState.SUSPENDED),
        Phase.QUEUED,
        "InProgress",
        "Progressing",
    ),
    "its Pods start": (
        lambda: _with_a_cluster(ClusterState.STARTING),
        Phase.PENDING,
        "InProgress",
        "Progressing",
    ),
    "refused by a quota": (_refused_by_a_quota, Phase.PENDING, "InProgress", "Progressing"),
    "an attempt is recorded": (_recorded, Phase.STARTING, "InProgress", "Progressing"),
    "running": (_running, Phase.RUNNING, "Current", "Healthy"),
    "between two stages": (_between_two_stages, Phase.RUNNING, "Current", "Healthy"),
    "changed, not seen": (
        lambda: _changed({"suspend": True}),
        Phase.RUNNING,
        "InProgress",
        "Progressing",
    ),
    "stopping": (_stopping, Phase.RUNNING, "Current", "Healthy"),
    "suspended": (_suspended, Phase.SUSPENDED, "InProgress", "Suspended"),
    "resumed, not seen": (
        lambda: _changed({"suspend": False}, _suspended()),
        Phase.SUSPENDED,
        "InProgress",
        "Progressing",
    ),
    "resumed": (_resumed, Phase.PENDING, "InProgress", "Progressing"),
    "waits for a retry": (
        lambda: _ended(ExitCode.INFRASTRUCTURE),
        Phase.PENDING,
        "InProgress",
        "Progressing",
    ),
    "preempted": (lambda: _ended(ExitCode.INTERRUPTED), Phase.PENDING, "InProgress", "Progressing"),
    "failed by its user": (lambda: _ended(ExitCode.USER), Phase.FAILED, "Failed", "Degraded"),
    "no retry is left": (
        lambda: _ended(ExitCode.INFRASTRUCTURE, retries={"infrastructure": 0}),
        Phase.FAILED,
        "Failed",
        "Degraded",
    ),
    "succeeded": (_succeeded, Phase.SUCCEEDED, "Current", "Healthy"),
    "succeeded and changed": (_succeeded_and_changed, Phase.SUCCEEDED, "Current", "Healthy"),
    "not understood": (_not_understood, Phase.RUNNING, "Failed", "Degraded"),
    "Ray is silent": (_with_a_silent_ray, Phase.RUNNING, "Current", "Healthy"),
    "over budget, suspended": (
        lambda: _over_budget("suspend"),
        Phase.SUSPENDED,
        "InProgress",
        "Suspended",
    ),
    "over budget, warned": (lambda: _over_budget("warn"), Phase.RUNNING, "Current", "Healthy"),
}


def _body(job: JobHarness) -> dict[str, Any]:
    status = job.status.model_dump(mode="json", exclude_none=True)
    return {"metadata": {"name": "line", "generation": job.generation}, "status": status}


def _argo_health(body: dict[str, Any]) -> tuple[str, str]:
    """The result of the documents' health script; Argo CD gives it the object as `obj`."""
    page = (ROOT / "docs" / "gitops.md").read_text()
    (document,) = (text for text in page.split("```yaml\n")[1:] if "argocd-cm" in text)
    data = yaml.safe_load(document.partition("```")[0])["data"]
    script = data["resource.customizations.health.llmtrain.io_LLMTrainingJob"]
    lua = LuaRuntime(unpack_returned_tuples=True)
    lua.globals().obj = lua.table_from(body, recursive=True)
    health = lua.execute(script)
    return health["status"], health["message"]


@pytest.mark.parametrize("name", _RECORDED)
def test_health(name: str) -> None:
    make, phase, expected, expected_health = _RECORDED[name]
    job = make()
    body = _body(job)
    assert job.status.phase is phase
    assert kstatus(body) == expected
    health, message = _argo_health(body)
    assert health == expected_health
    if job.status.observed_generation == job.generation:
        assert message in {condition.message for condition in job.status.conditions}


def test_health_without_a_status_and_of_a_job_that_is_being_deleted() -> None:
    assert _argo_health({"metadata": {"generation": 1}})[0] == "Progressing"
    body = _body(_deleted())
    body["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    assert kstatus(body) == "Terminating"


def test_every_phase_was_recorded() -> None:
    assert {phase for _, phase, _, _ in _RECORDED.values()} == set(Phase)
