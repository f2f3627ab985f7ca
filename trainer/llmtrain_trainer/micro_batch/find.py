"""The task of a stage with the micro batch that fits its devices."""

import logging
from dataclasses import replace

import torch
from pydantic import TypeAdapter

from llmtrain_api.batch import divisors
from llmtrain_planner.checkpointing import choose_checkpointing
from llmtrain_planner.hardware import Device
from llmtrain_planner.micro_batch import largest_fitting, least_busy
from llmtrain_planner.stage_plan import rank_setup
from llmtrain_trainer import host_memory
from llmtrain_trainer.completion import fingerprint
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.micro_batch.meter import device_of_rank
from llmtrain_trainer.micro_batch.probe import attempt
from llmtrain_trainer.micro_batch.remembered import MicroBatch, read, size_after, write
from llmtrain_trainer.micro_batch.search import StepMemory, find_largest
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.training.mesh import Mesh
from llmtrain_trainer.training.task import TrainingTask

_log = logging.getLogger(__name__)
_SIZE: TypeAdapter[int | None] = TypeAdapter(int | None)
_MIB = 2**20


def with_micro_batch(task: TrainingTask, context: StageContext) -> TrainingTask:
    """The task with a micro batch that fits, where the manifest names none. Collective.

    The batch of an optimizer step stays as it is: only the number of forward passes changes.

    Raises:
        UserError: this system does not say how much memory a process holds.
    """
    training = task.settings.training
    if not training.finds_micro_batch_size(on_gpus=context.config.workers.gpus > 0):
        return task
    if not torch.cuda.is_available() and not host_memory.is_known():
        raise UserError(
            f"{task.stage}.microBatchSize: auto needs a GPU, or Linux, which says how much memory "
            "a process holds; name a number"
        )
    mesh = Mesh.join(task.settings.batch.parallel)
    search = _Search(task, context, mesh)
    batch = task.settings.batch.with_micro_batch_size(search.size())
    return replace(task, settings=replace(task.settings, batch=batch))


class _Search:
    """One rank's side of the search for a stage's micro batch."""

    def __init__(self, task: TrainingTask, context: StageContext, mesh: Mesh) -> None:
        self._task, self._context, self._mesh = task, context, mesh
        self._sizes = divisors(task.settings.batch.share)
        self._path = context.workspace.micro_batch(task.stage)
        self._device = device_of_rank(mesh.all)
        self._now = MicroBatch(
            key=_key(task, mesh, self._device),
            size=self._sizes[0],
            found=False,
            attempt=task.attempt,
            kernel_kills=host_memory.kernel_kills() if host_memory.is_known() else 0,
        )

    def size(self) -> int:
        """The size for this attempt; the workspace remembers it before it is used."""
        size = self._remembered()
        if size is None:
            size = self._search()
        else:
            _log.info("micro batch: %d sequences, as found before", size)
        self._remember(size, found=True)
        return size

    def _remembered(self) -> int | None:
        """The size that rank 0 reads in the workspace."""
        mine = None
        if self._mesh.rank == 0:
            mine = size_after(
                read(self._path),
                self._now,
                self._sizes,
                out_of_memory=self._context.config.after_out_of_memory,
            )
        return self._mesh.all.gather(mine, _SIZE)[0]

    def _remember(self, size: int, *, found: bool) -> None:
        if self._mesh.rank == 0:
            write(self._path, self._now.replace(size=size, found=found))
        self._mesh.all.barrier()

    def _search(self) -> int:
        on_gpu = torch.cuda.is_available()
        found = find_largest(
            self._sizes,
            _planned(self._task, self._mesh, self._device),
            self._try,
            recovers=on_gpu and self._mesh.dims.ranks == 1,
        )
        size, tries = found.size, ", ".join(str(each) for each in found.tried)
        if found.fits:
            _log.info("micro batch: %d sequences, the largest that fits; tried %s", size, tries)
        else:
            _log.warning("micro batch: %d sequences; none of %s fits", size, tries)
        return size

    def _try(self, size: int) -> list[StepMemory] | None:
        self._context.progress.update(activity=f"trying a micro batch of {size} sequences")
        self._remember(size, found=False)
        return attempt(self._task, self._mesh, size)


def _key(task: TrainingTask, mesh: Mesh, device: Device) -> str:
    """Fingerprint of all that changes the memory of a step."""
    return fingerprint(
        (
            task.fingerprint,
            mesh.dims.model_dump_json(),
            device.name,
            str(device.memory_bytes // _MIB),
            str(task.settings.training.compile),
            torch.__version__,
        )
    )


def _planned(task: TrainingTask, mesh: Mesh, device: Device) -> int:
    """The largest micro batch that the planner says fits; 1 where it does not know the model."""
    if task.architecture is None:
        return 1
    share = task.settings.batch.share
    host = host_memory.limit_bytes() if host_memory.is_known() else device.memory_bytes
    setup = rank_setup(
        task.architecture,
        task.settings.training,
        ranks=mesh.dims.ranks,
        host_bytes=host,
        micro_batch_size=least_busy(share, task.settings.training.sequence_length),
        dropout=task.dropout,
    )
    return largest_fitting(choose_checkpointing(setup, device), device, share)
