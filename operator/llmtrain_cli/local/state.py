"""What a laptop run remembers between its starts: the job, its uid and its status."""

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from llmtrain_api.base import Record
from llmtrain_api.spec.job import LLMTrainingJob
from llmtrain_api.status import Failures, JobStatus, Phase, StageState
from llmtrain_api.workspace import Workspace


class StateError(Exception):
    """The workspace does not go with the manifest; the message says why."""


class StoredRun(Record):
    """The file's content."""

    uid: str
    job: LLMTrainingJob
    status: JobStatus = JobStatus()


@dataclass(frozen=True)
class RunState:
    """The state file of a workspace.

    Args:
        workspace: that it describes.
    """

    workspace: Workspace

    @property
    def path(self) -> Path:
        """The file."""
        return self.workspace.private / "run.json"

    def read(self) -> StoredRun | None:
        """What is stored; None in a new workspace.

        Raises:
            StateError: the file is of another version.
        """
        try:
            return StoredRun.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except ValidationError:
            raise StateError(
                f"{self.path} was written by another version of llmtrain; start over with "
                "--fresh, or choose another --workspace"
            ) from None

    def write(self, run: StoredRun) -> None:
        """Replace what is stored; a reader sees the old or the new."""
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(run.model_dump_json(indent=1, exclude_none=True), encoding="utf-8")
        temporary.replace(self.path)

    def open(self, job: LLMTrainingJob) -> StoredRun:
        """The run of a job in this workspace: a new one, or the one that goes on.

        Raises:
            StateError: the workspace holds another job's run, or this one's with other sections.
        """
        stored = self.read()
        if stored is None:
            return StoredRun(uid=str(uuid.uuid4()), job=job)
        if changed := _changed(stored.job, job):
            raise StateError(
                f"{self.workspace.root} holds a run of another manifest "
                f"(changed: {', '.join(changed)}); only policy may change. Start over with "
                "--fresh, or choose another --workspace"
            )
        status = stored.status
        if status.phase is Phase.FAILED:
            status = _tried_again(status)
        return StoredRun(uid=stored.uid, job=job, status=status)

    def clear(self) -> None:
        """Remove all results of the run; inputs that lie in the workspace stay."""
        stages = ("data", "tokenizer", "tokens", "checkpoints", "models", "evaluation", "export")
        for name in (*stages, "metrics", "logs"):
            shutil.rmtree(self.workspace.root / name, ignore_errors=True)
        (self.workspace.root / "report.html").unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)


def _changed(old: LLMTrainingJob, new: LLMTrainingJob) -> list[str]:
    """The parts of the manifest that may not change and did."""
    changed = ["metadata.name"] if old.metadata.name != new.metadata.name else []
    fields = type(new.spec).model_fields
    return changed + [
        f"spec.{field.alias or name}"
        for name, field in fields.items()
        if name != "policy" and getattr(old.spec, name) != getattr(new.spec, name)
    ]


def _tried_again(status: JobStatus) -> JobStatus:
    """A failed run that its user starts once more: the failed stage gets all its retries anew."""
    stages = tuple(
        stage.model_copy(
            update={
                "state": StageState.PENDING,
                "attempt": stage.attempt + 1,
                "submission_id": None,
                "completion_time": None,
                "retry_time": None,
                "failures": Failures(),
            }
        )
        if stage.state is StageState.FAILED
        else stage
        for stage in status.stages
    )
    return status.model_copy(
        update={
            "phase": Phase.PENDING,
            "stages": stages,
            "completion_time": None,
            "active_time": None,
        }
    )
