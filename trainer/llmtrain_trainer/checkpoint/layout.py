"""The names in a checkpoint folder.

step-00000100/               a checkpoint, committed when COMMITTED is in it
step-00000100.tmp-3/         attempt 3 is writing it, or died while it did
ATTEMPT                      the attempt that may commit
"""

import re
from pathlib import Path

MANIFEST = "manifest.json"
COMMITTED = "COMMITTED"
ATTEMPT = "ATTEMPT"

_STEP = re.compile(r"step-(\d{8,})")
_LEFTOVER = re.compile(r"step-\d{8,}\.(tmp|trash)-\d+")


def step_folder(root: Path, step: int) -> Path:
    """The folder of the checkpoint after `step` optimizer steps."""
    return root / f"step-{step:08d}"


def temporary_folder(root: Path, step: int, attempt: int) -> Path:
    """Where an attempt writes a checkpoint before it is one."""
    return root / f"step-{step:08d}.tmp-{attempt}"


def trash_folder(root: Path, step: int, attempt: int) -> Path:
    """Where a checkpoint goes before it is deleted, so that none is ever half there."""
    return root / f"step-{step:08d}.trash-{attempt}"


def checkpoint_steps(root: Path) -> list[int]:
    """The steps of all checkpoint folders, committed or not, newest first."""
    if not root.is_dir():
        return []
    matches = (_STEP.fullmatch(path.name) for path in root.iterdir())
    return sorted((int(match[1]) for match in matches if match), reverse=True)


def newest_committed(root: Path) -> int | None:
    """The step of the newest checkpoint that was committed; None where none was."""
    steps = checkpoint_steps(root)
    return next((step for step in steps if (step_folder(root, step) / COMMITTED).is_file()), None)


def leftover_folders(root: Path) -> list[Path]:
    """Folders of writers and deleters that died."""
    if not root.is_dir():
        return []
    return sorted(path for path in root.iterdir() if _LEFTOVER.fullmatch(path.name))
