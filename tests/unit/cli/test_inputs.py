"""Files that change under a manifest that does not."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cluster.jobs import full_pipeline_job, with_change

from llmtrain_api.manifest import parse_job
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_cli.local.inputs import Inputs, InputsChangedError

_NAMES = ("raw/a.jsonl", "raw/b.jsonl", "home/one.txt", "model/config.json", "chats.jsonl")
_READ_BY_DATA = ("raw/a.jsonl", "raw/b.jsonl", "home/one.txt")


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    """The inputs of a job whose stages all read files that are there, and have noted them."""
    for name in _NAMES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "home").mkdir(exist_ok=True)
    job = full_pipeline_job()
    for path, value in (
        ("spec.data.sources[0]", {"files": {"paths": ["raw/*.jsonl"], "format": "jsonl"}}),
        ("spec.data.sources[1]", {"files": {"paths": ["~/one.txt"], "format": "text"}}),
        ("spec.data.sources[2]", {"huggingFace": {"path": "a-name-on-the-hub"}}),
        ("spec.finetune.data.sources[0]", {"files": {"paths": ["chats.jsonl"]}}),
        ("spec.tokenizer", {"pretrained": "model"}),
        ("spec.model", {"initFrom": "model"}),
    ):
        job = with_change(job, path, value)
    workspace = Workspace(tmp_path / "raw" / "run")
    workspace.private.mkdir(parents=True)
    found = Inputs(parse_job(job).spec, workspace, folder=tmp_path, home=tmp_path / "home")
    for stage in Stage:
        found.record(stage)
    return found


def _grow(path: Path) -> None:
    path.write_text(path.read_text() + "more")


def _touch(path: Path) -> None:
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


def test_files_whose_names_are_no_text_are_noted_too(inputs: Inputs) -> None:
    odd = inputs.folder / "raw" / os.fsdecode(b"caf\xe9.jsonl")
    odd.touch()
    inputs.record(Stage.DATA)
    inputs.require_unchanged([Stage.DATA])
    odd.unlink()
    with pytest.raises(InputsChangedError, match=r"caf\\xe9\.jsonl \(gone\)"):
        inputs.require_unchanged([Stage.DATA])


def test_a_run_goes_on_with_the_same_files(inputs: Inputs) -> None:
    inputs.workspace.log(Stage.DATA, 0).parent.mkdir()
    inputs.workspace.log(Stage.DATA, 0).write_text("what the run itself makes is no input")
    inputs.require_unchanged(Stage)


@pytest.mark.parametrize(
    ("name", "change", "stage", "said"),
    [
        ("raw/a.jsonl", _grow, Stage.DATA, "changed"),
        ("raw/a.jsonl", _touch, Stage.DATA, "changed"),
        ("raw/b.jsonl", Path.unlink, Stage.DATA, "gone"),
        ("raw/c.jsonl", Path.touch, Stage.DATA, "new"),
        ("home/one.txt", _grow, Stage.DATA, "changed"),
        ("model/config.json", _grow, Stage.TOKENIZER, "changed"),
        ("model/weights", Path.touch, Stage.PRETRAIN, "new"),
        ("chats.jsonl", _grow, Stage.FINETUNE, "changed"),
    ],
)
def test_a_file_that_a_stage_has_read_and_that_is_another_now_is_named(
    inputs: Inputs, name: str, change: Callable[[Path], object], stage: Stage, said: str
) -> None:
    path = inputs.folder / name
    change(path)
    with pytest.raises(InputsChangedError) as refused:
        inputs.require_unchanged([stage])
    assert f"the stage {stage} has read" in str(refused.value)
    assert f"{path} ({said})" in str(refused.value)
    assert "--fresh" in str(refused.value)
    inputs.require_unchanged([Stage.EXPORT])  # a stage that has read none of them

    inputs.record(stage)  # it starts anew, and reads what is there
    inputs.require_unchanged([stage])


def test_raw_files_that_made_room_are_not_asked_for(inputs: Inputs) -> None:
    for name in _READ_BY_DATA:
        (inputs.folder / name).unlink()
    inputs.require_unchanged([Stage.DATA])
