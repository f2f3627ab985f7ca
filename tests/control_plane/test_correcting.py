"""Fields that another version's CRD accepts are reported, and only a correction removes them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster.api_client import Json
from support.cluster.jobs import JOBS, full_pipeline_job, with_change
from support.nodeless_cluster import NodelessCluster, job_definition, running_nodeless_cluster
from support.nodeless_job import NodelessJob
from support.operator_process import running_operator
from support.wrong_jobs import WRONG_JOBS

from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageState

_WRONG_SPECS = [row for row in WRONG_JOBS if row[0].startswith("spec")]


def _lenient_definition() -> Json:
    """Ours, as one that knows no rules and no fields: of an older or a newer llmtrain."""
    definition = job_definition()
    (version,) = definition["spec"]["versions"]
    job = version["schema"]["openAPIV3Schema"]
    del job["x-kubernetes-validations"]
    job["properties"]["spec"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return definition


@pytest.fixture(scope="module")
def lenient_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodelessCluster]:
    """A cluster that lets any job through."""
    folder = tmp_path_factory.mktemp("lenient")
    with running_nodeless_cluster(folder, definition=_lenient_definition()) as running:
        yield running


def test_every_wrong_job_says_so_and_those_of_each_section_recover(
    lenient_cluster: NodelessCluster, tmp_path: Path
) -> None:
    client = lenient_cluster.client
    jobs = {}
    with running_operator(
        lenient_cluster.operator_kubeconfig, tmp_path, pollSeconds=0.1, resyncSeconds=1
    ) as operator:
        for number, (path, value, _) in enumerate(_WRONG_SPECS):
            wrong = with_change(full_pipeline_job(f"wrong-{number}"), path, value)
            jobs[path, number] = NodelessJob(client, wrong)
        for (path, _), job in jobs.items():
            status = job.wait_until(_is_called_invalid)
            assert status.phase is Phase.PENDING
            (message,) = {condition.message for condition in status.conditions}
            section = ".".join(path.split("[")[0].split(".")[:2])
            of_several_sections = "spec: "
            assert section in message or message.startswith(of_several_sections), message
            assert not job.ray_clusters

        # How one recovers does not depend on what was wrong: one of each section is corrected.
        corrected = {path.split(".")[1]: job for (path, _), job in jobs.items() if "." in path}
        for job in corrected.values():
            body = job.body
            body["spec"] = {
                name: full_pipeline_job()["spec"][name] for name in ("data", "tokenizer")
            }
            client.request("PUT", f"{JOBS}/{job.name}", body)
        for job in corrected.values():
            job.wait_for_phase(Phase.SUCCEEDED)
        assert operator.poll() is None


def _is_called_invalid(status: JobStatus) -> bool:
    return any(condition.reason == "InvalidSpec" for condition in status.conditions)


def test_a_field_of_a_newer_definition_stops_no_supervision(
    lenient_cluster: NodelessCluster, tmp_path: Path
) -> None:
    lenient_cluster.ray.endless = ("data-0",)
    with running_operator(lenient_cluster.operator_kubeconfig, tmp_path, pollSeconds=0.1):
        job = NodelessJob.short(lenient_cluster.client, "newer")
        job.wait_for_stage(Stage.DATA, StageState.RUNNING)
        job.set_policy(maxTokens=5)
        invalid = job.wait_until(_is_called_invalid)
        assert invalid.phase is Phase.RUNNING
        assert "spec.policy.maxTokens: unknown field" in invalid.conditions[0].message
        job.set_policy(activeDeadlineSeconds=1)
        failed = job.wait_for_phase(Phase.FAILED)
        assert failed.conditions[0].reason == "DeadlineExceeded"
        job.wait_until(lambda _: not job.ray_clusters)
