"""How fast training is, over the newest steps."""

from collections import deque

import torch

from llmtrain_api.spec.training import Precision
from llmtrain_planner.hardware import Device, cpu_device, gpu_by_driver_name

_WINDOW_STEPS = 20


class Speedometer:
    """Tokens per second and model FLOPs utilization (Chowdhery et al. 2022, appendix B).

    Args:
        tokens_per_step: over all ranks.
        flops_per_token: forward and backward; None where unknown.
        num_ranks: devices that share the work.
        cpus: CPU cores of each rank, which count where it has no GPU.
        precision: whose peak counts.
    """

    def __init__(
        self,
        tokens_per_step: int,
        *,
        flops_per_token: int | None,
        num_ranks: int,
        cpus: int,
        precision: Precision,
    ) -> None:
        self.tokens_per_step = tokens_per_step
        self._seconds: deque[float] = deque(maxlen=_WINDOW_STEPS)
        self._flops_per_token = flops_per_token
        device = this_device(cpus)
        self._peak_flops = device.peak_flops(precision) * num_ranks if device else None

    def add_step(self, seconds: float) -> None:
        """Count one more step, in seconds of wall time."""
        self._seconds.append(seconds)

    @property
    def seconds_per_step(self) -> float:
        """Mean over the newest steps."""
        return sum(self._seconds) / len(self._seconds)

    @property
    def tokens_per_second(self) -> float:
        """Over all ranks."""
        return self.tokens_per_step / self.seconds_per_step

    @property
    def mfu(self) -> float | None:
        """From 0 to 1; None on a device whose peak is unknown."""
        if self._peak_flops is None or self._flops_per_token is None:
            return None
        return self.tokens_per_second * self._flops_per_token / self._peak_flops


def this_device(cpus: int) -> Device | None:
    """What a rank here computes on; None for a GPU that is not in the table."""
    if torch.cuda.is_available():
        return gpu_by_driver_name(torch.cuda.get_device_name())
    return cpu_device(cpus, memory_bytes=0)
