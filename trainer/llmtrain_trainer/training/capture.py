"""Takes what DeepSpeed would save, before it is written."""

import logging
import tempfile
from pathlib import Path

import torch
from deepspeed import DeepSpeedEngine
from deepspeed.runtime.checkpoint_engine import TorchCheckpointEngine
from torch import nn

from llmtrain_trainer import host_memory
from llmtrain_trainer.training.snapshot import HostBuffers, Snapshot, StateCopy, storages

_log = logging.getLogger(__name__)


class Capture(TorchCheckpointEngine):  # type: ignore[misc]  # DeepSpeed has no types
    """A checkpoint engine of DeepSpeed's that loads as its own does, and hands out what it saves.

    Args:
        copies: whether the state is copied where the host has memory for it; without a copy, a
            snapshot is the live state.
        ranks_here: ranks that share the host's memory.
    """

    def __init__(self, *, copies: bool, ranks_here: int) -> None:
        super().__init__()
        self._copies, self._ranks_here = copies, ranks_here
        self._buffers = HostBuffers()
        self._states: dict[str, object] = {}

    def makedirs(self, path: str, exist_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - DeepSpeed's
        """Make no folder: `Snapshot.write` does."""

    def save(self, state_dict: object, path: str) -> None:
        """Take the content of a file."""
        self._states[path] = state_dict

    def snapshot(self, engine: DeepSpeedEngine, tag: str, *, without_frozen: bool) -> Snapshot:
        """The files that DeepSpeed would write now. Collective.

        The memory of the snapshot before is used again: its files have to be written.

        Args:
            engine: DeepSpeed's engine, which saves through this object.
            tag: folder of the files inside a checkpoint.
            without_frozen: whether parameters that do not learn are left out.
        """
        # DeepSpeed copies two scripts of its own beside the files; nothing reads them.
        with tempfile.TemporaryDirectory() as folder:
            engine.save_checkpoint(
                folder, tag=tag, save_latest=False, exclude_frozen_parameters=without_frozen
            )
        states = {Path(path).relative_to(folder): self._states[path] for path in self._states}
        self._states = {}
        if without_frozen:
            _leave_out_frozen(states, engine.module)
        if not self._copies or not self._has_room(states):
            return Snapshot(states, is_copy=False)
        self._buffers.start_over()
        copied = {path: StateCopy(self._buffers).copied(states[path]) for path in states}
        if torch.cuda.is_available():
            torch.cuda.current_stream().synchronize()
        return Snapshot(copied, is_copy=True)

    def _has_room(self, states: dict[Path, object]) -> bool:
        """Whether the host has memory for a copy, beside what a step needs."""
        more = sum(storages(states).values()) - self._buffers.num_bytes
        if more <= 0 or not host_memory.is_known():
            return True
        step = max(host_memory.peak_bytes() - host_memory.held_bytes(), 0)
        room = host_memory.free_bytes() // self._ranks_here - step
        if more > room:
            _log.warning(
                "training waits for this checkpoint: a copy of its state needs %.1f GB of memory, "
                "and the host has %.1f GB for it",
                *(more / 1e9, max(room, 0) / 1e9),
            )
        return more <= room


def _leave_out_frozen(states: dict[Path, object], model: nn.Module) -> None:
    """Leave out frozen weights under all their names: DeepSpeed keeps the second of tied ones.

    Args:
        states: content of each file; changed.
        model: the model whose weights they hold.
    """
    named = model.named_parameters(remove_duplicate=False)
    frozen = {name for name, parameter in named if not parameter.requires_grad}
    for state in states.values():
        weights = state.get("module") if isinstance(state, dict) else None
        if weights is not None:
            for name in frozen & weights.keys():
                del weights[name]
