"""Small checkpoints of one rank."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from llmtrain_api.parallel import ParallelDims
from llmtrain_api.stages import Stage
from llmtrain_trainer.checkpoint.commit import CheckpointWriter
from llmtrain_trainer.checkpoint.manifest import CheckpointState, Manifest
from llmtrain_trainer.checkpoint.restore import find_restorable

T = TypeVar("T")
_FILES = {"model.bin": b"w" * 100, "deepspeed/optimizer.bin": b"m" * 50}


class Alone:
    """A group of one rank."""

    rank = 0
    size = 1

    def barrier(self) -> None:
        pass

    def gather(self, value: T, kind: TypeAdapter[T]) -> list[T]:
        return [kind.validate_json(kind.dump_json(value))]


def new_writer(root: Path, *, attempt: int = 0, keep: int = 3) -> CheckpointWriter:
    """A writer that has taken over."""
    template = Manifest(
        stage=Stage.PRETRAIN,
        attempt=attempt,
        parallel=ParallelDims.over(1),
        fingerprint="settings",
        state=CheckpointState(step=0),
        files={},
    )
    writer = CheckpointWriter(root, template, Alone(), keep=keep)
    writer.claim()
    return writer


def content(step: int) -> dict[str, bytes]:
    """Each file of the checkpoint of a step."""
    return {name: start + str(step).encode() for name, start in _FILES.items()}


def write_files(step: int) -> Callable[[Path], None]:
    """Writes the files of a step's checkpoint into a folder."""

    def write(folder: Path) -> None:
        for name, data in content(step).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(data)

    return write


def newest_step(root: Path) -> int | None:
    """The step that training would go on from, once its files are as they were written."""
    found = find_restorable(root, "settings", Alone())
    if found is None:
        return None
    step = found.manifest.state.step
    assert {name: (found.folder / name).read_bytes() for name in _FILES} == content(step)
    return step
