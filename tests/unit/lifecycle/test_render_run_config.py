"""The run config is the manifest, fitted to the machine that runs it."""

from dataclasses import replace

import pytest
from support.cluster.jobs import full_pipeline_job, with_change
from support.job_harness import SETTINGS, UID, job_of

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_api.named_paths import paths_from_home, with_home
from llmtrain_api.run_config import RunConfig, Workers
from llmtrain_api.spec.compute import Compute
from llmtrain_api.spec.export import Export
from llmtrain_api.spec.ray_service import RayService
from llmtrain_api.spec.workspace import PersistentVolumeClaim, Workspace
from llmtrain_api.stages import Stage
from llmtrain_lifecycle.run_config import render_run_config
from llmtrain_lifecycle.settings import Settings
from llmtrain_operator.runtime.settings import OperatorSettings

_COMPUTE = Compute.model_validate(
    {"trainers": {"replicas": 4, "gpus": 8, "cpus": 96}, "cpus": {"replicas": 3, "cpus": 32}}
)
_ON_CPU = Compute.model_validate({"trainers": {"replicas": 8, "cpus": 4, "spot": True}})
_CLUSTER = replace(SETTINGS, one_cluster=False)
_LAPTOP = replace(SETTINGS, max_workers=99, use_gpus=False, one_cluster=True)


def _job(compute: Compute) -> LLMTrainingJob:
    job = job_of()
    return job.replace(spec=job.spec.replace(compute=compute))


@pytest.mark.parametrize(
    ("compute", "settings", "workers"),
    [
        (_COMPUTE, _CLUSTER, Workers(count=32, cpus=12, gpus=1, machines=4)),
        (_COMPUTE, replace(_CLUSTER, max_workers=2), Workers(count=2, cpus=12, gpus=1, machines=4)),
        (_COMPUTE, _LAPTOP, Workers(count=32, cpus=12, gpus=0)),
        (_ON_CPU, _CLUSTER, Workers(count=8, cpus=4, gpus=0, machines=8, spot=True)),
        (_ON_CPU, _LAPTOP, Workers(count=8, cpus=4, gpus=0)),
        (
            Compute.model_validate({"trainers": {"gpus": 8, "cpus": 15}}),
            _CLUSTER,
            Workers(count=8, cpus=1, gpus=1),
        ),
    ],
)
def test_workers(compute: Compute, settings: Settings, workers: Workers) -> None:
    config = render_run_config(_job(compute), UID, Stage.PRETRAIN, 0, settings)
    assert config.workers == workers


@pytest.mark.parametrize(
    ("last_end", "told"),
    [(None, False), ("WorkerLost", False), ("OutOfMemory", True), ("OOMKilled", True)],
)
def test_an_attempt_after_one_that_ran_out_of_memory_is_told(
    *, last_end: str | None, told: bool
) -> None:
    config = render_run_config(job_of(), UID, Stage.PRETRAIN, 1, SETTINGS, last_end=last_end)
    assert config.after_out_of_memory is told


def test_every_section_reaches_the_trainer_as_it_stands_in_the_manifest() -> None:
    job = job_of()
    config = render_run_config(job, UID, Stage.FINETUNE, 4, SETTINGS)
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    assert (config.stage, config.attempt, config.job_name, config.job_uid) == (
        Stage.FINETUNE,
        4,
        "line",
        UID,
    )
    assert (config.workspace, config.inputs) == ("/workspace", "/inputs")
    for section in ("data", "tokenizer", "model", "pretrain", "finetune", "evaluate", "export"):
        assert getattr(config, section) == getattr(job.spec, section)


def test_the_home_folder_stands_in_every_path_that_starts_from_it() -> None:
    manifest = full_pipeline_job()
    files = {"paths": ["~/a/*.jsonl", "b/~", "~other/c"], "format": "jsonl", "textField": "~/text"}
    task = {"lmEval": {"name": "quiz", "include": "~/tasks"}}
    for path, value in (
        ("spec.data.sources", [{"files": files}, {"huggingFace": {"path": "~/saved"}}]),
        ("spec.tokenizer", {"pretrained": "~"}),
        ("spec.model", {"initFrom": "~/model"}),
        ("spec.finetune.data.sources[0]", {"files": {"paths": ["~/chats"]}}),
        ("spec.evaluate.tasks", [task]),
    ):
        manifest = with_change(manifest, path, value)
    job = parse_job(manifest)

    at_home = replace(SETTINGS, home="/home/me")
    config = render_run_config(job, UID, Stage.DATA, 0, at_home)

    text = config.model_dump_json()
    assert text.count("/home/me") == len(paths_from_home(job.spec)) == 6
    for path in ("/home/me/a/*.jsonl", "/home/me/saved", "/home/me/model", "/home/me/tasks"):
        assert f'"{path}"' in text
    assert '"~other/c"' in text
    assert '"~/text"' in text
    assert config.tokenizer is not None
    assert config.tokenizer.pretrained == "/home/me"
    assert paths_from_home(with_home(job.spec, "/home/me")) == []


@pytest.mark.parametrize(("profile", "ratio"), [("ib", 0.3), ("other", None), (None, None)])
def test_the_profile_of_the_trainers_says_which_links_are_too_slow(
    profile: str | None, ratio: float | None
) -> None:
    settings = OperatorSettings.model_validate(
        {"image": "a", "profiles": {"ib": {"leastBandwidthRatio": 0.3}, "other": {}}}
    ).state_machine
    job = _job(Compute.model_validate({"trainers": {"profile": profile}}))
    config = render_run_config(job, UID, Stage.PRETRAIN, 0, settings)
    assert config.least_bandwidth_ratio == ratio


@pytest.mark.parametrize(
    ("workspace", "claim"),
    [
        ({}, {"claim_name": f"{job_of().metadata.name}-workspace"}),
        (
            {"persistentVolumeClaim": {"claimName": "shared", "subPath": "a/b"}},
            {"claim_name": "shared", "sub_path": "a/b"},
        ),
    ],
)
def test_a_service_mounts_the_claim_of_the_workspace(
    workspace: dict[str, object], claim: dict[str, str]
) -> None:
    service = RayService(image="ray-llm", gpu_memory="80Gi")
    for export, expected in ((Export(ray_service=service), claim), (Export(), None)):
        job = job_of()
        sections = {"workspace": Workspace.model_validate(workspace), "export": export}
        job = job.replace(spec=job.spec.replace(**sections))
        config = render_run_config(job, UID, Stage.EXPORT, 0, SETTINGS)
        assert config.claim == (expected and PersistentVolumeClaim(**expected))
