"""What a workspace remembers of its run."""

import re
from pathlib import Path

import pytest
from support.job_harness import recorded
from support.local_run import small_spec, write_manifest

from llmtrain.local.state import RunState, StateError, StoredRun
from llmtrain.manifest import load_manifest
from llmtrain_api.stages import Stage
from llmtrain_api.status import Failures, JobStatus, Phase, StageRun, StageState, StageStatus
from llmtrain_api.workspace import Workspace


@pytest.fixture
def state(tmp_path: Path) -> RunState:
    workspace = Workspace(tmp_path / "workspace")
    workspace.private.mkdir(parents=True)
    return RunState(workspace)


def test_a_run_that_is_opened_again_keeps_its_uid_and_status(
    tmp_path: Path, state: RunState
) -> None:
    job = load_manifest(write_manifest(tmp_path, small_spec()))
    run = state.open(job)
    state.write(run.replace(status=JobStatus(phase=Phase.SUSPENDED)))
    again = state.open(job)
    assert (again.uid, again.status.phase) == (run.uid, Phase.SUSPENDED)


def test_a_failed_run_gets_its_retries_anew(tmp_path: Path, state: RunState) -> None:
    job = load_manifest(write_manifest(tmp_path, small_spec()))
    failed = StageStatus(
        name=Stage.TOKENIZER,
        runs=(
            StageRun(
                state=StageState.FAILED, attempt=recorded(3), failures=Failures(infrastructure=4)
            ),
        ),
    )
    done = StageStatus(name=Stage.DATA, runs=(StageRun(state=StageState.SUCCEEDED),))
    status = JobStatus(phase=Phase.FAILED, stages=(done, failed))
    state.write(StoredRun(uid="u", job=job, status=status))
    opened = state.open(job).status
    assert opened.phase is Phase.PENDING
    assert opened.stage(Stage.DATA) == done
    again = opened.stage(Stage.TOKENIZER)
    assert (again.state, again.run.next_attempt, again.run.failures) == (
        StageState.PENDING,
        4,
        Failures(),
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"uid": "u", "job": {}}', "was written by llmtrain 0.1, and this is 0.2"),
        ('{"version": "0.3", "uid": "u"}', "was written by llmtrain 0.3, and this is 0.2"),
        ('{"version": "0.2"}', "is not a file that llmtrain 0.2 has written"),
        ('{"version": 99}', "is not a file that llmtrain 0.2 has written"),
        ("{}", "is not a file that llmtrain 0.2 has written"),
        ("[]", "is not a file that llmtrain 0.2 has written"),
        ("{", "is not a file that llmtrain 0.2 has written"),
    ],
)
def test_a_file_of_another_version_is_refused(
    tmp_path: Path, state: RunState, content: str, said: str
) -> None:
    state.path.write_text(content)
    with pytest.raises(
        StateError, match=f"run\\.json {re.escape(said)}.*; start over with --fresh"
    ):
        state.open(load_manifest(write_manifest(tmp_path, small_spec())))


def test_a_folder_where_the_state_should_be_is_named(tmp_path: Path, state: RunState) -> None:
    state.path.mkdir()
    with pytest.raises(StateError, match=r"run\.json: Is a directory; .* choose another"):
        state.read()
    state.clear()
    assert state.open(load_manifest(write_manifest(tmp_path, small_spec()))).uid


def test_a_file_holds_no_run(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path, small_spec())
    assert RunState(Workspace(manifest)).read() is None


def test_starting_over_keeps_the_inputs(tmp_path: Path, state: RunState) -> None:
    state.write(state.open(load_manifest(write_manifest(tmp_path, small_spec()))))
    (state.workspace.root / "models").mkdir()
    (state.workspace.root / "corpus.jsonl").write_text("mine")
    state.clear()
    assert state.read() is None
    assert not (state.workspace.root / "models").exists()
    assert (state.workspace.root / "corpus.jsonl").exists()
