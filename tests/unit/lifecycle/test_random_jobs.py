"""Whatever a valid job asks for: it is planned into objects, and comes to rest."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.cluster.jobs import full_pipeline_job, with_change
from support.cluster_simulator import ClusterSimulator
from support.exploring import examples
from support.job_harness import UID
from support.profiles import profile_of_every_name
from support.random_jobs import valid_jobs

from llmtrain_api.exit_codes import ExitCode
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_api.names import CLUSTER_NAME_MAX_LENGTH, cluster_name
from llmtrain_api.status import ClusterStatus, Phase
from llmtrain_lifecycle.builders.ray_cluster import ray_cluster
from llmtrain_lifecycle.builders.workspace import claim_name, workspace_claim
from llmtrain_lifecycle.settings import PodSettings

_SETTINGS = PodSettings(image="trainer:1", ray_version="2.60.0", profiles=profile_of_every_name())
_ENDS = st.sampled_from([*ExitCode, 137, None])
_JOBS = valid_jobs(most=6)


@pytest.mark.slow
@given(job=_JOBS, ends=st.lists(_ENDS, max_size=4))
@settings(max_examples=examples(200, exploring=1000))
def test_every_valid_job_comes_to_rest(job: LLMTrainingJob, ends: list[int | None]) -> None:
    simulator = ClusterSimulator(job)
    for exit_code in ends:
        for _ in range(4):
            simulator.wait(simulator.executor_reconciles().requeue_after_seconds or 0)
            simulator.cluster_has_gone()
            simulator.cluster_comes()
        simulator.driver_works(50)
        simulator.driver_ends(exit_code, None)

    simulator.run_until_idle(max_reconciles=120)

    policy = simulator.job.spec.policy
    held_back = policy.suspend or policy.budget is not None
    assert simulator.written.phase.terminal or (
        held_back and simulator.written.phase is Phase.SUSPENDED
    )


@pytest.mark.slow
@given(job=_JOBS)
@example(parse_job(with_change(full_pipeline_job(), "spec.compute.cpus.profile", "huge-pages")))
@settings(max_examples=examples(200, exploring=1000))
def test_every_valid_job_has_objects_that_fit_together(job: LLMTrainingJob) -> None:
    for group in dict.fromkeys(stage.group for stage in job.spec.stages):
        name = cluster_name(job.metadata.name, group, 0)
        given_cluster = ClusterStatus(name=name, group=group, generation=0)
        cluster = ray_cluster(job, UID, given_cluster, _SETTINGS)
        json.dumps(cluster, allow_nan=False)
        assert len(name) <= CLUSTER_NAME_MAX_LENGTH
        (workers,) = cluster["spec"]["workerGroupSpecs"]
        assert workers["replicas"] >= 1
        claim = workspace_claim(job)
        assert claim is None or claim["metadata"]["name"] == claim_name(job)
        for template in (cluster["spec"]["headGroupSpec"]["template"], workers["template"]):
            volumes, (container,) = template["spec"]["volumes"], template["spec"]["containers"]
            assert volumes[0]["persistentVolumeClaim"]["claimName"] == claim_name(job)
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert sorted(mounted) == sorted(volume["name"] for volume in volumes)
