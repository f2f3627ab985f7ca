"""A process group whose ranks find one another through a file, on one machine.

By default torch opens a server for it, on all interfaces, which everybody who reaches it may read
and write.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import ray
from ray.train._internal.base_worker_group import BaseWorkerGroup
from ray.train.torch import TorchConfig
from ray.train.torch.config import (
    _set_torch_distributed_env_vars,
    _setup_torch_process_group,
    _TorchBackend,
)


@dataclass
class FileStoreConfig(TorchConfig):  # type: ignore[misc]  # Ray has no types
    """Ray Train's configuration of torch, with a file instead of a server."""

    @property
    def backend_cls(self) -> type[_TorchBackend]:
        """Backend that makes the process group."""
        return _FileStoreBackend


class _FileStoreBackend(_TorchBackend):  # type: ignore[misc]
    def on_start(self, worker_group: BaseWorkerGroup, backend_config: TorchConfig) -> None:
        """Make the process group; all ranks take part at the same time."""
        worker_group.execute(_set_torch_distributed_env_vars)
        folder = Path(tempfile.mkdtemp(prefix="ranks-"))  # for this user alone
        ranks = [
            worker_group.execute_single_async(
                rank,
                _setup_torch_process_group,
                backend=backend_config.backend,
                world_rank=rank,
                world_size=len(worker_group),
                init_method=f"file://{folder / 'store'}",
                timeout_s=backend_config.timeout_s,
            )
            for rank in range(len(worker_group))
        ]
        ray.get(ranks)
