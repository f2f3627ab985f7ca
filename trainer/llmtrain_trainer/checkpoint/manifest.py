"""A checkpoint's folder: names, manifest, and verification of its files.

step-00000100/               a checkpoint, committed when COMMITTED is in it
step-00000100.tmp-3/         attempt 3 is writing it, or died while it did
ATTEMPT                      the attempt that may commit
PINNED                       step of a checkpoint that is being copied, and not to be deleted
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from llmtrain_api.base import Record
from llmtrain_api.parallel import ParallelDims
from llmtrain_api.stages import Stage
from llmtrain_trainer.files import sha256

MANIFEST = "manifest.json"
COMMITTED = "COMMITTED"
ATTEMPT = "ATTEMPT"
PINNED = "PINNED"

_STEP = re.compile(r"step-(\d{8,})")
_LEFTOVER = re.compile(r"step-\d{8,}\.(tmp|trash)-\d+")


def step_folder(root: Path, step: int) -> Path:
    """The folder of the checkpoint after `step` optimizer steps."""
    return root / f"step-{step:08d}"


def temporary_folder(root: Path, step: int, attempt: int) -> Path:
    """The folder in which an attempt writes a checkpoint before its commit."""
    return root / f"step-{step:08d}.tmp-{attempt}"


def trash_folder(root: Path, step: int, attempt: int) -> Path:
    """The folder to which a checkpoint is renamed before deletion, which is not atomic."""
    return root / f"step-{step:08d}.trash-{attempt}"


def checkpoint_steps(root: Path) -> list[int]:
    """The steps of all checkpoint folders, committed or not, newest first."""
    if not root.is_dir():
        return []
    matches = (_STEP.fullmatch(path.name) for path in root.iterdir())
    return sorted((int(match[1]) for match in matches if match), reverse=True)


def newest_committed(root: Path) -> int | None:
    """The step of the newest committed checkpoint; None if there is none."""
    steps = checkpoint_steps(root)
    return next((step for step in steps if (step_folder(root, step) / COMMITTED).is_file()), None)


def pinned_step(root: Path) -> int | None:
    """The step of the checkpoint that is being copied; None if there is none."""
    try:
        return int((root / PINNED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def leftover_folders(root: Path) -> list[Path]:
    """Folders of interrupted writes, commits and deletions."""
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if _is_leftover(path))


def _is_leftover(path: Path) -> bool:
    if _LEFTOVER.fullmatch(path.name):
        return True
    return _STEP.fullmatch(path.name) is not None and not (path / COMMITTED).is_file()


class FileDigest(Record):
    """Size in bytes, and SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


class CheckpointState(Record):
    """The training state that is not in DeepSpeed's files; all else is a function of the step."""

    step: int
    """Optimizer steps done."""
    best_validation_loss: float | None = None
    """Best validation loss for early stopping, in nats per token."""
    failed_validations: int = 0
    """Validations in a row without an improvement, for early stopping."""


class Manifest(Record):
    """Files of a checkpoint, with digests and the state that they belong to."""

    version: Literal[2] = 2
    stage: Stage
    attempt: int
    parallel: ParallelDims
    """Mesh of the ranks that wrote the checkpoint; another mesh has to reshard it."""
    fingerprint: str
    """Fingerprint of the settings that the state depends on; only the same one resumes it."""
    state: CheckpointState
    files: dict[str, FileDigest]


def file_names(folder: Path) -> list[str]:
    """Every file below a folder, relative to it, sorted."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def digest_files(folder: Path, names: Iterable[str]) -> dict[str, FileDigest]:
    """Size and hash of each of these files."""
    return {
        name: FileDigest(size=(folder / name).stat().st_size, sha256=sha256(folder / name))
        for name in names
    }


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a committed checkpoint.

    Raises:
        ValueError: the checkpoint is not committed, or its manifest has changed since.
    """
    marker, manifest = folder / COMMITTED, folder / MANIFEST
    if not marker.is_file():
        raise ValueError("it was never committed")
    if not manifest.is_file():
        raise ValueError(f"{MANIFEST} is missing")
    if marker.read_text(encoding="utf-8").strip() != sha256(manifest):
        raise ValueError(f"{MANIFEST} was changed after the commit")
    try:
        return Manifest.model_validate_json(manifest.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{MANIFEST} is of another version: {error}") from error


def find_damage(folder: Path, expected: dict[str, FileDigest]) -> str | None:
    """Description of the first damaged file; None if all files are as committed."""
    for name, digest in sorted(expected.items()):
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if (size := path.stat().st_size) != digest.size:
            return f"{name} has {size} bytes instead of {digest.size}"
        if sha256(path) != digest.sha256:
            return f"{name} was changed after the commit"
    return None
