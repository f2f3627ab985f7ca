"""Errors about memory are known from others, wherever they come from."""

import pytest
import torch

from llmtrain_trainer.errors import StageError
from llmtrain_trainer.out_of_memory import explain_out_of_memory, ran_out_of_memory


def _caused_by(cause: Exception) -> Exception:
    error = RuntimeError("the backward pass failed")
    error.__cause__ = cause
    return error


def test_torch_itself_is_understood() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert ran_out_of_memory(caught.value)


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (MemoryError(), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (_caused_by(MemoryError()), True),
        (_caused_by(ValueError("no")), False),
        (RuntimeError("Connection closed by peer"), False),
    ],
)
def test_an_error_of_memory(error: Exception, *, is_memory: bool) -> None:
    assert ran_out_of_memory(error) is is_memory


def test_the_user_is_told_what_follows() -> None:
    with pytest.raises(StageError, match=r"ran out of memory \(2 GiB\); lower it") as caught:  # noqa: SIM117
        with explain_out_of_memory("lower it"):
            raise torch.OutOfMemoryError("2 GiB")
    assert caught.value.reason == "OutOfMemory"
    with pytest.raises(KeyError), explain_out_of_memory("lower it"):
        raise KeyError
