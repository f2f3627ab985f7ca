"""The clock of a row of gpu.py: warm-up, a wait for the runner's word, timed steps, a profile.

The row's process and the runner talk through files in the row's folder: `ready` is written when
the warm-up is over, `go` is awaited before the timed steps, `result.json` holds what was measured.
"""

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
import torch
from gpu_profile import Profile, summarize
from torch.profiler import ProfilerActivity, profile

READY, GO, RESULT = "ready", "go", "result.json"
_PROFILED_STEPS = 3
_LOOK_SECONDS = 0.01


class Measured(Exception):  # noqa: N818 - no error
    """All steps were timed; what follows in the loop, such as saving the model, is left out."""


@dataclass(frozen=True)
class Plan:
    """The steps of a row."""

    warmup_steps: int
    timed_steps: int
    profiled: bool


@dataclass
class Result:
    """What was measured in a row."""

    seconds: list[float] = field(default_factory=list)
    """Wall time of each timed step, from one synchronized end to the next."""
    peak_bytes: int | None = None
    """Peak of allocated GPU memory in the timed steps."""
    warmup_seconds: float | None = None
    """From the start of the process to the end of the warm-up."""
    profile: Profile | None = None
    ceilings: dict[str, float] = field(default_factory=dict)


class StepClock:
    """Times the steps of a loop that calls `step_ended` after each of them.

    Args:
        plan: how many steps to warm up and to time.
        folder: the row's.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan, self._folder = plan, folder
        self._steps = 0
        self._last = 0.0
        self._result = Result()
        self._profiler: profile | None = None

    def step_ended(self) -> None:
        """Note the end of a step.

        Raises:
            Measured: it was the last one that counts.
        """
        synchronize()
        now = time.perf_counter()
        self._steps += 1
        timed = self._steps - self._plan.warmup_steps
        if timed > 0 and self._profiler is None:
            self._result.seconds.append(now - self._last)
        if timed == 0:
            self._result.warmup_seconds = time.time() - psutil.Process().create_time()
            wait_for_go(self._folder)
            if torch.cuda.is_available():
                torch.cuda.reset_peak_memory_stats()
        elif timed == self._plan.timed_steps:
            self._end_timing()
        elif timed == self._plan.timed_steps + _PROFILED_STEPS:
            self._end_profile()
        self._last = time.perf_counter()

    def _end_timing(self) -> None:
        if torch.cuda.is_available():
            self._result.peak_bytes = torch.cuda.max_memory_allocated()
        write_result(self._folder, self._result)
        if not self._plan.profiled:
            raise Measured
        activity = ProfilerActivity.CUDA if torch.cuda.is_available() else ProfilerActivity.CPU
        self._profiler = profile(activities=[activity])
        self._profiler.start()

    def _end_profile(self) -> None:
        assert self._profiler is not None, "it was started after the timed steps"
        self._profiler.stop()
        self._result.profile = summarize(self._profiler.events(), steps=_PROFILED_STEPS)
        write_result(self._folder, self._result)
        raise Measured


def synchronize() -> None:
    """Wait for the GPU."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def wait_for_go(folder: Path) -> None:
    """Tell the runner that the row is warm, and wait until no other row disturbs it."""
    (folder / READY).touch()
    while not (folder / GO).exists():
        time.sleep(_LOOK_SECONDS)


def write_result(folder: Path, result: Result) -> None:
    """Write what was measured; replaced as a whole."""
    partial = folder / f"{RESULT}.partial"
    partial.write_text(json.dumps(asdict(result)))
    partial.rename(folder / RESULT)


def read_result(folder: Path) -> Result | None:
    """What a row has measured; None where it has not."""
    try:
        values: dict[str, Any] = json.loads((folder / RESULT).read_text())
    except FileNotFoundError:
        return None
    profiled = values.pop("profile")
    return Result(**values, profile=Profile(**profiled) if profiled else None)
