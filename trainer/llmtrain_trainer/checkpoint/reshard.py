"""Makes a checkpoint of another world size loadable: DeepSpeed's universal checkpoint."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llmtrain_trainer.checkpoint.group import Group
from llmtrain_trainer.checkpoint.restore import Restorable
from llmtrain_trainer.errors import StageError

_TAG = "deepspeed"


def needs_resharding(found: Restorable, group: Group) -> bool:
    """Whether a checkpoint is sharded for another number of ranks."""
    # Without ZeRO every rank holds, and reads, the same state.
    sharded = any(name.endswith("_optim_states.pt") for name in found.manifest.files)
    return sharded and found.manifest.world_size != group.world_size


@contextmanager
def reshardable(found: Restorable, group: Group) -> Iterator[Path]:
    """The folder to load a checkpoint from, on this number of ranks. Collective.

    Raises:
        StageError: DeepSpeed could not convert it.
    """
    if not needs_resharding(found, group):
        yield found.folder
        return
    converted = found.folder.with_name(f"{found.folder.name}.universal")
    failures = group.gather(_convert(found.folder, converted) if group.rank == 0 else None)
    if failures[0] is not None:
        raise StageError(
            f"{found.folder} could not be converted from {found.manifest.world_size} to "
            f"{group.world_size} workers: {failures[0]}",
            reason="ReshardFailed",
        )
    yield converted
    group.gather(None)
    if group.rank == 0:
        shutil.rmtree(converted)


def _convert(source: Path, target: Path) -> str | None:
    """Convert; returns what went wrong, or None."""
    if target.exists():
        shutil.rmtree(target)
    command = [
        *(sys.executable, "-m", "deepspeed.checkpoint.ds_to_universal"),
        *("--input_folder", str(source / _TAG), "--output_folder", str(target / _TAG)),
        "--inject_missing_state",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr.strip()[-2000:]
