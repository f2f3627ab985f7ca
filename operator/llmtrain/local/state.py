"""State file of a laptop run: the job, its UID and its status."""

import json
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from llmtrain.errors import LLMTrainError
from llmtrain.local.changes import Change, blocking_changes
from llmtrain.local.closed_files import open_closed
from llmtrain_api.base import Record
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.stages import Stage
from llmtrain_api.status import Failures, JobStatus, Phase, StageState, StageStatus
from llmtrain_api.versions import MINOR, PREVIOUS
from llmtrain_api.workspace import Workspace


class StateError(LLMTrainError):
    """The workspace does not match the manifest; the message says why."""


class StoredRun(Record):
    """Content of the state file."""

    version: str = MINOR
    """Minor version of llmtrain that wrote it; 0.1 wrote none."""
    uid: str
    job: LLMTrainingJob
    status: JobStatus = JobStatus()


@dataclass(frozen=True)
class RunState:
    """The state file of a workspace.

    Args:
        workspace: workspace of the run.
    """

    workspace: Workspace

    @property
    def path(self) -> Path:
        """Path of the state file."""
        return self.workspace.private / "run.json"

    def read(self) -> StoredRun | None:
        """The stored run; None in a new workspace.

        Raises:
            StateError: another version has written the file, or it cannot be read.
        """
        try:
            content = self.path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise StateError(
                f"{self.path}: {error.strerror}; it should be a file that llmtrain has written; "
                "remove it, or choose another --workspace"
            ) from None
        try:
            return StoredRun.model_validate_json(content)
        except ValidationError:
            raise StateError(
                f"{self.path} {_origin(content)}; start over with --fresh, which removes the "
                "results that are there, or choose another --workspace"
            ) from None

    def write(self, run: StoredRun) -> None:
        """Replace the stored run atomically."""
        temporary = self.path.with_suffix(".tmp")
        with open_closed(temporary) as file:
            file.write(run.model_dump_json(indent=1, exclude_none=True).encode())
        temporary.replace(self.path)

    def open(self, job: LLMTrainingJob) -> StoredRun:
        """Start or resume the run of a job in this workspace.

        Raises:
            StateError: the workspace holds another job's run, or sections have changed that its
                stages have used.
        """
        stored = self.read()
        if stored is None:
            return StoredRun(uid=str(uuid.uuid4()), job=job)
        if changes := blocking_changes(stored.job, job, set(self.begun(stored.status))):
            raise StateError(
                f"{self.workspace.root} holds a run of another manifest "
                f"(changed: {', '.join(change.field for change in changes)}), which it cannot go "
                f"on with. {_sentence(changes)}, start over with --fresh, or choose another "
                "--workspace"
            )
        status = stored.status
        before, now = stored.job.spec, job.spec
        stages = tuple(
            _exported_again(stage)
            if before.section(stage.name) != now.section(stage.name)
            else stage
            for stage in status.stages
        )
        status = status.replace(stages=stages)
        if status.phase is Phase.FAILED or (status.phase.terminal and not _is_done(job, status)):
            status = _tried_again(status)
        return StoredRun(uid=stored.uid, job=job, status=status)

    def begun(self, status: JobStatus) -> list[Stage]:
        """The stages that would have to run again if their sections changed."""
        return [name for name in Stage if self._has_begun(status.stage(name))]

    def _has_begun(self, stage: StageStatus) -> bool:
        """Whether a stage would have to run again if its sections changed.

        All stages but training start from the beginning after a stop or a failure.
        """
        checkpoints = self.workspace.checkpoints(stage.name)
        return stage.state is StageState.SUCCEEDED or any(checkpoints.glob("step-*/COMMITTED"))

    def clear(self) -> None:
        """Remove all results of the run; inputs in the workspace stay."""
        for path in (*self.workspace.results, self.workspace.root / "report.html", self.path):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _origin(content: bytes) -> str:
    """Who wrote a state file that this version cannot read."""
    try:
        stored = json.loads(content)
    except (ValueError, RecursionError):
        return f"is not a file that llmtrain {MINOR} has written"
    version = None
    if isinstance(stored, dict):
        version = stored.get("version", PREVIOUS if "uid" in stored else None)
    if not isinstance(version, str) or version == MINOR:
        return f"is not a file that llmtrain {MINOR} has written"
    return f"was written by llmtrain {version}, and this is {MINOR}, which does not go on with it"


def _sentence(changes: Sequence[Change]) -> str:
    text = ", ".join(change.undone for change in changes)
    return f"{text[0].upper()}{text[1:]}"


def _is_done(job: LLMTrainingJob, status: JobStatus) -> bool:
    """Whether an ended run has nothing left to do for this job, which may have new stages."""
    return all(status.stage(name).state is StageState.SUCCEEDED for name in job.spec.stages)


def _exported_again(stage: StageStatus) -> StageStatus:
    """A finished stage as one that is to come, if it only hands over what others have made."""
    if stage.name.row.exports_to is None or stage.state is not StageState.SUCCEEDED:
        return stage
    return stage.with_run(stage.run.replace(state=StageState.PENDING, completion_time=None))


def _tried_again(status: JobStatus) -> JobStatus:
    """A run that its user starts again: a failed stage gets all its retries back."""
    stages = tuple(
        stage.with_run(
            stage.run.replace(
                state=StageState.PENDING, completion_time=None, retry_time=None, failures=Failures()
            )
        )
        if stage.state is StageState.FAILED
        else stage
        for stage in status.stages
    )
    return status.replace(
        phase=Phase.PENDING, stages=stages, completion_time=None, active_time=None
    )
