"""Takes a job with a second fine-tuning, `tune`, through contract, planner and operator.

Run in a process whose llmtrain has that stage.
"""

import pytest
from support.job_harness import JobHarness, job_of

from llmtrain.local.changes import blocking_changes
from llmtrain_api.crd import custom_resource_definition
from llmtrain_api.exit_codes import Outcome
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.stages import Stage, StageGroup
from llmtrain_api.status import Phase, StageTokens
from llmtrain_planner.plan import PlanOptions, plan_job

TUNE, FINETUNE = Stage("tune"), Stage("finetune")


def job(**tune: object) -> LLMTrainingJob:
    """A job of all stages, the second fine-tuning among them."""
    manifest = job_of().model_dump(mode="json", exclude_unset=True)
    manifest["spec"]["tune"] = manifest["spec"]["finetune"] | {"epochs": 3} | tune
    return LLMTrainingJob.model_validate(manifest)


def contract() -> None:
    """Models have ancestry, and the rules of all stages that optimize hold."""
    spec = job().spec
    assert TUNE.group is StageGroup.TRAINERS
    assert [(model.name, model.parent) for model in spec.models()] == [
        ("pretrained", None),
        ("finetuned", "pretrained"),
        ("tuned", "finetuned"),
    ]
    assert spec.current_models(before=TUNE)[-1].name == "finetuned"
    schema = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    rules = str(schema["properties"]["spec"]["x-kubernetes-validations"])
    assert "tune.batchTokens must be a multiple" in rules
    assert "tune.sequenceLength must not exceed the model's context" in rules
    with pytest.raises(ValueError, match=r"tune\.sequenceLength must not exceed"):
        job(sequenceLength=2**20, batchTokens=2**20)


def planner() -> None:
    """Each stage that brings data is planned by its own tokens."""
    counted = {FINETUNE: 1000, TUNE: 5000}
    stages = plan_job(job().spec, PlanOptions(counted_tokens=counted)).stages
    tokens = {stage.stage: stage.tokens for stage in stages}
    assert tokens[TUNE] == 3 * 5000
    assert tokens[FINETUNE] == 1000 * job().spec.finetune.epochs


def operator() -> None:
    """The state machine runs the stage, which shares the weight of those that optimize."""
    harness = JobHarness()
    harness.job = job()
    counted = tuple(StageTokens(stage=s, tokens=10**9) for s in (FINETUNE, TUNE))
    for stage in harness.job.spec.stages:
        harness.start()
        assert harness.stage.name is stage
        measured = counted if stage is Stage("tokenizer") else ()
        harness.end(outcome=Outcome(reason="Completed", message="", counted_tokens=measured))
        harness.reconcile()
        harness.submission = None
        harness.wait(60)
    harness.reconcile()
    assert harness.status.phase is Phase.SUCCEEDED
    assert harness.status.plan.stage(TUNE).tokens == 3 * 10**9


def command_line() -> None:
    """A checkpoint of the stage goes on with what changes nothing that is learned."""
    assert not blocking_changes(job(), job(checkpoint={"keep": 5}), {TUNE})
    assert [each.field for each in blocking_changes(job(), job(epochs=4), {TUNE})] == [
        "spec.tune.epochs"
    ]


if __name__ == "__main__":
    contract()
    planner()
    operator()
    command_line()
