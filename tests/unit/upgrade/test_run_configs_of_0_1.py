"""Run configs between operators and trainers of this version and of 0.1.0."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from support.answered_job import AnsweredJobs, Clock, is_of_head, reconciling
from support.answering_server import Answer
from support.repository import ROOT

from llmtrain_api.crd import custom_resource_definition
from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Sections
from llmtrain_api.status import StageState
from llmtrain_api.upgrade.run_config import run_config_for, upgraded_run_config
from llmtrain_api.upgrade.spec import TrainerTooOldError
from llmtrain_api.versions import MINOR, PREVIOUS
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.outcome import read_run_config

Json = dict[str, Any]

_FOLDER = ROOT / "tests" / "golden" / "releases" / "0.1.0"
_STORED: dict[str, Json] = json.loads((_FOLDER / "run-configs.json").read_text())


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
        (
            {"data": {"sources": [{"pythonDocs": {}}], "augment": [{"sentenceShuffle": {}}]}},
            "data.augment",
        ),
        ({"tokenizer": {"vocabularySize": 999, "compareWith": "a"}}, "tokenizer.compareWith"),
        ({"evaluate": {"contaminatedTexts": "report"}}, "evaluate.contaminatedTexts"),
        ({"export": {"to": "file:///model"}}, "export.to"),
        ({"export": {"rayService": {"image": "a", "gpuMemory": "1Gi"}}}, "export.rayService"),
        ({"tokenizer": {"vocabularySize": 300, "sample": {}}}, "tokenizer.sample"),
        ({"model": {"layers": 2, "hiddenSize": 32, "heads": 4, "family": "gpt_neox"}}, "gpt_neox"),
        ({"pretrain": {"precision": "fp8"}}, "pretrain.precision: fp8"),
        ({"pretrain": {"parallel": {"tensor": 2}}}, "pretrain.parallel"),
        ({"pretrain": {"activationCheckpointing": "auto"}}, "activationCheckpointing: auto"),
        (
            {"pretrain": {"microBatchSize": "auto", "activationCheckpointing": "none"}},
            "pretrain.microBatchSize: auto",
        ),
        (
            {"data": {"sources": [{"files": {"paths": ["s3://bucket/a.txt"], "format": "text"}}]}},
            "data.sources: s3://bucket/a.txt",
        ),
        (
            {
                "data": {
                    "sources": [
                        {"pythonDocs": {}, "weight": 3},
                        {"huggingFace": {"path": "a"}, "weight": 1},
                    ]
                }
            },
            "data.sources: weight",
        ),
        (
            {"data": {"sources": [{"files": {"paths": ["a.csv"], "format": "csv"}}]}},
            "data.sources: files.format: csv",
        ),
        (
            {
                "data": {
                    "sources": [{"files": {"paths": ["a"], "format": "jsonl", "template": "{a}"}}]
                }
            },
            "data.sources: template",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_0_1_does_not_know_is_not_left_out(change: dict[str, Any], named: str) -> None:
    config = RunConfig.model_validate(_changed(upgraded_run_config(_STORED["data"]), change))
    with pytest.raises(TrainerTooOldError, match=rf"{named}.* of llmtrain 0\.2; .* of 0\.1"):
        run_config_for(config, PREVIOUS)


def _changed(config: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A run config with other sections; training sections keep their other fields."""
    return config | {
        name: config[name] | section if name in {"pretrain", "finetune"} else section
        for name, section in change.items()
    }


def _choices(schema: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The words and flags that a definition lists, each with the path of its field."""
    for name, field in schema.get("properties", {}).items():
        words = field.get("enum", [])
        if "x-kubernetes-int-or-string" in field:
            words = [word.strip("^()$") for word in field["pattern"].split("|")]
        if field.get("type") == "boolean":
            words = [True, False]
        yield from (((*path, name), word) for word in words)
        yield from _choices(field, (*path, name))


def _strange(value: Any, schema: Json, path: str) -> Iterator[str]:
    """The places of a run config that the definition of 0.1 does not have, or not so."""
    if isinstance(value, dict) and "properties" in schema:
        for key, part in value.items():
            if key not in schema["properties"]:
                yield f"{path}.{key}"
            elif part is not None:
                yield from _strange(part, schema["properties"][key], f"{path}.{key}")
    elif isinstance(value, list):
        for part in value:
            yield from _strange(part, schema["items"], f"{path}[]")
    elif value not in schema.get("enum", [value]) or (
        schema.get("type") in {"integer", "boolean"} and not isinstance(value, int)
    ):
        yield f"{path}: {value}"


def test_a_run_config_for_0_1_has_only_what_its_definition_knows() -> None:
    """Every word and flag of this version's definition is tried; refused, or known to 0.1."""
    with tarfile.open(_FOLDER / "llmtrain-0.1.0.tgz") as chart:
        file = chart.extractfile("llmtrain/files/crd.yaml")
        assert file is not None
        old = _spec_of(yaml.safe_load(file))
    base, taken = upgraded_run_config(_STORED["data"]), 0
    for path, value in _choices(_spec_of(custom_resource_definition())):
        if path[0] not in Sections.model_fields:
            continue
        try:
            config = RunConfig.model_validate(_with(base, path, value))
            written = run_config_for(config, PREVIOUS)
        except (ValidationError, TrainerTooOldError):
            continue
        taken += 1
        sections = {name: written[name] for name in Sections.model_fields}
        assert not list(_strange(sections, old, "spec")), (path, value)
    assert taken > 20


def test_files_of_formats_of_0_1_are_described_as_it_knows_them() -> None:
    with tarfile.open(_FOLDER / "llmtrain-0.1.0.tgz") as chart:
        file = chart.extractfile("llmtrain/files/crd.yaml")
        assert file is not None
        old = _spec_of(yaml.safe_load(file))
    sources = [
        {"files": {"paths": [f"a.{form}"], "format": form}} for form in ("jsonl", "text", "parquet")
    ]
    change = {"data": {"sources": sources}}
    config = RunConfig.model_validate(_changed(upgraded_run_config(_STORED["data"]), change))
    written = run_config_for(config, PREVIOUS)
    assert not list(_strange(written["data"], old["properties"]["data"], "data"))


def _spec_of(definition: Json) -> Json:
    (version,) = definition["spec"]["versions"]
    spec: Json = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return spec


def _with(config: Json, path: tuple[str, ...], value: Any) -> Json:
    if not path:
        return value
    first, *rest = path
    return config | {first: _with(config.get(first) or {}, tuple(rest), value)}


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
