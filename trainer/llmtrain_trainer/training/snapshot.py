"""Snapshots of the training state, which a thread writes into files while training goes on."""

import copy
import logging
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """One rank's files of a checkpoint, not yet written."""

    states: dict[Path, object]
    """Content of each file, by its path inside the checkpoint."""
    is_copy: bool
    """Whether training may go on before the files are written."""

    def write(self, folder: Path) -> None:
        """Write the files below a folder."""
        for path, state in self.states.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            torch.save(state, target)


class HostBuffers:
    """Host memory for the copies of one snapshot, which the next one overwrites.

    It is pinned where there is a GPU: then its copy engine fills it at the speed of the bus.
    """

    def __init__(self) -> None:
        self._buffers: list[Tensor] = []
        self._used = 0

    @property
    def num_bytes(self) -> int:
        """Memory that is reserved by now, in bytes."""
        return sum(buffer.nbytes for buffer in self._buffers)

    def start_over(self) -> None:
        """Free all buffers for the next snapshot."""
        self._used = 0

    def copy_of(self, storage: torch.UntypedStorage) -> torch.UntypedStorage:
        """A copy of a storage; on a GPU it is complete when the stream is synchronized."""
        source = torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)
        buffer = self._next(storage.nbytes())
        buffer.copy_(source, non_blocking=True)
        return buffer.untyped_storage()

    def _next(self, num_bytes: int) -> Tensor:
        """The next buffer: a state has the same storages, in the same order, each time."""
        if self._used == len(self._buffers):
            self._buffers.append(_host_buffer(num_bytes))
        elif self._buffers[self._used].nbytes != num_bytes:
            self._buffers[self._used] = _host_buffer(num_bytes)
        self._used += 1
        return self._buffers[self._used - 1]


def _host_buffer(num_bytes: int) -> Tensor:
    buffer = torch.empty(num_bytes, dtype=torch.uint8)
    if torch.cuda.is_available() and num_bytes:
        _pin(buffer)
    return buffer


def _pin(buffer: Tensor) -> None:
    """Pin memory where it is; torch's own pinned memory is rounded up to a power of two."""
    cuda = torch.cuda.cudart()
    address = buffer.data_ptr()
    error = int(cuda.cudaHostRegister(address, buffer.nbytes, 0))
    if error:
        _log.warning(
            "%.1f GB for checkpoints could not be pinned (CUDA error %d): copies take longer",
            *(buffer.nbytes / 1e9, error),
        )
    else:
        weakref.finalize(buffer, cuda.cudaHostUnregister, address)


def storages(value: object) -> dict[int, int]:
    """Bytes of each storage in a state, by the identity of the storage."""
    if isinstance(value, Tensor):
        storage = value.untyped_storage()
        return {StorageWeakRef(storage).cdata: storage.nbytes()}
    found: dict[int, int] = {}
    if isinstance(value, dict | list | tuple):
        for part in value.values() if isinstance(value, dict) else value:
            found |= storages(part)
    return found


class StateCopy:
    """A copy of the content of one file.

    Tensors that share a storage share its copy too, so the file that `torch.save` makes of the copy
    is the one that it would make of the original.

    Args:
        buffers: memory for the copies.
    """

    def __init__(self, buffers: HostBuffers) -> None:
        self._buffers = buffers
        self._copies: dict[int, torch.UntypedStorage] = {}
        """By the identity of the original."""
        self._memo: dict[int, Any] = {}
        """Copies by the identity of the original, as `copy.deepcopy` keeps them."""

    def copied(self, value: object) -> object:
        """The copy of a tensor, or of what holds tensors; the same for the same object."""
        if id(value) not in self._memo:
            self._memo[id(value)] = self._copied(value)
        return self._memo[id(value)]

    def _copied(self, value: object) -> object:
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, dict):
            fresh: dict[Any, object] = copy.copy(value)  # with the attributes of a state_dict
            fresh.update((key, self.copied(each)) for key, each in value.items())
            return fresh
        if isinstance(value, list):
            return [self.copied(each) for each in value]
        if type(value) is tuple:
            return tuple(self.copied(each) for each in value)
        return copy.deepcopy(value, self._memo)

    def _tensor(self, value: Tensor) -> Tensor:
        fresh = torch.empty(0, dtype=value.dtype).set_(
            self._storage(value.untyped_storage()),
            value.storage_offset(),
            value.size(),
            value.stride(),
        )
        if isinstance(value, nn.Parameter):
            fresh = nn.Parameter(fresh, requires_grad=value.requires_grad)
        fresh.requires_grad_(value.requires_grad)
        for name, attribute in vars(value).items():
            setattr(fresh, name, self.copied(attribute))
        return fresh

    def _storage(self, storage: torch.UntypedStorage) -> torch.UntypedStorage:
        identity = StorageWeakRef(storage).cdata  # empty ones have no address
        if identity not in self._copies:
            self._copies[identity] = self._buffers.copy_of(storage)
        return self._copies[identity]
