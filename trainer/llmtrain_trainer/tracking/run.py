"""The input of trackers: a run and its points."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class TrackedRun:
    """One stage of a job, as a tracker's run.

    Attributes:
        id: the same for all attempts of the stage, and for no other stage of any job.
        job: name of the job.
        stage: name of the stage.
        attempt: counted from 0.
        folder: where trackers without a server write; perhaps not made yet.
        resumed_step: the optimizer step that the attempt goes on from.
        parameters: settings of the stage, by their path in the manifest.
    """

    id: str
    job: str
    stage: str
    attempt: int
    folder: Path
    resumed_step: int
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Point:
    """Values measured at one optimizer step.

    Attributes:
        step: optimizer steps done.
        time: Unix time, in seconds.
        values: by the name of the metric.
    """

    step: int
    time: float
    values: Mapping[str, float]


class Tracker(Protocol):
    """The open run of a tracking service. Whatever its methods raise is a failed attempt."""

    def write(self, points: Sequence[Point]) -> None:
        """Record points, in the order in which they were measured."""
        ...

    def close(self, *, succeeded: bool) -> None:
        """Record what is still held back, and whether the attempt has succeeded."""
        ...
