"""What breaks a job on a cluster, and what becomes of the job."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.cluster.node import Node
from support.cluster_jobs import ClusterJob
from support.local_run import small_spec

from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageState

pytestmark = [pytest.mark.node, pytest.mark.timeout(2700)]

Start = Callable[..., ClusterJob]


@pytest.fixture
def start(llmtrain: Node) -> Iterator[Start]:
    """Starts jobs, and deletes them in the end."""
    jobs: list[ClusterJob] = []

    def start(name: str, spec: dict[str, Any], **policy: object) -> ClusterJob:
        policy = spec.get("policy", {}) | policy
        jobs.append(ClusterJob(llmtrain, name, spec | {"policy": policy}))
        return jobs[-1]

    yield start
    for job in jobs:
        if job.exists():
            job.delete()
        job.wait_until_nothing_is_left()


def only_data(**changes: Any) -> dict[str, Any]:
    """A job that needs no trainers."""
    spec = {key: small_spec()[key] for key in ("compute", "data")}
    return spec | changes


def reason(status: JobStatus) -> str:
    """The reason of the conditions; empty before the first reconcile."""
    return status.conditions[0].reason if status.conditions else ""


def test_a_job_survives_a_worker_a_suspension_and_a_head(start: Start) -> None:
    spec = small_spec()
    spec["pretrain"]["tokens"] = 2000 * 1024
    spec["pretrain"]["checkpoint"] = {"everySteps": 100}
    for section in ("finetune", "evaluate", "export"):
        del spec[section]
    job = start("survivor", spec)

    job.wait_for_step(150)
    job.delete_pod("worker")
    lost = job.wait_until(lambda status: status.stage(Stage.PRETRAIN).run.next_attempt == 2)
    assert lost.stage(Stage.PRETRAIN).run.failures.infrastructure == 1
    assert lost.cluster is not None

    job.wait_for_step(350)
    job.set_policy(suspend=True)
    suspended = job.wait_for_phase(Phase.SUSPENDED)
    assert suspended.stage(Stage.PRETRAIN).run.failures.infrastructure == 1
    job.wait_until(lambda _: not job.pods() and not job.ray_clusters())

    job.set_policy(suspend=False)
    job.wait_for_step(700)
    before = job.status.cluster
    assert before is not None
    job.delete_pod("head")
    again = job.wait_until(
        lambda status: status.stage(Stage.PRETRAIN).run.failures.infrastructure == 2
    )
    assert again.stage(Stage.PRETRAIN).run.reason == "PodDeleted"

    done = job.wait_for_phase(Phase.SUCCEEDED)
    assert done.cluster is not None
    assert done.cluster.generation == before.generation + 1
    resumed = [
        path.name
        for path in sorted((job.workspace.root / "logs").glob("pretrain-*.log"))
        if "resumed from" in path.read_text()
    ]
    assert resumed == ["pretrain-1.log", "pretrain-2.log", "pretrain-3.log"]
    assert (job.workspace.model("pretrained") / "model.safetensors").is_file()
    job.wait_until(lambda _: not job.pods())


def test_a_pod_that_needs_too_much_memory_is_named(start: Start) -> None:
    compute = {"head": {"memory": "200Mi"}}  # Ray itself needs more
    job = start("hungry", only_data(compute=compute))
    waiting = job.wait_until(lambda status: reason(status) == "OOMKilled")
    assert "compute.head.memory" in waiting.conditions[0].message


def test_wrong_data_is_not_tried_again(start: Start) -> None:
    spec = only_data()
    spec["data"]["sources"][0]["files"]["paths"] = ["not-there.jsonl"]
    failed = start("wrong-data", spec).wait_for_phase(Phase.FAILED)
    stage = failed.stage(Stage.DATA)
    assert (stage.state, stage.run.next_attempt, stage.run.failures.user) == (
        StageState.FAILED,
        1,
        1,
    )
    assert "not-there.jsonl" in (stage.run.message or "")


def test_what_cannot_be_scheduled_fails_with_the_scheduler_s_own_words(start: Start) -> None:
    compute = {"cpus": {"replicas": 1, "cpus": 1, "memory": "900Gi"}}
    job = start("too-big", only_data(compute=compute), schedulingTimeoutSeconds=20)
    failed = job.wait_for_phase(Phase.FAILED)
    assert reason(failed) == "Unschedulable"
    assert "Insufficient memory" in failed.conditions[0].message


def test_an_image_that_is_not_there_is_named(start: Start) -> None:
    job = start("no-image", only_data(image="registry.invalid/none:1"))
    waiting = job.wait_until(lambda status: reason(status) == "ImagePullFailed")
    assert "registry.invalid/none:1" in waiting.conditions[0].message
    job.delete()
    job.wait_until_nothing_is_left()
