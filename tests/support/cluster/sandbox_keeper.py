"""Outlives a test that was killed: starts a sandbox's first process, and cleans up after it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from support import cgroups

_NAMESPACES = ("--mount", "--net", "--pid", "--cgroup", "--ipc", "--uts")


def main(folder: Path, arguments: list[str]) -> None:
    """Run the first process to its end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    groups = cgroups.make_groups(f"llmtrain-{os.getpid()}")
    try:
        _run(folder, arguments, groups)
    finally:
        cgroups.remove_groups(groups)


def _run(folder: Path, arguments: list[str], groups: list[Path]) -> None:
    first = [sys.executable, "-m", "support.cluster.sandbox_init", str(folder), *arguments]
    subprocess.run(
        ["unshare", *_NAMESPACES, "--fork", "--kill-child", *first],
        check=False,
        close_fds=False,
        preexec_fn=lambda: cgroups.join(groups),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
