"""The micro batch of a stage as its workspace remembers it.

The file is written before a size is used. So whatever ends an attempt, the next one knows which
size it was at.
"""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from llmtrain_api.base import Record
from llmtrain_trainer.files import replace_file
from llmtrain_trainer.micro_batch.search import smaller


class MicroBatch(Record):
    """The newest size that an attempt has begun with, or tried."""

    key: str
    """Fingerprint of all that changes the memory of a step."""
    size: int
    """Sequences of one forward pass on a worker."""
    found: bool
    """Whether the size is the result of a search; otherwise a search was at it."""
    attempt: int
    """The attempt."""
    kernel_kills: int
    """Processes that the kernel had killed for want of memory when the attempt began, in the
    control groups of rank 0."""


def read(path: Path) -> MicroBatch | None:
    """What the workspace remembers; None where that is nothing, or of another version."""
    try:
        return MicroBatch.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def write(path: Path, micro_batch: MicroBatch) -> None:
    """Remember a size, for as long as the workspace lives."""
    replace_file(path, micro_batch.model_dump_json(indent=1) + "\n")


def size_after(
    last: MicroBatch | None, now: MicroBatch, sizes: Sequence[int], *, out_of_memory: bool
) -> int | None:
    """The size for an attempt, from what is remembered; None where it has to be found.

    Args:
        last: what is remembered.
        now: the new attempt; its size is not looked at.
        sizes: those to choose from, the smallest first.
        out_of_memory: whether the attempt before is known to have run out of memory.
    """
    if last is None or last.key != now.key:
        return None
    killed = now.kernel_kills > last.kernel_kills
    if last.attempt < now.attempt and (out_of_memory or killed):
        return smaller(last.size, sizes)
    return last.size if last.found else None
