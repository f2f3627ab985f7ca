"""Takes what DeepSpeed would save, before it is written."""

import tempfile
from pathlib import Path

import torch
from deepspeed import DeepSpeedEngine
from deepspeed.runtime.checkpoint_engine import TorchCheckpointEngine

from llmtrain_trainer.training.snapshot import HostBuffers, Snapshot, StateCopy


class Capture(TorchCheckpointEngine):  # type: ignore[misc]  # DeepSpeed has no types
    """A checkpoint engine of DeepSpeed's that loads as its own does, and hands out what it saves.

    Args:
        copies: whether the state is copied; without that, a snapshot is the live state.
    """

    def __init__(self, *, copies: bool) -> None:
        super().__init__()
        self._buffers = HostBuffers() if copies else None
        self._states: dict[str, object] = {}

    def makedirs(self, path: str, exist_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - DeepSpeed's
        """Make no folder: `Snapshot.write` does."""

    def save(self, state_dict: object, path: str) -> None:
        """Take the content of a file."""
        if self._buffers is not None:
            state_dict = StateCopy(self._buffers).copied(state_dict)
        self._states[path] = state_dict

    def snapshot(self, engine: DeepSpeedEngine, tag: str, *, without_frozen: bool) -> Snapshot:
        """The files that DeepSpeed would write now. Collective.

        The memory of the snapshot before is used again: its files have to be written.

        Args:
            engine: DeepSpeed's engine, which saves through this object.
            tag: folder of the files inside a checkpoint.
            without_frozen: whether parameters that do not learn are left out.
        """
        if self._buffers is not None:
            self._buffers.start_over()
        # DeepSpeed copies two scripts of its own beside the files; nothing reads them.
        with tempfile.TemporaryDirectory() as folder:
            engine.save_checkpoint(
                folder, tag=tag, save_latest=False, exclude_frozen_parameters=without_frozen
            )
        if torch.cuda.is_available():
            torch.cuda.current_stream().synchronize()
        states = {Path(path).relative_to(folder): self._states[path] for path in self._states}
        self._states = {}
        return Snapshot(states, is_copy=self._buffers is not None)
