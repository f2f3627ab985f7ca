"""The jobs of a folder on this machine."""

from collections.abc import AsyncGenerator
from decimal import Decimal
from pathlib import Path
from typing import Self

from llmtrain.attempts import Attempt, AttemptSelector
from llmtrain.errors import JobExistsError, JobNotFoundError, JobStateError
from llmtrain.follow import read_logs
from llmtrain.jobs import Job, Remark, require_job_name
from llmtrain.local.background import BackgroundRun
from llmtrain.local.places import place
from llmtrain.local.state import RunState, StoredRun
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageState
from llmtrain_api.workspace import Workspace


class LocalJobs:
    """The jobs whose workspaces are the folders in a folder; an asynchronous context manager.

    Args:
        folder: parent folder of the workspaces.
        inputs: folder that relative paths of a manifest start from.
        usd_per_hour: price of this machine.
    """

    def __init__(self, folder: Path, *, inputs: Path, usd_per_hour: Decimal) -> None:
        self._folder, self._inputs = place(folder), place(inputs)
        self._usd_per_hour = usd_per_hour

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave the runs alone: they outlive the client."""

    def _state(self, name: str) -> RunState:
        require_job_name(name)
        return RunState(Workspace(self._folder / name))

    def _run(self, state: RunState) -> BackgroundRun:
        return BackgroundRun(state.workspace, self._inputs, self._usd_per_hour)

    async def create(self, job: LLMTrainingJob) -> Job:
        """Create a job; it starts at once, in a process that outlives this one.

        Raises:
            JobExistsError: there is a job with this name.
            RunError: the run does not start.
            WorkspaceError: the workspace cannot be used.
            StateError: another version has written in the workspace.
        """
        name = job.metadata.name
        state = self._state(name)
        if state.read() is not None:
            message = f"{name} is in {self._folder} already; Client.delete removes it"
            raise JobExistsError(message)

        def has_begun() -> bool:
            stored = state.read()
            return stored is not None and bool(stored.status.observed_generation)

        await self._run(state).start(job, until=has_begun)
        return await self.get(name)

    async def find(self, name: str) -> Job | None:
        """A job; None if there is none with this name.

        Raises:
            StateError: another version has written its state.
        """
        stored = self._state(name).read()
        return None if stored is None else _as_job(stored)

    async def get(self, name: str) -> Job:
        """A job.

        Raises:
            JobNotFoundError: there is no job with this name.
            StateError: another version has written its state.
        """
        job = await self.find(name)
        if job is None:
            raise JobNotFoundError(f"there is no job {name} in {self._folder}")
        return job

    async def list(self) -> list[Job]:
        """All jobs, by name.

        Raises:
            StateError: another version has written the state of one of them.
        """
        if not self._folder.is_dir():
            return []
        states = (RunState(Workspace(folder)) for folder in sorted(self._folder.iterdir()))
        return [_as_job(stored) for state in states if (stored := state.read()) is not None]

    async def suspend(self, name: str) -> None:
        """Stop a job after a checkpoint; it uses no compute until it is resumed.

        Raises:
            JobNotFoundError: there is no job with this name.
            JobStateError: the job has ended, or its run was killed.
        """
        job = await self.get(name)
        job.require_no_end()
        if job.status.phase is Phase.SUSPENDED:
            return
        if obstacle := await self.obstacle(job):
            raise JobStateError(obstacle)
        state = self._state(name)
        await self._run(state).stop(until=lambda: _is_stopping(state))

    async def resume(self, name: str) -> None:
        """Go on with a job that was suspended, or whose run was killed.

        Raises:
            JobNotFoundError: there is no job with this name.
            JobStateError: the job has ended, or is running.
            RunError: the run does not start.
        """
        job = await self.get(name)
        job.require_no_end()
        state = self._state(name)
        run = self._run(state)
        if run.pid is not None and job.status.phase is not Phase.SUSPENDED:
            raise JobStateError(f"{name} is not suspended")

        def goes_on() -> bool:
            stored = state.read()
            return stored is not None and stored.status.phase is not Phase.SUSPENDED

        await run.start(job.manifest, until=goes_on)

    async def delete(self, job: Job) -> None:
        """Stop a job at once and remove it; its results stay in the workspace."""
        state = self._state(job.name)
        await self._run(state).kill()
        state.path.unlink(missing_ok=True)

    async def logs(
        self, name: str, *, stage: Stage | None, attempt: int | None, follow: bool, remark: Remark
    ) -> AsyncGenerator[str, None]:
        """Parts of the log of a job's stage.

        Args:
            name: name of the job.
            stage: the stage; None for the one at work, or the last that was.
            attempt: attempt of the stage; None for the newest.
            follow: whether to go on until nothing more will come.
            remark: takes remarks about the log.

        Raises:
            JobNotFoundError: there is no job with this name.
            JobStateError: there is no such stage or attempt.
        """
        job = await self.get(name)
        reader = _LocalLogs(self, job, self._state(name).workspace)
        selector = AttemptSelector(stage, attempt)
        async for text in read_logs(reader, job, selector, follow=follow, remark=remark):
            yield text

    async def obstacle(self, job: Job) -> str | None:
        """Reason why an active job does not go on: its run was killed; None if it does."""
        run = self._run(self._state(job.name))
        if not job.status.phase.active or run.pid is not None:
            return None
        now = await self.find(job.name)  # it may have ended in between
        if now is None or now.status.phase is not job.status.phase:
            return None
        return f"{job.name} is not running: {run.last_words()}\nClient.resume goes on with it"


class _LocalLogs:
    """Logs of a job, which are files of its workspace while it runs and afterwards."""

    def __init__(self, jobs: LocalJobs, job: Job, workspace: Workspace) -> None:
        self.name = job.name
        self._jobs, self._job, self._workspace = jobs, job, workspace

    async def look(self) -> JobStatus | None:
        found = await self._jobs.find(self.name)
        return found.status if found is not None and found.uid == self._job.uid else None

    async def read(self, _status: JobStatus, attempt: Attempt) -> str:
        return await self.read_kept(attempt)

    async def read_kept(self, attempt: Attempt) -> str:
        path = self._workspace.log(attempt.stage, attempt.number)
        return path.read_text(errors="replace") if path.exists() else ""

    async def read_whole(self, _status: JobStatus, attempt: Attempt) -> str:
        return await self.read_kept(attempt)

    def advice(self, _attempt: Attempt) -> None:
        """Nothing: a file is never missed."""


def _as_job(stored: StoredRun) -> Job:
    document = stored.job.spec.model_dump(mode="json", exclude_unset=True)
    return Job(stored.job.metadata.name, None, stored.uid, stored.status, document)


def _is_stopping(state: RunState) -> bool:
    stored = state.read()
    if stored is None or not stored.status.phase.active:
        return True
    return any(stage.state is StageState.STOPPING for stage in stored.status.stages)
