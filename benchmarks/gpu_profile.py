"""Where a device's time goes: kernels by class, and the share of the time in which it idles."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from torch._C._autograd import DeviceType

IDLE = "idle"
_CLASSES = (
    # In this order: the first pattern that is found in a kernel's name decides.
    ("collectives", r"nccl"),
    ("attention", r"flash|fmha|sdpa|attention|flex"),
    ("cross entropy", r"softmax|nll|cross_?entropy|logsumexp"),
    ("optimizer", r"adam|multi_tensor|foreach"),
    (
        "matrix products",
        r"gemm|gemv|cutlass|cublas|nvjet|xmma|wgmma|\bmm\b|bmm|addmm|matmul|linear",
    ),
    ("copies", r"memcpy|memset|copy|_to_copy|\bcat\b|catarray|fill"),
    ("norms and element-wise", r""),
)


class Event(Protocol):
    """A kernel, or on a CPU an operator, as torch's profiler has it. Times in microseconds."""

    name: str
    device_type: DeviceType

    @property
    def time_range(self) -> "Span":
        """Its start and end."""
        ...

    @property
    def self_cpu_time_total(self) -> float:
        """Time in the operator, without those that it calls."""
        ...


class Span(Protocol):
    """Start and end of an event, in microseconds."""

    start: float
    end: float


@dataclass(frozen=True)
class Profile:
    """Device time of the steps of a training, per step."""

    milliseconds: dict[str, float]
    """Milliseconds by class of kernel, the largest first, idle time included."""
    kernels: int
    """Kernels; on a CPU, operators that do work of their own."""


def class_of(kernel: str) -> str:
    """The class of a kernel, by its name."""
    return next(name for name, found in _CLASSES if re.search(found, kernel, re.IGNORECASE))


def summarize(events: Iterable[Event], *, steps: int) -> Profile:
    """The profile of a number of steps, per step.

    On a GPU the kernels' own times; it idles where none runs. On a CPU the time of each operator,
    without those that it calls; there is no idle time.
    """
    events = list(events)
    kernels = [event for event in events if event.device_type is DeviceType.CUDA]
    by_class: dict[str, float] = {}
    if kernels:
        times = [(e.name, e.time_range.end - e.time_range.start) for e in kernels]
        by_class[IDLE] = _idle([(e.time_range.start, e.time_range.end) for e in kernels])
    else:
        times = [(e.name, e.self_cpu_time_total) for e in events if e.self_cpu_time_total > 0]
    for name, microseconds in times:
        kind = class_of(name)
        by_class[kind] = by_class.get(kind, 0.0) + microseconds
    largest_first = sorted(by_class.items(), key=lambda item: -item[1])
    return Profile({name: time / 1e3 / steps for name, time in largest_first}, len(times) // steps)


def _idle(spans: list[tuple[float, float]]) -> float:
    """Time between the first start and the last end that no span covers."""
    covered, reached = 0.0, min(start for start, _ in spans)
    first = reached
    for start, end in sorted(spans):
        covered += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return reached - first - covered
