"""Why a group of ranks failed, by what Ray Train tells of each."""

import re

from llmtrain_trainer.errors import StageError, WorkerLostError

_CONNECTION_LOST = ("Connection closed by peer", "Connection reset by peer", "Broken pipe")
# Ray kills workers before the kernel does, and tells it in these words alone.
_OUT_OF_MEMORY = re.compile(
    r"running low on memory\..*? was ([\d.]+ ?GB used / [\d.]+ ?GB limit)", re.DOTALL
)


def cause_of(failures: dict[int, Exception]) -> Exception:
    """Why a group of ranks failed: one rank's failure takes all the others down with it.

    Args:
        failures: of the ranks, as Ray Train gives them.
    """
    causes = {rank: _unwrapped(error) for rank, error in failures.items()}
    for cause in causes.values():
        if isinstance(cause, StageError):
            return cause
    for rank, cause in causes.items():
        memory = _OUT_OF_MEMORY.search(str(cause))
        if memory:
            return StageError(
                f"worker {rank} was killed for want of memory: {memory[1]}; raise "
                "compute.trainers.memory, or lower microBatchSize",
                reason="OutOfMemory",
            )
    for rank, cause in causes.items():
        if type(cause).__module__.startswith("ray."):
            return WorkerLostError(f"worker {rank} was lost: {_first_line(cause)}")
    for rank, cause in causes.items():
        if any(text in str(cause) for text in _CONNECTION_LOST):
            return WorkerLostError(f"worker {rank} lost its peers: {_first_line(cause)}")
    rank, cause = min(causes.items())
    return StageError(f"worker {rank} raised {type(cause).__name__}: {_first_line(cause)}")


def _unwrapped(error: Exception) -> Exception:
    """What Ray hands over inside an exception of its own."""
    ours = getattr(error, "_base_exc", error)
    failure: Exception = getattr(ours, "health_check_failure", ours)
    return failure


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:500]
