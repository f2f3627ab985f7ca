"""Jobs of a folder on this machine, without a process that runs them."""

from decimal import Decimal
from pathlib import Path

import pytest
from support.cluster.jobs import full_pipeline_job
from support.job_harness import recorded

from llmtrain.errors import JobNotFoundError, JobStateError
from llmtrain.local.backend import LocalJobs
from llmtrain.local.lock import workspace_lock
from llmtrain.local.state import RunState, StateError, StoredRun
from llmtrain.waiting import wait_for
from llmtrain_api.manifest import parse_job
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageRun, StageState, StageStatus
from llmtrain_api.workspace import Workspace


def _store(folder: Path, name: str, phase: Phase) -> Workspace:
    state = StageState.RUNNING if phase.active else StageState.PENDING
    run = StageRun(state=state, attempt=recorded(0))
    stages = (StageStatus(name=Stage.DATA, runs=(run,)),)
    status = JobStatus(phase=phase, stages=stages, observed_generation=1)
    workspace = Workspace(folder / name)
    workspace.private.mkdir(parents=True)
    job = parse_job(full_pipeline_job(name))
    RunState(workspace).write(StoredRun(uid="1", job=job, status=status))
    return workspace


@pytest.fixture
def jobs(tmp_path: Path) -> LocalJobs:
    return LocalJobs(tmp_path, inputs=tmp_path, usd_per_hour=Decimal(0))


async def test_a_run_that_was_killed_is_reported(tmp_path: Path, jobs: LocalJobs) -> None:
    workspace = _store(tmp_path, "killed", Phase.RUNNING)
    (workspace.private / "run.log").write_text("data Running 10 %\n")
    words = "killed is not running: data Running 10 %\nClient.resume goes on with it"
    with pytest.raises(JobStateError, match=words):
        await wait_for(jobs, "killed", "Succeeded", timeout_seconds=None)
    with pytest.raises(JobStateError, match=words):
        await jobs.suspend("killed")


async def test_a_run_that_holds_its_workspace_is_going_on(tmp_path: Path, jobs: LocalJobs) -> None:
    workspace = _store(tmp_path, "alive", Phase.RUNNING)
    with workspace_lock(workspace.private):
        assert await jobs.obstacle(await jobs.get("alive")) is None
        with pytest.raises(JobStateError, match="alive is not suspended"):
            await jobs.resume("alive")
    assert await jobs.obstacle(await jobs.get("alive")) is not None


async def test_all_jobs_of_a_folder(tmp_path: Path, jobs: LocalJobs) -> None:
    for name in ("two", "one"):
        _store(tmp_path, name, Phase.SUCCEEDED)
    (tmp_path / "notes.txt").write_text("of another kind")
    (tmp_path / "empty").mkdir()
    assert [job.name for job in await jobs.list()] == ["one", "two"]
    (job,) = [job for job in await jobs.list() if job.name == "one"]
    assert job.manifest.spec == parse_job(full_pipeline_job("one")).spec
    nowhere = LocalJobs(tmp_path / "missing", inputs=tmp_path, usd_per_hour=Decimal(0))
    assert await nowhere.list() == []


async def test_a_deleted_job_leaves_its_results(tmp_path: Path, jobs: LocalJobs) -> None:
    workspace = _store(tmp_path, "done", Phase.SUCCEEDED)
    workspace.export.mkdir()
    await jobs.delete(await jobs.get("done"))
    with pytest.raises(JobNotFoundError, match="there is no job done in "):
        await jobs.get("done")
    assert workspace.export.is_dir()


async def test_a_state_of_another_version_is_named(tmp_path: Path, jobs: LocalJobs) -> None:
    workspace = _store(tmp_path, "strange", Phase.RUNNING)
    RunState(workspace).path.write_text('{"uid": "u"}')
    with pytest.raises(StateError, match=r"was written by llmtrain 0\.1, and this is 0\.2"):
        await jobs.get("strange")


async def test_an_ended_attempt_s_log_is_a_file(tmp_path: Path, jobs: LocalJobs) -> None:
    workspace = _store(tmp_path, "logged", Phase.SUSPENDED)
    log = workspace.log(Stage.DATA, 0)
    log.parent.mkdir(parents=True)
    log.write_text("it was here\n")
    for follow in (False, True):
        remarks: list[str] = []
        parts = jobs.logs("logged", stage=None, attempt=None, follow=follow, remark=remarks.append)
        assert [text async for text in parts] == ["it was here\n"]
        assert not [remark for remark in remarks if "may be missing" in remark]
