"""Jobs as the client gives them, and the interface of the two places that jobs run in."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, Self

from pydantic import ValidationError

from llmtrain.errors import JobNotFoundError, JobStateError, OtherVersionError
from llmtrain_api import names
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_api.stages import Stage
from llmtrain_api.status import ConditionStatus, JobStatus, Phase

Remark = Callable[[str], None]
"""Takes a sentence for people about a log, which is not part of the log."""


@dataclass(frozen=True)
class Job:
    """A job at one moment."""

    name: str
    namespace: str | None
    """Namespace of the job on a cluster; None on this machine."""
    uid: str
    """UID of the job; a job that is created again under the same name has another one."""
    status: JobStatus
    document: dict[str, Any] = field(repr=False)
    """The spec as it is stored."""
    generation: int = 1
    """Generation of the spec, which a status describes if its `observed_generation` is the same."""

    @cached_property
    def manifest(self) -> LLMTrainingJob:
        """The manifest, with all defaults.

        Raises:
            OtherVersionError: the spec was written by another version of llmtrain.
        """
        metadata = {"name": self.name, "namespace": self.namespace}
        manifest = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata}
        try:
            return parse_job(manifest | {"spec": self.document})
        except ValidationError:
            raise OtherVersionError(written_by_another("spec", self.name)) from None

    @property
    def has_stopped(self) -> bool:
        """Whether the job has ended, or stays stopped until somebody resumes it."""
        return has_stopped(self.status)

    def require_no_end(self) -> None:
        """Check that the job has not ended.

        Raises:
            JobStateError: it has.
        """
        if self.status.phase.terminal:
            raise JobStateError(f"{self.name} has ended ({self.status.phase}), which is final")

    def is_(self, state: str) -> bool:
        """Whether the job's status, if it describes the newest spec, says this.

        Args:
            state: a phase, such as `Succeeded`, or the type of a condition that is to be true,
                such as `Ready`.
        """
        if self.status.observed_generation < self.generation:
            return False
        true = {c.type for c in self.status.conditions if c.status is ConditionStatus.TRUE}
        return state == self.status.phase or state in true


class Jobs(Protocol):
    """The jobs in one place: a namespace of a cluster, or a folder of this machine.

    An asynchronous context manager.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...

    async def create(self, job: LLMTrainingJob) -> Job:
        """Create a job; it starts at once."""
        ...

    async def find(self, name: str) -> Job | None:
        """A job; None if there is none with this name."""
        ...

    async def get(self, name: str) -> Job:
        """A job."""
        ...

    async def list(self) -> list[Job]:
        """All jobs, by name."""
        ...

    async def suspend(self, name: str) -> None:
        """Stop a job after a checkpoint."""
        ...

    async def resume(self, name: str) -> None:
        """Go on with a job that was stopped."""
        ...

    async def delete(self, job: Job) -> None:
        """Stop a job at once and remove it; its workspace stays."""
        ...

    def logs(
        self,
        name: str,
        *,
        stage: Stage | None,
        attempt: int | None,
        follow: bool,
        remark: Remark,
    ) -> AsyncGenerator[str, None]:
        """Parts of the log of a job's stage."""
        ...

    async def obstacle(self, job: Job) -> str | None:
        """Reason why an active job does not go on by itself; None if it does."""
        ...


def require_job_name(name: str) -> None:
    """Check that a job can have this name.

    Raises:
        JobNotFoundError: no job can.
    """
    if not names.is_job_name(name):
        message = f"no job has the name {name!r}: lower-case letters, digits and hyphens make one"
        raise JobNotFoundError(message)


def written_by_another(part: str, name: str) -> str:
    """Message about a part of a job that this version does not understand."""
    return f"the {part} of {name} was written by another version of llmtrain"


def has_stopped(status: JobStatus) -> bool:
    """Whether a job has ended, or stays stopped until somebody resumes it."""
    return status.phase.terminal or status.phase is Phase.SUSPENDED


def condition_message(status: JobStatus) -> str:
    """The newest message of the job's conditions; empty if there is none."""
    # All conditions carry the newest message, whichever of them is true.
    return next((c.message for c in status.conditions), "")
