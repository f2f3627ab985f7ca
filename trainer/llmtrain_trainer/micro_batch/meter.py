"""The memory of a rank's device, as a step uses it."""

import gc
from typing import Protocol

import torch

from llmtrain_planner.hardware import CPU, Device
from llmtrain_trainer import host_memory
from llmtrain_trainer.micro_batch.search import StepMemory
from llmtrain_trainer.training.mesh import Ranks


class Meter(Protocol):
    """Measures a step on this rank's device."""

    def start(self) -> None:
        """Begin. Before it every rank on the machine has let go of what it need not keep."""
        ...

    def stop(self) -> StepMemory:
        """The memory since the start."""
        ...


def meter(ranks: Ranks) -> Meter:
    """The meter of this rank's device. Collective."""
    if torch.cuda.is_available():
        return _GpuMeter()
    return _HostMeter(ranks.count_here())


def device_of_rank(ranks: Ranks) -> Device:
    """What the planner needs to know of this rank's device: its memory. Collective."""
    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
        return Device(torch.cuda.get_device_name(), 0, 0, memory)
    return Device(CPU, 0, 0, host_memory.limit_bytes() // ranks.count_here())


def let_go() -> None:
    """Give back what is not used any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    host_memory.give_back_free()


class _GpuMeter:
    _USABLE = 0.94
    """Part of the memory that tensors can fill; the rest lies between them."""

    def start(self) -> None:
        self._held = torch.cuda.memory_allocated()

    def stop(self) -> StepMemory:
        free, _ = torch.cuda.mem_get_info()
        room = int(self._USABLE * (free + torch.cuda.memory_reserved()))
        return StepMemory(self._held, torch.cuda.max_memory_allocated(), room)


class _HostMeter:
    """A host's memory, shared by the ranks on it."""

    _USABLE = 0.95
    """Part of the free memory that is taken; the rest is for what the next hours bring."""

    def __init__(self, ranks_here: int) -> None:
        self._ranks_here = ranks_here

    def start(self) -> None:
        self._held = host_memory.held_bytes()
        self._free = host_memory.free_bytes()
        host_memory.restart_peak()

    def stop(self) -> StepMemory:
        room = self._held + int(self._USABLE * self._free / self._ranks_here)
        return StepMemory(self._held, host_memory.peak_bytes(), room)
