"""A run on this machine: workers that it has no room for are left out, any folder will do."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from support.local_run import small_spec, write_manifest

from llmtrain.local.lock import WorkspaceError, workspace_lock
from llmtrain.manifest import load_manifest
from llmtrain_cli.local.machine import Machine, fit


@pytest.mark.parametrize(
    ("trainers", "machine", "workers", "note"),
    [
        ({"replicas": 2, "cpus": 1}, Machine(cpus=2, gpus=0), 2, None),
        (
            {"replicas": 4, "cpus": 1},
            Machine(cpus=2, gpus=0),
            2,
            "2 of 4 workers, on the CPU: this machine has 2 CPU cores",
        ),
        (
            {"replicas": 4, "cpus": 1},
            Machine(cpus=3, gpus=0),
            2,  # a batch of 16 sequences cannot be shared by 3
            "2 of 4 workers, on the CPU: this machine has 3 CPU cores",
        ),
        (
            {"replicas": 2, "gpus": 4, "cpus": 32},
            Machine(cpus=64, gpus=2),
            2,
            "2 of 8 workers, on GPUs: this machine has 2 GPUs",
        ),
        (
            {"replicas": 1, "gpus": 1, "cpus": 8},
            Machine(cpus=2, gpus=0),
            1,
            "1 of 1 workers, on the CPU: this machine has 2 CPU cores",
        ),
    ],
)
def test_workers_are_reduced_to_what_fits(
    tmp_path: Path, trainers: dict[str, Any], machine: Machine, workers: int, note: str | None
) -> None:
    spec = deepcopy(small_spec())
    spec["compute"]["trainers"] = trainers
    found = fit(load_manifest(write_manifest(tmp_path, spec)).spec, machine)
    assert (found.num_workers, found.note) == (workers, note)


def test_a_workspace_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for root in (tmp_path / "file", Path("/proc/here")):
        refusal = pytest.raises(
            WorkspaceError, match=f"{root} cannot be a workspace.*choose another"
        )
        with refusal, workspace_lock(root / ".llmtrain"):
            pass
