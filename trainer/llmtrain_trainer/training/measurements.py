"""Measurements of a rank: use of time, speed and memory."""

import resource
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from llmtrain_api.goodput import WorkSeconds
from llmtrain_api.spec.training import Precision
from llmtrain_planner.hardware import Device, cpu_device, gpu_by_driver_name

Bucket = Literal[
    "start_up", "restore", "data_wait", "productive", "checkpoint_save", "evaluation", "other"
]


class Stopwatch:
    """Counts seconds by bucket, from `start_up` on.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._seconds: dict[Bucket, float] = {}
        self._bucket: Bucket = "start_up"
        self._since = clock()
        self._committed = 0.0

    def switch_to(self, bucket: Bucket) -> Bucket:
        """Count for this bucket from now on; returns the previous bucket."""
        now, before = self._clock(), self._bucket
        self._seconds[before] = self._seconds.get(before, 0.0) + now - self._since
        self._bucket, self._since = bucket, now
        return before

    @contextmanager
    def measure(self, bucket: Bucket) -> Iterator[None]:
        """Count for this bucket within the context, then for the previous one again."""
        before = self.switch_to(bucket)
        try:
            yield
        finally:
            self.switch_to(before)

    @property
    def productive_seconds(self) -> float:
        """Seconds of work until now."""
        self.switch_to(self._bucket)
        return self._seconds.get("productive", 0.0)

    def commit(self, productive_seconds: float) -> None:
        """Record that this much work is kept."""
        self._committed = productive_seconds

    @property
    def work(self) -> WorkSeconds:
        """All seconds until now."""
        uncommitted = self.productive_seconds - self._committed
        return WorkSeconds.model_validate({"uncommitted": uncommitted, **self._seconds})


_RESIDENT_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in the unit of getrusage's memory: see its manual page."""


def peak_memory_bytes() -> int:
    """Peak memory of this rank: of its GPU, or of the machine without one."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RESIDENT_UNIT


_WINDOW_STEPS = 20


class Speedometer:
    """Tokens per second and model FLOPs utilization (Chowdhery et al. 2022, appendix B).

    Args:
        tokens_per_step: over all ranks.
        flops_per_token: forward and backward; None where unknown.
        num_ranks: devices that share the work.
        cpus: CPU cores of each rank, which count where it has no GPU.
        precision: precision of the device's peak.
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
        """Model FLOPs utilization, 0 to 1; None on a device with unknown peak."""
        if self._peak_flops is None or self._flops_per_token is None:
            return None
        return self.tokens_per_second * self._flops_per_token / self._peak_flops


def this_device(cpus: int) -> Device | None:
    """The device of a rank on this machine; None for a GPU that is not in the table."""
    if torch.cuda.is_available():
        return gpu_by_driver_name(torch.cuda.get_device_name())
    return cpu_device(cpus, memory_bytes=0)
