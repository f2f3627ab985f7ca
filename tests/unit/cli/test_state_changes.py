"""The changes of a manifest that a run accepts, and the messages about the others."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.job_harness import recorded
from support.local_run import small_spec, write_manifest
from support.tiny_job import pretrain_config

from llmtrain.local.changes import blocking_changes
from llmtrain.local.state import RunState, StateError, StoredRun
from llmtrain.manifest import load_manifest
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.spec.finetune import Finetune
from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageRun, StageState, StageStatus
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.finetune import task as finetune_task
from llmtrain_trainer.models.recipe import ModelRecipe
from llmtrain_trainer.pretrain import task as pretrain_task

_DONE = {Stage.DATA: StageState.SUCCEEDED, Stage.TOKENIZER: StageState.SUCCEEDED}
_AT_EVALUATE = _DONE | {
    Stage.PRETRAIN: StageState.SUCCEEDED,
    Stage.FINETUNE: StageState.SUCCEEDED,
    Stage.EVALUATE: StageState.FAILED,
}
Reopen = Callable[..., StoredRun]


@pytest.fixture
def reopen(tmp_path: Path) -> Reopen:
    """Opens a run of the small job that got so far, with a field changed."""
    workspace = Workspace(tmp_path / "workspace")
    state = RunState(workspace)
    workspace.private.mkdir(parents=True)

    def _reopen(
        states: dict[Stage, StageState],
        field: str,
        value: object,
        *,
        phase: Phase = Phase.SUSPENDED,
        checkpoint: Stage | None = None,
    ) -> StoredRun:
        job = load_manifest(write_manifest(tmp_path, small_spec()))
        stages = tuple(
            StageStatus(name=name, runs=(StageRun(state=state, attempt=recorded(0)),))
            for name, state in states.items()
        )
        state.write(StoredRun(uid="u", job=job, status=JobStatus(phase=phase, stages=stages)))
        if checkpoint is not None:
            folder = workspace.checkpoints(checkpoint) / "step-00000025"
            folder.mkdir(parents=True)
            (folder / "COMMITTED").touch()
        return state.open(load_manifest(write_manifest(tmp_path, _changed(field, value))))

    return _reopen


def _changed(field: str, value: object) -> dict[str, Any]:
    spec = deepcopy(small_spec())
    *sections, last = field.split(".")
    section = spec
    for name in sections:
        section = section.setdefault(name, {})
    if value is None:
        del section[last]
    else:
        section[last] = value
    return spec


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("policy.retries", {"application": 7}),
        ("compute.trainers.replicas", 1),
        ("compute.trainers.memory", "8Gi"),
        ("image", "mine:2"),
        ("pretrain.checkpoint", {"everySteps": 25, "keep": 2}),
        ("pretrain.microBatchSize", 2),
        ("pretrain.compile", True),
        ("pretrain.validation", {"everySteps": 10}),
        ("pretrain.earlyStopping", {"patience": 2}),
        ("finetune.microBatchSize", 1),
        ("finetune.epochs", 3),
        ("finetune", None),
        ("evaluate.gates", []),
        ("export", None),
    ],
)
def test_what_training_has_not_used_may_change(reopen: Reopen, field: str, value: object) -> None:
    opened = reopen(_DONE, field, value, checkpoint=Stage.PRETRAIN)
    assert opened.uid == "u"
    assert opened.job.spec.stages[:3] == (Stage.DATA, Stage.TOKENIZER, Stage.PRETRAIN)


@pytest.mark.parametrize(
    ("field", "value", "undone"),
    [
        ("pretrain.tokens", 1_024_000, "Set spec.pretrain.tokens: 307200, start over"),
        ("pretrain.zero.stage", 3, "Set spec.pretrain.zero.stage: 2, start"),
        ("pretrain.labelSmoothing", 0.1, "Set spec.pretrain.labelSmoothing: 0.0, start"),
        ("model.dropout", 0.2, "Set spec.model.dropout: 0.1, start"),
        ("model.keyValueHeads", 2, "Remove spec.model.keyValueHeads, start"),
        ("seed", 5, "Set spec.seed: 1234, start"),
        ("tokenizer.vocabularySize", 500, "Set spec.tokenizer.vocabularySize: 400, start"),
        (
            "data.sources",
            [{"pythonDocs": {}}],
            'Set spec.data.sources: [{"files": {"paths": ["documents.jsonl"], "format": "jsonl"}}]',
        ),
    ],
)
def test_what_training_has_used_may_not(
    reopen: Reopen, field: str, value: object, undone: str
) -> None:
    with pytest.raises(StateError) as error:
        reopen(_DONE, field, value, checkpoint=Stage.PRETRAIN)
    assert f"(changed: spec.{field})" in str(error.value)
    assert undone in str(error.value)
    assert "--fresh, or choose another --workspace" in str(error.value)


def test_a_stage_that_failed_before_it_left_anything_may_be_mended(reopen: Reopen) -> None:
    failed = {Stage.DATA: StageState.FAILED}
    opened = reopen(failed, "data.steps", [{"length": {"minWords": 1}}], phase=Phase.FAILED)
    assert (opened.status.phase, opened.status.stage(Stage.DATA).run.next_attempt) == (
        Phase.PENDING,
        1,
    )
    spec = reopen(_DONE | {Stage.PRETRAIN: StageState.FAILED}, "pretrain.tokens", 4096).job.spec
    assert spec.pretrain is not None
    assert spec.pretrain.tokens == 4096


def test_a_gate_that_was_not_met_may_be_lowered(reopen: Reopen) -> None:
    lower = [{"metric": "bitsPerByte", "max": 9}]
    opened = reopen(_AT_EVALUATE, "evaluate.gates", lower, phase=Phase.FAILED)
    assert opened.status.stage(Stage.EVALUATE).state is StageState.PENDING


def test_a_changed_export_is_made_again(reopen: Reopen) -> None:
    done = _AT_EVALUATE | {Stage.EVALUATE: StageState.SUCCEEDED, Stage.EXPORT: StageState.SUCCEEDED}
    opened = reopen(done, "export.to", "s3://bucket/models", phase=Phase.SUCCEEDED)
    assert opened.status.phase is Phase.PENDING
    assert opened.status.stage(Stage.EXPORT).state is StageState.PENDING
    assert opened.status.stage(Stage.EVALUATE).state is StageState.SUCCEEDED


def test_a_failed_stage_that_is_taken_out_no_longer_holds_the_run_up(reopen: Reopen) -> None:
    opened = reopen(_AT_EVALUATE, "evaluate", None, phase=Phase.FAILED)
    assert opened.status.phase is Phase.PENDING
    assert Stage.EVALUATE not in opened.job.spec.stages


def test_a_stage_may_be_added_to_a_run_that_has_ended(tmp_path: Path) -> None:
    spec = {name: small_spec()[name] for name in ("data", "tokenizer")}
    state = RunState(Workspace(tmp_path))
    state.workspace.private.mkdir()
    stages = tuple(
        StageStatus(name=name, runs=(StageRun(state=state_),)) for name, state_ in _DONE.items()
    )
    ended = JobStatus(phase=Phase.SUCCEEDED, stages=stages, completion_time="2026-01-31T12:00:00Z")
    job = load_manifest(write_manifest(tmp_path, spec))
    state.write(StoredRun(uid="u", job=job, status=ended))
    assert state.open(job).status == ended
    longer = spec | {name: small_spec()[name] for name in ("model", "pretrain")}
    opened = state.open(load_manifest(write_manifest(tmp_path, longer)))
    assert (opened.status.phase, opened.status.completion_time) == (Phase.PENDING, None)


def test_a_stage_may_not_be_put_before_one_that_is_done(tmp_path: Path) -> None:
    spec = small_spec()
    del spec["finetune"], spec["export"]
    done = _DONE | dict.fromkeys((Stage.PRETRAIN, Stage.EVALUATE), StageState.SUCCEEDED)
    state = RunState(Workspace(tmp_path))
    state.workspace.private.mkdir()
    stages = tuple(
        StageStatus(name=name, runs=(StageRun(state=state_),)) for name, state_ in done.items()
    )
    job = load_manifest(write_manifest(tmp_path, spec))
    status = JobStatus(phase=Phase.SUCCEEDED, stages=stages)
    state.write(StoredRun(uid="u", job=job, status=status))
    with pytest.raises(StateError, match=r"changed: spec\.finetune\).* Remove spec\.finetune"):
        state.open(load_manifest(write_manifest(tmp_path, small_spec())))


def _job(**sections: dict[str, object]) -> LLMTrainingJob:
    spec = small_spec()
    for name, fields in sections.items():
        spec[name] |= fields
    document = {"apiVersion": "llmtrain.io/v1alpha1", "kind": "LLMTrainingJob"}
    return LLMTrainingJob.model_validate(document | {"metadata": {"name": "a"}, "spec": spec})


def test_weights_of_sources_may_change_until_training_uses_them() -> None:
    def weighed(first: float | None, path: str = "a") -> LLMTrainingJob:
        weights = [{}, {}] if first is None else [{"weight": first}, {"weight": 1}]
        kinds: list[dict[str, object]] = [
            {"files": {"paths": [path], "format": "text"}},
            {"pythonDocs": {}},
        ]
        sources = [kind | weight for kind, weight in zip(kinds, weights, strict=True)]
        return _job(data={"sources": sources})

    before, begun = weighed(3), {Stage.DATA, Stage.TOKENIZER}
    for now in (weighed(2), weighed(None)):
        assert not blocking_changes(before, now, begun)
    (change,) = blocking_changes(before, weighed(2), {*begun, Stage.PRETRAIN})
    assert change.undone == "set spec.data.sources[0].weight: 3.0"
    (change,) = blocking_changes(before, weighed(2, path="b"), begun)
    assert change.field == "spec.data.sources"


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")
@pytest.mark.parametrize("section", [Pretrain, Finetune])
def test_a_checkpoint_goes_on_with_what_the_run_goes_on_with(
    section: type[Pretrain | Finetune], tmp_path: Path
) -> None:
    """What may change at any time is what the trainer leaves out of its fingerprint."""
    stage = section.__name__.lower()
    job = _job()
    before = getattr(job.spec, stage)
    for name in section.model_fields:
        after = _unchecked(before, name, f"another {name}")
        fingerprints = {_fingerprint(stage, each, tmp_path) for each in (before, after)}
        changed = _unchecked(job, "spec", _unchecked(job.spec, stage, after))
        free = not blocking_changes(job, changed, set(Stage))
        assert free == (len(fingerprints) == 1), name


def _unchecked(model: Any, field: str, value: object) -> Any:
    return type(model).model_construct(**{**dict(model), field: value})


def _fingerprint(stage: str, section: Any, workspace: Path) -> str:
    if stage == "finetune":
        return finetune_task._fingerprint(section, "model", "tokens")
    config = _unchecked(pretrain_config(workspace), "pretrain", section)
    recipe = cast("ModelRecipe", SimpleNamespace(fingerprint="model"))
    return pretrain_task._fingerprint(config, recipe, "tokens", None)
