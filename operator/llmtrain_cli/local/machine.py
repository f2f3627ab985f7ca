"""This machine: its resources, the workers that fit on it, and its cost."""

import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from llmtrain_api.batch import is_shared_evenly, parallel_dims
from llmtrain_api.cost import CapacityType, Cost, PriceSource
from llmtrain_api.job import JobSpec
from llmtrain_api.stages import StageGroup
from llmtrain_cli.local.provided import NotProvidedError
from llmtrain_lifecycle.money.paid_pods import PaidPod
from llmtrain_lifecycle.money.pod_price import PodPrice
from llmtrain_lifecycle.status_text import read_time


@dataclass(frozen=True)
class Machine:
    """Resources of this machine."""

    cpus: int
    gpus: int


@dataclass(frozen=True)
class Fit:
    """Workers of a job on a machine."""

    num_workers: int
    use_gpus: bool
    note: str | None
    """Messages about everything that is less than the manifest asks for."""


def this_machine() -> Machine:
    """Resources that this process may use."""
    return Machine(cpus=len(os.sched_getaffinity(0)), gpus=_count_gpus())


def fit(spec: JobSpec, machine: Machine) -> Fit:
    """The largest number of workers that fits on this machine and divides the batch.

    One worker always does, but for a model in parts.

    Raises:
        NotProvidedError: the parts of a model have no room.
    """
    trainers = spec.compute.trainers
    use_gpus = trainers.gpus > 0 and machine.gpus > 0
    cpus_each = trainers.cpus // max(trainers.gpus, 1)
    room = machine.gpus if use_gpus else max(1, machine.cpus // cpus_each)
    wanted = trainers.num_workers
    most = min(wanted, room)
    kind = "on GPUs" if use_gpus else "on the CPU"
    has = f"{machine.gpus} GPUs" if use_gpus else f"{machine.cpus} CPU cores"
    count = next((n for n in range(most, 0, -1) if _divides(spec, n)), None)
    if count is None:
        raise NotProvidedError(
            f"parallel.tensor needs that many workers at least; {most} fit {kind}: this machine "
            f"has {has}; lower it, or compute.trainers.cpus"
        )
    if count == wanted and use_gpus == (trainers.gpus > 0):
        return Fit(count, use_gpus, None)
    note = f"{count} of {wanted} workers, {kind}: this machine has {has}"
    return Fit(count, use_gpus, note)


def _divides(spec: JobSpec, workers: int) -> bool:
    return all(
        workers % training.parallel.tensor == 0
        and is_shared_evenly(training, parallel_dims(training, workers))
        for training in spec.trainings.values()
    )


def _count_gpus() -> int:
    if shutil.which("nvidia-smi") is None:
        return 0
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


class PaidMachine:
    """This machine as Pods in the ledger: one Pod for each start of Ray.

    Args:
        cost: the run's cost so far.
        usd_per_hour: price of the machine; 0 if it is free.
    """

    def __init__(self, cost: Cost | None, usd_per_hour: Decimal) -> None:
        self._price = PodPrice(usd_per_hour, CapacityType.ON_DEMAND, PriceSource.NODE)
        self._costs = cost is not None or usd_per_hour > 0
        self._uses = _left_open(cost, self._price)

    @property
    def price(self) -> Decimal | None:
        """Price in US dollars per hour; None if it is not known."""
        return self._price.usd_per_hour if self._costs else None

    @property
    def paid(self) -> tuple[PaidPod, ...] | None:
        """All uses of the machine; None if it is free."""
        return tuple(self._uses) if self._costs else None

    def begin(self, now: datetime) -> None:
        """Record the start of Ray."""
        self._uses.append(PaidPod(str(uuid.uuid4()), StageGroup.ALL, now, None, self._price))

    def end(self, now: datetime) -> None:
        """Record the end of Ray."""
        self._uses = [use if use.end else replace(use, end=now) for use in self._uses]


def _left_open(cost: Cost | None, price: PodPrice) -> list[PaidPod]:
    """Close the entry of a killed run: its end is the time of its last sighting."""
    if cost is None:
        return []
    seen = read_time(cost.observed_time)
    return [
        PaidPod(uid, pods.group, read_time(pods.start), seen, price)
        for pods in cost.ledger.open
        for uid in pods.uids
    ]
