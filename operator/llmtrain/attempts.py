"""The attempts of a job, and the choice among them."""

from dataclasses import dataclass, replace

from llmtrain.errors import JobStateError
from llmtrain.jobs import has_stopped
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, StageState

_DONE = {StageState.SUCCEEDED, StageState.FAILED}


@dataclass(frozen=True)
class Attempt:
    """One attempt of a stage."""

    stage: Stage
    number: int

    def __str__(self) -> str:
        return f"{self.stage}, attempt {self.number}"

    def is_at_work(self, status: JobStatus) -> bool:
        """Whether the attempt has not ended yet."""
        live = status.stage(self.stage).run.live_attempt
        return live is not None and live.number == self.number


@dataclass(frozen=True)
class AttemptSelector:
    """Selects attempts by stage and number; without both it selects all."""

    stage: Stage | None = None
    number: int | None = None

    def resolve(self, status: JobStatus) -> "AttemptSelector":
        """Add the missing stage to a number: the running stage, or the last one."""
        if self.number is None or self.stage is not None:
            return self
        begun = AttemptSelector().begun(status)
        return replace(self, stage=begun[-1].stage if begun else None)

    def begun(self, status: JobStatus) -> list[Attempt]:
        """The selected attempts that have begun, in order."""
        return [
            Attempt(stage.name, number)
            for stage in status.stages
            for number in range(stage.run.next_attempt)
            if self.stage in {None, stage.name} and self.number in {None, number}
        ]

    def newest(self, name: str, status: JobStatus) -> Attempt:
        """The newest selected attempt that has begun.

        Args:
            name: name of the job.
            status: the job's status.

        Raises:
            JobStateError: none of them has begun.
        """
        begun, all_begun = self.begun(status), AttemptSelector().begun(status)
        if begun:
            return begun[-1]
        if not all_begun:
            problem = "no stage has started yet"
        elif self.number is None:
            problem = f"{self.stage} has not started yet; the newest is {all_begun[-1]}"
        else:
            newest = all_begun[-1]
            problem = f"{self.stage} has had no attempt {self.number}; the newest is {newest}"
        raise JobStateError(f"{name}: {problem}; `llmtrain status {name}` says more")

    def is_over(self, status: JobStatus) -> bool:
        """Whether no selected attempt runs, and none will come."""
        begun = self.begun(status)
        if begun and begun[-1].is_at_work(status):
            return False
        if self.stage is not None and status.stage(self.stage).state in _DONE:
            return True
        return self.number is not None or has_stopped(status)
