"""Memory of this process on a host without a GPU: what it holds, and what limits it.

Linux alone says so. The limits are those of the machine, of the control groups that the process is
in (version 1 and 2), and of the process itself.
"""

import ctypes
import resource
from collections.abc import Iterator
from pathlib import Path

_KIB = 1024
_PROCESS = Path("/proc/self")
_GROUPS = Path("/sys/fs/cgroup")
_UNLIMITED = 2**60
"""Version 1 writes a number near 2^63 where there is no limit."""


def is_known() -> bool:
    """Whether this system says how much memory a process holds."""
    return (_PROCESS / "status").exists()


def give_back_free() -> None:
    """Give the memory that malloc keeps for later back to the system, where it can (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def held_bytes() -> int:
    """Memory of this process, in bytes."""
    return _table(_PROCESS / "status")["VmRSS"] * _KIB


def restart_peak() -> bool:
    """Let `peak_bytes` count from now on (`man 5 proc_pid_clear_refs`).

    Returns:
        False where the system refuses: then it counts from the start.
    """
    try:
        (_PROCESS / "clear_refs").write_text("5")
    except OSError:
        return False
    return True


def peak_bytes() -> int:
    """Most memory that this process has held, in bytes."""
    return _table(_PROCESS / "status")["VmHWM"] * _KIB


def free_bytes() -> int:
    """What all processes under this one's tightest limit may still take together, in bytes."""
    free = [_table(Path("/proc/meminfo"))["MemAvailable"] * _KIB]
    data, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if data != resource.RLIM_INFINITY:
        free.append(data - _table(_PROCESS / "status")["VmData"] * _KIB)
    free += [group.limit - group.used for group in _groups()]
    return min(free)


def limit_bytes() -> int:
    """The tightest limit itself, in bytes."""
    limits = [_table(Path("/proc/meminfo"))["MemTotal"] * _KIB]
    data, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if data != resource.RLIM_INFINITY:
        limits.append(data)
    limits += [group.limit for group in _groups()]
    return min(limits)


def kernel_kills() -> int:
    """Processes that the kernel has killed for want of memory in this one's control group."""
    return sum(group.kills for group in _groups())


class _Group:
    """A control group with a memory limit.

    Args:
        folder: its folder.
        version: 1 or 2.
    """

    def __init__(self, folder: Path, version: int) -> None:
        self._folder, self._version = folder, version

    @property
    def limit(self) -> int:
        text = self._read("memory.limit_in_bytes", "memory.max").strip()
        return _UNLIMITED if text == "max" else int(text)

    @property
    def used(self) -> int:
        """Memory of its processes, without the files that the kernel may drop."""
        total = int(self._read("memory.usage_in_bytes", "memory.current"))
        counts = _pairs(self._read("memory.stat", "memory.stat"))
        prefix = "total_" if self._version == 1 else ""
        return total - counts[f"{prefix}inactive_file"] - counts[f"{prefix}active_file"]

    @property
    def kills(self) -> int:
        return _pairs(self._read("memory.oom_control", "memory.events")).get("oom_kill", 0)

    @property
    def is_limited(self) -> bool:
        name = "memory.limit_in_bytes" if self._version == 1 else "memory.max"
        return (self._folder / name).exists() and self.limit < _UNLIMITED

    def _read(self, first: str, second: str) -> str:
        return (self._folder / (first if self._version == 1 else second)).read_text()


def _groups() -> Iterator[_Group]:
    """The groups with a limit that this process is in: its own, and those around it."""
    for line in (_PROCESS / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        version = 1 if controllers else 2
        root = _GROUPS / "memory" if controllers else _GROUPS
        own = root / path.strip("/")
        # A container sees its own group as the root, and may still read its path on the host.
        folder = own if own.is_dir() else root
        for each in (folder, *folder.parents):
            if each.is_relative_to(root) and (group := _Group(each, version)).is_limited:
                yield group


def _table(path: Path) -> dict[str, int]:
    """The numbers of a file with lines such as `VmRSS:  1024 kB`."""
    pairs = (line.split(":", 1) for line in path.read_text().splitlines())
    words = {name: value.split() for name, value in pairs}
    return {name: int(value[0]) for name, value in words.items() if value and value[0].isdigit()}


def _pairs(text: str) -> dict[str, int]:
    """The numbers of a text with lines such as `oom_kill 1`."""
    return {name: int(value) for name, value in (line.split() for line in text.splitlines())}
