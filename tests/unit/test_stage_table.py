"""Each row of the table of stages goes with a section, a runner and the fields that it names."""

import pytest

from llmtrain_api.job import JobSpec
from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import PipelineModel, Sections, Stage
from llmtrain_trainer.runner import runner_of

FROM_MODEL = {"initFrom": "folder"}
SOURCES = {"sources": [{"pythonDocs": {}}]}
TEXT = {
    "data": SOURCES,
    "tokenizer": {"pretrained": "folder"},
    "model": FROM_MODEL,
    "pretrain": {},
}
CHAT = {"finetune": {"data": SOURCES}}
TESTED = {"evaluate": {"bitsPerByte": False}, "export": {}}


@pytest.mark.parametrize("stage", Stage)
def test_a_row_goes_with_a_section_and_a_runner(stage: Stage) -> None:
    assert stage.value in Sections.model_fields
    assert {*stage.row.needs, *stage.row.uses} <= set(JobSpec.model_fields)
    runner = runner_of(stage)
    assert (runner.task is not None) == stage.optimizes
    assert runner.works or runner.task


def test_the_section_of_a_stage_that_optimizes_is_a_training() -> None:
    spec = JobSpec.model_validate(TEXT | CHAT | TESTED)
    assert spec.stages == tuple(Stage)
    assert list(spec.trainings) == [stage for stage in Stage if stage.optimizes]


def test_each_field_of_a_job_has_a_user_or_may_change() -> None:
    used = {name for stage in Stage for name in (stage.value, *stage.row.uses)}
    assert used | JobSpec.changeable_fields() == set(JobSpec.model_fields)
    assert not used & JobSpec.changeable_fields()


def test_models_have_ancestry() -> None:
    spec = JobSpec.model_validate(TEXT | CHAT | TESTED)
    pretrain, finetune = Stage("pretrain"), Stage("finetune")
    initial = PipelineModel("initial", None, None, answers_chat=True)
    pretrained = PipelineModel("pretrained", pretrain, "initial", answers_chat=False)
    finetuned = PipelineModel("finetuned", finetune, "pretrained", answers_chat=True)
    assert spec.models() == (initial, pretrained, finetuned)
    assert spec.models(before=finetune) == (initial, pretrained)
    assert spec.current_models() == (pretrained, finetuned)
    assert spec.current_models(before=pretrain) == (initial,)


def test_a_job_without_pretraining_measures_the_model_that_it_was_given() -> None:
    spec = JobSpec.model_validate({"model": FROM_MODEL} | CHAT | TESTED)
    assert [model.name for model in spec.current_models()] == ["initial", "finetuned"]
    assert spec.models()[-1].parent == "initial"


def test_a_new_model_has_no_parent() -> None:
    spec = RunConfig.model_construct(model=None, pretrain=JobSpec.model_validate(TEXT).pretrain)
    assert [model.parent for model in spec.models()] == [None]
