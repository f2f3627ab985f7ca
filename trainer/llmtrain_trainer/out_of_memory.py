"""Turns the libraries' errors about memory into one that says what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from llmtrain_api.exit_codes import OUT_OF_MEMORY
from llmtrain_trainer.errors import StageError, in_one_line

_WORDS = (
    "not enough memory: you tried to allocate",
    "can't allocate memory: you tried to allocate",
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
_MOST_CAUSES = 8


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether an error, or one that it comes from, means that memory ran out."""
    for _ in range(_MOST_CAUSES):
        kind = type(error).__name__
        if kind in {"OutOfMemoryError", "MemoryError"} or any(w in str(error) for w in _WORDS):
            return True
        cause = error.__cause__ or error.__context__
        if cause is None:
            return False
        error = cause
    return False


@contextmanager
def explain_out_of_memory(advice: str) -> Iterator[None]:
    """Context in which errors of memory become a `StageError`.

    Args:
        advice: what follows, or what to do.

    Raises:
        StageError: memory ran out.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, StageError) or not ran_out_of_memory(error):
            raise
        raise StageError(
            f"a worker ran out of memory ({in_one_line(error)}); {advice}", reason=OUT_OF_MEMORY
        ) from error
