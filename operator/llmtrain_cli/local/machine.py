"""What this machine has, and what of a manifest fits on it."""

import os
import shutil
import subprocess
from dataclasses import dataclass

from llmtrain_api.batch import is_shared_evenly
from llmtrain_api.job import JobSpec
from llmtrain_api.parallel import ParallelDims


@dataclass(frozen=True)
class Machine:
    """What a laptop can give."""

    cpus: int
    gpus: int


@dataclass(frozen=True)
class Fit:
    """How a job runs on a machine."""

    num_workers: int
    use_gpus: bool
    note: str | None
    """What is less than the manifest asks for, for people."""


def this_machine() -> Machine:
    """The machine that this process may use."""
    return Machine(cpus=len(os.sched_getaffinity(0)), gpus=_count_gpus())


def fit(spec: JobSpec, machine: Machine) -> Fit:
    """The largest number of workers that this machine has room for and that the batch divides by.

    One worker always is: the contract has the batch divide by more.
    """
    trainers = spec.compute.trainers
    use_gpus = trainers.gpus > 0 and machine.gpus > 0
    cpus_each = max(1, trainers.cpus // max(trainers.gpus, 1))
    room = machine.gpus if use_gpus else max(1, machine.cpus // cpus_each)
    wanted = trainers.num_workers
    most = min(wanted, room)
    count = next(n for n in range(most, 0, -1) if _divides(spec, n))
    if count == wanted and use_gpus == (trainers.gpus > 0):
        return Fit(count, use_gpus, None)
    kind = "on GPUs" if use_gpus else "on the CPU"
    has = f"{machine.gpus} GPUs" if use_gpus else f"{machine.cpus} CPU cores"
    note = f"{count} of {wanted} workers, {kind}: this machine has {has}"
    return Fit(count, use_gpus, note)


def _divides(spec: JobSpec, workers: int) -> bool:
    parallel = ParallelDims.over(workers)
    return all(is_shared_evenly(training, parallel) for training in spec.trainings.values())


def _count_gpus() -> int:
    if shutil.which("nvidia-smi") is None:
        return 0
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
