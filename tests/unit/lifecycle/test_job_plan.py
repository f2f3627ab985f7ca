"""The plan in a job's status: made for what its trainers are, as soon as that is known."""

from typing import Any

import pytest
from support.billed_job_harness import paid_pod
from support.job_harness import job_of

from llmtrain_api.exit_codes import Outcome
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobPlan, JobStatus, StageTokens
from llmtrain_lifecycle.plan import with_plan
from llmtrain_lifecycle.snapshot import Snapshot, Submission, SubmissionState


def _job(selector: dict[str, str], *, gpus: int = 8) -> LLMTrainingJob:
    manifest: dict[str, Any] = job_of("data", "tokenizer", "model", "pretrain").model_dump(
        mode="json", exclude_unset=True
    )
    trainers = {"gpus": gpus, "cpus": 8, "nodeSelector": selector}
    manifest["spec"]["compute"] = {"trainers": trainers}
    return LLMTrainingJob.model_validate(manifest)


def _planned(
    job: LLMTrainingJob, plan: JobPlan | None = None, gpu_product: str | None = None
) -> JobPlan:
    snapshot = Snapshot(paid=(paid_pod("a"), paid_pod("b", gpu_product=gpu_product)))
    planned = with_plan(job.spec, JobStatus(plan=plan), snapshot).plan
    assert planned is not None
    return planned


@pytest.mark.parametrize(
    ("product", "device"),
    [
        (None, "h100-sxm"),
        ("NVIDIA-A100-SXM4-80GB", "a100-80gb"),
        ("NVIDIA-L4-SHARED", "l4"),
        ("NVIDIA-H300", "h100-sxm"),
    ],
)
def test_the_gpu_that_the_manifest_selects(product: str | None, device: str) -> None:
    selector = {"nvidia.com/gpu.product": product} if product else {}
    assert _planned(_job(selector)).device == device


def test_the_gpus_of_its_pods_count_and_stay_when_they_are_gone() -> None:
    job = _job({})
    guessed = _planned(job)
    measured = guessed.replace(flops_per_second=1e12)
    known = _planned(job, measured, "NVIDIA-L4")
    assert (known.device, known.flops_per_second) == ("l4", 1e12)
    before, after = guessed.stages[0].duration_seconds, known.stages[0].duration_seconds
    assert before is not None
    assert after is not None
    assert after > 5 * before
    assert _planned(job, known) == known


def test_counted_tokens_make_a_stage_s_time_known_and_stay() -> None:
    manifest: dict[str, Any] = job_of().model_dump(mode="json", exclude_unset=True)
    manifest["spec"]["finetune"]["epochs"] = 3
    job = LLMTrainingJob.model_validate(manifest)
    before = with_plan(job.spec, JobStatus(), Snapshot()).plan
    assert before is not None
    assert [stage.tokens is None for stage in before.stages] == [False, True]
    twice = (StageTokens(stage=Stage.FINETUNE, tokens=500),) * 2  # as only a broken driver would
    outcome = Outcome(reason="Completed", message="", counted_tokens=twice)
    done = Submission("a", SubmissionState.SUCCEEDED, outcome=outcome)
    known = with_plan(job.spec, JobStatus(plan=before), Snapshot(submissions=(done,))).plan
    assert known is not None
    assert known.counted_tokens == twice[:1]
    assert [stage.tokens for stage in known.stages] == [before.stages[0].tokens, 1500]
    assert with_plan(job.spec, JobStatus(plan=known), Snapshot()).plan == known


def test_a_job_without_gpus_is_planned_for_its_cores() -> None:
    assert _planned(_job({}, gpus=0)).device == "cpu"


def test_the_planned_utilization_is_what_its_time_stands_for() -> None:
    job = _job({})
    manifest = job.model_dump(mode="json", exclude_unset=True)
    manifest["spec"]["pretrain"]["activationCheckpointing"] = "full"
    recomputing = LLMTrainingJob.model_validate(manifest)
    # A GPT-2 of this size reached 27.5 % on an H200; this GPU was not measured.
    assert _planned(job).mfu == pytest.approx(0.9 * 0.275)
    assert _planned(recomputing).mfu == pytest.approx(0.9 * 0.275 * 3 / 4)
