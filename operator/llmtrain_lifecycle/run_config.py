"""Renders the manifest into a run config."""

from llmtrain_api.exit_codes import OUT_OF_MEMORY
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.named_paths import with_home
from llmtrain_api.run_config import RunConfig, Workers
from llmtrain_api.stages import Stage
from llmtrain_lifecycle.policies.retry import PodLossReason
from llmtrain_lifecycle.settings import Settings

_OUT_OF_MEMORY = frozenset({OUT_OF_MEMORY, PodLossReason.OUT_OF_MEMORY.value})
"""Ends of attempts that ran out of memory: as the trainer says, and as Kubernetes says."""


def render_run_config(
    job: LLMTrainingJob,
    uid: str,
    stage: Stage,
    attempt: int,
    settings: Settings,
    *,
    last_end: str | None = None,
) -> RunConfig:
    """The run config of one attempt.

    Args:
        job: the job.
        uid: its UID.
        stage: the stage to run.
        attempt: number of the attempt.
        settings: what the operator or the laptop adds.
        last_end: how the attempt before ended, by its reason; None where there was none.
    """
    spec = with_home(job.spec, settings.home) if settings.home else job.spec
    return RunConfig(
        job_name=job.metadata.name,
        job_uid=uid,
        stage=stage,
        attempt=attempt,
        after_out_of_memory=last_end in _OUT_OF_MEMORY,
        seed=spec.seed,
        workspace=settings.workspace,
        mirror=spec.workspace.mirror,
        claim=(
            spec.workspace.claim_of(job.metadata.name)
            if spec.export and spec.export.ray_service
            else None
        ),
        inputs=settings.inputs,
        workers=_workers(job, settings),
        least_bandwidth_ratio=settings.least_bandwidth_ratios.get(
            spec.compute.trainers.profile or ""
        ),
        progress_host=settings.progress_host,
        progress_port=settings.progress_port,
        tracking=spec.tracking,
        **spec.all_sections(),
    )


def _workers(job: LLMTrainingJob, settings: Settings) -> Workers:
    trainers = job.spec.compute.trainers
    count = trainers.num_workers
    if settings.max_workers is not None:
        count = min(count, settings.max_workers)
    return Workers(
        count=count,
        cpus=trainers.cpus // max(trainers.gpus, 1),
        gpus=1 if trainers.gpus and settings.use_gpus else 0,
        machines=1 if settings.one_cluster else trainers.replicas,
        spot=trainers.spot and not settings.one_cluster,
    )
