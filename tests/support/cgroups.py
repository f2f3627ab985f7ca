"""Control groups below this process's own: of a sandbox, and with a memory limit."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
_REMOVAL_TRIES = 100
_TRY_SECONDS = 0.05


@dataclass(frozen=True)
class Hierarchy:
    """One mounted tree of cgroups.

    Attributes:
        mount_point: where.
        kind: `cgroup` (one or more controllers), or `cgroup2`.
        options: mount options of the hierarchy.
        own: this process's place in it.
    """

    mount_point: Path
    kind: str
    options: str
    own: Path


def hierarchies() -> list[Hierarchy]:
    """All trees of this machine."""
    return list(_hierarchies())


def _hierarchies() -> Iterator[Hierarchy]:
    own = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        own[controllers] = path
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount_point, kind, options, *_ = line.split()
        if kind == "cgroup2":
            yield Hierarchy(Path(mount_point), kind, "rw", Path(mount_point + own[""]))
        elif kind == "cgroup":
            for controllers, path in own.items():
                if controllers and set(controllers.split(",")) <= set(options.split(",")):
                    yield Hierarchy(Path(mount_point), kind, controllers, Path(mount_point + path))


def make_groups(name: str) -> list[Path]:
    """Make a group in each tree."""
    groups = []
    for hierarchy in hierarchies():
        group = hierarchy.own / name
        group.mkdir()
        groups.append(group)
        # A new group of this controller takes nobody in before it has its share.
        for share in ("cpuset.cpus", "cpuset.mems"):
            if hierarchy.kind == "cgroup" and (group / share).exists():
                (group / share).write_text((group.parent / share).read_text())
    return groups


def join(groups: list[Path]) -> None:
    """Move this process into groups."""
    for group in groups:
        (group / "cgroup.procs").write_text(str(os.getpid()))


def remove_groups(groups: list[Path]) -> None:
    """Remove groups, and all that are below them, once their last process is gone."""
    for group in groups:
        for folder, _, _ in os.walk(group, topdown=False):
            _remove(Path(folder))


def _remove(group: Path) -> None:
    for _ in range(_REMOVAL_TRIES):
        try:
            group.rmdir()
        except OSError:
            time.sleep(_TRY_SECONDS)  # a killed process leaves its group a moment later
        else:
            return


@contextmanager
def memory_group(limit_bytes: int) -> Iterator[Path]:
    """A new group with a memory limit, which the kernel enforces by killing.

    It is removed once its processes have ended. Tests are skipped where this process may not make
    one, or where memory is not limited by groups.
    """
    import pytest  # not in a sandbox

    group = _memory_hierarchy().own / f"llmtrain-{os.getpid()}"
    try:
        group.mkdir()
        _set_memory_limit(group, limit_bytes)
    except OSError as error:
        if group.exists():
            group.rmdir()
        pytest.skip(f"no control group for memory can be made here: {error}")
    try:
        yield group
    finally:
        group.rmdir()


def _memory_hierarchy() -> Hierarchy:
    """The tree that limits memory: of version 1, or else of version 2."""
    trees = hierarchies()
    first = [each for each in trees if "memory" in each.options.split(",")]
    return (first or [each for each in trees if each.kind == "cgroup2"])[0]


def _set_memory_limit(group: Path, limit_bytes: int) -> None:
    first = group / "memory.limit_in_bytes"
    file = first if first.exists() else group / "memory.max"
    with file.open("r+") as limit:  # it is there, or memory is not limited here
        limit.write(str(limit_bytes))
