"""Finds the newest intact checkpoint, and converts it for another mesh of ranks."""

import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from llmtrain_api.exit_codes import ExitCode
from llmtrain_api.parallel import ParallelDims
from llmtrain_trainer.checkpoint.commit import Group
from llmtrain_trainer.checkpoint.manifest import (
    COMMITTED,
    Manifest,
    checkpoint_steps,
    find_damage,
    read_manifest,
    step_folder,
)
from llmtrain_trainer.errors import StageError, UserError

_log = logging.getLogger(__name__)
_STEPS = TypeAdapter(list[int])
_DAMAGE: TypeAdapter[str | None] = TypeAdapter(str | None)


@dataclass(frozen=True)
class Restorable:
    """A committed checkpoint with verified files."""

    folder: Path
    manifest: Manifest

    @property
    def committed_time(self) -> float:
        """Unix time, in seconds, at which it was committed."""
        return (self.folder / COMMITTED).stat().st_mtime


def find_restorable(root: Path, fingerprint: str, group: Group) -> Restorable | None:
    """The newest checkpoint that verifies; None where there is none. Collective.

    A damaged one is passed over with a warning that says what was wrong. The ranks share the work
    of hashing.

    Args:
        root: the stage's checkpoint folder.
        fingerprint: fingerprint of the settings that the state depends on.
        group: the ranks.

    Raises:
        UserError: the checkpoint belongs to other settings.
    """
    for step in group.gather(checkpoint_steps(root), _STEPS)[0]:
        folder = step_folder(root, step)
        try:
            manifest = read_manifest(folder)
        except ValueError as error:
            _pass_over(folder, str(error), group)
            continue
        names = sorted(manifest.files)[group.rank :: group.size]
        damage = find_damage(folder, {name: manifest.files[name] for name in names})
        if found := [each for each in group.gather(damage, _DAMAGE) if each]:
            _pass_over(folder, found[0], group)
            continue
        if manifest.fingerprint != fingerprint:
            raise UserError(
                f"{folder} was written with other settings (model, data, batch or optimizer); "
                "use another workspace, or the manifest that it was written with"
            )
        return Restorable(folder, manifest)
    return None


def _pass_over(folder: Path, why: str, group: Group) -> None:
    if group.rank == 0:
        _log.warning("checkpoint %s is not used: %s; trying the one before", folder.name, why)


_TAG = "deepspeed"
_DONE = TypeAdapter(tuple[int, str])


def needs_resharding(found: Restorable, dims: ParallelDims) -> bool:
    """Whether a checkpoint is sharded for another number of data-parallel ranks.

    Args:
        found: the checkpoint.
        dims: the mesh that is to load it.

    Raises:
        UserError: it holds other parts of the model than this mesh does.
    """
    written = found.manifest.parallel
    if written.replace(data=dims.data) != dims:
        raise UserError(
            f"{found.folder} was written with {_described(written)}; resharding changes the number "
            f"of data-parallel ranks alone, so it cannot be loaded with {_described(dims)}; "
            "use another workspace, or the dimensions that it was written with",
            reason="OtherParallelism",
        )
    # Without ZeRO every rank that holds a part of the model reads the same state of it.
    sharded = any(name.endswith("_optim_states.pt") for name in found.manifest.files)
    if sharded and written.data != dims.data and dims.tensor > 1:
        raise UserError(
            f"{found.folder} was written with {_described(written)}; the parts of a model that "
            f"parallel.tensor splits are not resharded, so it cannot be loaded with "
            f"{_described(dims)}; use the number of workers that it was written with, or another "
            "workspace",
            reason="OtherParallelism",
        )
    return sharded and written.data != dims.data


@contextmanager
def reshardable(found: Restorable, dims: ParallelDims, group: Group) -> Iterator[Path]:
    """The folder to load a checkpoint from. Collective.

    Args:
        found: the checkpoint.
        dims: the mesh that is to load it.
        group: its ranks.

    Raises:
        UserError: it holds more than weights.
        StageError: DeepSpeed could not convert it.
    """
    if not needs_resharding(found, dims):
        yield found.folder
        return
    converted = found.folder.with_name(f"{found.folder.name}.universal")
    done = _convert(found.folder, converted) if group.rank == 0 else (ExitCode.DONE, "")
    exit_code, why = group.gather(done, _DONE)[0]
    if exit_code == ExitCode.USER:
        raise UserError(why, reason="UnsafeCheckpoint")
    if exit_code != ExitCode.DONE:
        raise StageError(
            f"{found.folder} could not be converted from {found.manifest.parallel.ranks} to "
            f"{dims.ranks} workers: {why}",
            reason="ReshardFailed",
        )
    yield converted
    group.barrier()
    if group.rank == 0:
        shutil.rmtree(converted)


def _described(dims: ParallelDims) -> str:
    return ", ".join(f"{axis} {size}" for axis, size in dims.model_dump().items())


def _convert(source: Path, target: Path) -> tuple[int, str]:
    """Convert; returns the exit code, and the end of what the converter said of its failure."""
    if target.exists():
        shutil.rmtree(target)
    command = [
        *(sys.executable, "-P", "-m", "llmtrain_trainer.training.deepspeed_files"),
        *("--input_folder", str(source / _TAG), "--output_folder", str(target / _TAG)),
        "--inject_missing_state",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.strip()[-2000:]
