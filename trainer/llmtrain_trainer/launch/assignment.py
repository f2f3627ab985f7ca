"""What the driver of a stage hands to the keeper of a worker group, and the keeper to the ranks."""

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import psutil

from llmtrain_trainer.stage import ReportAddress


@dataclass(frozen=True)
class DriverProcess:
    """The process of a driver; its number alone may be another process's later on."""

    pid: int
    created: float
    """Unix time in seconds."""

    @classmethod
    def current(cls) -> Self:
        """This process."""
        return cls(os.getpid(), psutil.Process().create_time())

    @property
    def lives(self) -> bool:
        """Whether it still runs, on this machine."""
        try:
            process = psutil.Process(self.pid)
            ended = process.status() == psutil.STATUS_ZOMBIE
            return not ended and process.create_time() == self.created
        except psutil.NoSuchProcess:
            return False


class Work(StrEnum):
    """The kinds of work."""

    WORK = "work"
    """A stage's work beside training: rank 0 does it, and the others wait."""
    TRAIN = "train"
    """Training: all ranks take part."""


@dataclass(frozen=True)
class Assignment:
    """Work of one attempt of a stage."""

    work: Work
    config: str
    """Run config of the attempt, as JSON."""
    report_to: ReportAddress
    ray_job: str
    """Ray's ID of the driver's job, which the ranks' output goes to."""
    number: int = 0
    """Counts the assignments of a group, from 1."""

    def is_for(self, rank: int) -> bool:
        """Whether a rank takes part."""
        return rank == 0 or self.work is Work.TRAIN
