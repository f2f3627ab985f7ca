"""Run configs between operators and trainers of this version and of 0.1.0."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.answered_job import AnsweredJobs, Clock, is_of_head, reconciling
from support.answering_server import Answer
from support.repository import ROOT

from llmtrain_api.run_config import RunConfig
from llmtrain_api.status import StageState
from llmtrain_api.upgrade.run_config import run_config_for, upgraded_run_config
from llmtrain_api.upgrade.spec import TrainerTooOldError
from llmtrain_api.versions import MINOR, PREVIOUS
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.outcome import read_run_config

_STORED: dict[str, dict[str, Any]] = json.loads(
    (ROOT / "tests" / "golden" / "releases" / "0.1.0" / "run-configs.json").read_text()
)


@pytest.mark.parametrize("stage", _STORED)
def test_a_trainer_reads_what_0_1_has_written(stage: str, tmp_path: Path) -> None:
    path = tmp_path / "run-config.json"
    path.write_text(json.dumps(_STORED[stage]))
    config = read_run_config([str(path)])
    assert config.stage == stage
    assert config.pretrain is not None
    assert config.pretrain.activation_checkpointing == "none"
    assert config.pretrain.checkpoint.every_seconds == 600
    assert config.data is not None
    assert [step.kind for step in config.data.steps] == ["html", "unicode", "gopher", "exactDedup"]


@pytest.mark.parametrize("stage", _STORED)
def test_there_and_back_is_what_0_1_has_written(stage: str) -> None:
    config = RunConfig.model_validate(upgraded_run_config(_STORED[stage]))
    again = run_config_for(config, None)
    for section, field in (("pretrain", "optimizer"), ("finetune", "optimizer")):
        again[section][field]["name"] = "adamw"  # fields of one value, which 0.1 fills in itself
    again["finetune"]["chatTemplate"] = "chatml"
    again["export"]["format"] = _STORED[stage]["export"]["format"]
    assert again == _STORED[stage] | {"dataCpus": 1}


@pytest.mark.parametrize("version", [MINOR, "0.3"])
def test_a_trainer_that_is_not_older_gets_what_this_version_writes(version: str) -> None:
    config = RunConfig.model_validate(upgraded_run_config(_STORED["data"]))
    assert upgraded_run_config(written := run_config_for(config, version)) is written
    assert RunConfig.model_validate(written) == config


def test_another_version_is_refused_by_both_names(tmp_path: Path) -> None:
    path = tmp_path / "run-config.json"
    path.write_text(json.dumps(_STORED["data"] | {"version": "0.4"}))
    with pytest.raises(UserError, match=r"of llmtrain 0\.4, .* this trainer, of 0\.2"):
        read_run_config([str(path)])


def data_with(step: dict[str, Any]) -> dict[str, Any]:
    """A data section with one step."""
    return {"data": {"sources": [{"pythonDocs": {}}], "steps": [step]}}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"mirror": "file:///copy"}, "mirror"),
        (data_with({"language": {"keep": ["en"]}}), "data.steps"),
        (data_with({"html": {"extractor": "precise"}}), "data.steps"),
        (data_with({"gopher": {"minStopWords": 3}}), "data.steps"),
        ({"tokenizer": {"vocabularySize": 999, "compareWith": "a"}}, "tokenizer.compareWith"),
        ({"evaluate": {"contaminatedTexts": "report"}}, "evaluate.contaminatedTexts"),
        ({"export": {"to": "file:///model"}}, "export.to"),
        ({"export": {"rayService": {"image": "a", "gpuMemory": "1Gi"}}}, "export.rayService"),
    ],
)
def test_what_0_1_does_not_know_is_not_left_out(change: dict[str, Any], named: str) -> None:
    config = RunConfig.model_validate(upgraded_run_config(_STORED["data"]) | change)
    with pytest.raises(TrainerTooOldError, match=rf"{named}.* of llmtrain 0\.2; .* of 0\.1"):
        run_config_for(config, PREVIOUS)


async def test_a_stage_that_an_older_trainer_cannot_run_fails_with_the_reason(
    tmp_path: Path,
) -> None:
    jobs = AnsweredJobs()
    jobs.chosen = lambda request: Answer.of({}, 404) if is_of_head(request) else None
    key = jobs.begin("line", {}, StageState.STARTING)
    seen = jobs.caches.jobs[key]
    assert "trainerVersion" not in seen.status["cluster"]
    jobs.change(
        key, spec={"data": {**seen.spec["data"], "steps": [{"language": {"keep": ["en"]}}]}}
    )
    async with Clock().running(), reconciling(jobs, tmp_path) as reconciler:
        for _ in range(2):
            await reconciler.reconcile(key)
    (stage,) = jobs.status(key).stages
    assert stage.state is StageState.FAILED
    assert stage.run.reason == "TrainerTooOld"
    assert stage.run.message is not None
    assert "data.steps is of llmtrain 0.2" in stage.run.message
    assert not [each for each in jobs.seen if is_of_head(each) and each.method == "POST"]
