"""The process group of ranks that Ray Train starts: their GPUs are checked first.

On one machine the ranks find one another through a file. By default torch opens a server for it,
on all interfaces, which everybody who reaches it may read and write.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import ray
from ray.train._internal.base_worker_group import BaseWorkerGroup
from ray.train.torch import TorchConfig, get_device
from ray.train.torch.config import (
    _set_torch_distributed_env_vars,
    _setup_torch_process_group,
    _TorchBackend,
)

from llmtrain_trainer.errors import UnfitNodeError
from llmtrain_trainer.preflight.gpus import fault_of_gpu


@dataclass
class ProcessGroupConfig(TorchConfig):  # type: ignore[misc]  # Ray has no types
    """Ray Train's configuration of torch.

    Attributes:
        on_one_machine: whether all ranks run on one machine.
    """

    on_one_machine: bool = False

    @property
    def backend_cls(self) -> type[_TorchBackend]:
        """Backend that makes the process group."""
        return _CheckedBackend


class _CheckedBackend(_TorchBackend):  # type: ignore[misc]
    def on_start(self, worker_group: BaseWorkerGroup, backend_config: ProcessGroupConfig) -> None:
        """Make the process group; all ranks take part at the same time.

        Raises:
            UnfitNodeError: ranks cannot use their GPUs; NCCL would say so without their nodes.
        """
        if backend_config.backend == "nccl":
            faults = [each for each in worker_group.execute(_fault_of_own_gpu) if each]
            if faults:
                raise UnfitNodeError("; ".join(faults))
        if backend_config.on_one_machine:
            _meet_through_file(worker_group, backend_config)
        else:
            super().on_start(worker_group, backend_config)


def _fault_of_own_gpu() -> str | None:
    """The fault of the GPU of the rank that this runs in."""
    return fault_of_gpu(ray.train.get_context().get_world_rank(), get_device())


def _meet_through_file(worker_group: BaseWorkerGroup, config: TorchConfig) -> None:
    worker_group.execute(_set_torch_distributed_env_vars)
    folder = Path(tempfile.mkdtemp(prefix="ranks-"))  # for this user alone
    ranks = [
        worker_group.execute_single_async(
            rank,
            _setup_torch_process_group,
            backend=config.backend,
            world_rank=rank,
            world_size=len(worker_group),
            init_method=f"file://{folder / 'store'}",
            timeout_s=config.timeout_s,
        )
        for rank in range(len(worker_group))
    ]
    ray.get(ranks)
