"""A control group with a memory limit, which the kernel enforces by killing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_ROOT = Path("/sys/fs/cgroup")


@contextmanager
def memory_group(limit_bytes: int) -> Iterator[Path]:
    """The folder of a new group; it is removed once its processes have ended.

    Tests are skipped where this process may not make one, or where memory is not limited by groups.
    """
    line = next((each for each in _own_groups() if each[0] in {"memory", ""}), None)
    assert line is not None
    controller, path = line
    folder = _ROOT / controller / path.strip("/") / f"llmtrain-{os.getpid()}"
    try:
        folder.mkdir()
        set_limit(folder, limit_bytes)
    except OSError as error:
        if folder.exists():
            folder.rmdir()
        pytest.skip(f"no control group for memory can be made here: {error}")
    try:
        yield folder
    finally:
        folder.rmdir()


def set_limit(folder: Path, limit_bytes: int) -> None:
    """Set the limit of a group."""
    first = folder / "memory.limit_in_bytes"
    file = first if first.exists() else folder / "memory.max"
    with file.open("r+") as limit:  # it is there, or memory is not limited here
        limit.write(str(limit_bytes))


def enter(folder: Path) -> None:
    """Put this process into a group; what it takes from now on counts there."""
    (folder / "cgroup.procs").write_text(str(os.getpid()))


def _own_groups() -> list[tuple[str, str]]:
    """Controller and path of each group of this process; that of version 2 has no controller."""
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    groups = [tuple(line.split(":", 2)[1:]) for line in lines]
    return sorted(((name, path) for name, path in groups), reverse=True)
