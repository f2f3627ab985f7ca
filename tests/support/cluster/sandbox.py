"""Runs programs as root in namespaces of their own: no network, nothing on the machine changes.

Processes, mounts, network and cgroups of a sandbox end with it, also when the test is killed: its
first process ends when the pipe to this one closes, and the kernel ends all others with it.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

_TESTS = Path(__file__).parents[2]
_ADDRESS = "172.30.0.1"
_FORWARDED_PORTS = 3
# A process that enters keeps its cgroups, so it moves itself; the rest of the tree is not in sight.
_ENTER = 'for group in $(cat "$0"); do echo 0 > "$group/cgroup.procs"; done; exec "$@"'


class SandboxError(Exception):
    """The sandbox could not be made."""


@dataclass(frozen=True)
class Sandbox:
    """Namespaces in which programs run.

    Attributes:
        folder: its files; the log of its first process is there.
        process: the first process, by its number on the machine.
        ports: ports of the machine's loopback interface that lead to the same ports of the
            sandbox's loopback interface: etcd's, the API server's, and one for a test.
        address: address of the sandbox itself, for those inside.
    """

    folder: Path
    process: int
    ports: tuple[int, ...]
    address: str = _ADDRESS

    def command(self, *arguments: str | Path) -> list[str]:
        """What to run on the machine to run a program in the sandbox."""
        enter = ["nsenter", "--all", f"--target={self.process}"]
        groups = self.folder / "cgroups"
        return [*enter, "sh", "-c", _ENTER, str(groups), *(str(word) for word in arguments)]

    def run(self, *arguments: str | Path) -> str:
        """Run a program to its end.

        Returns:
            What it printed.

        Raises:
            SandboxError: it failed; with what it said.
        """
        run = subprocess.run(
            self.command(*arguments), check=False, capture_output=True, text=True, errors="replace"
        )
        if run.returncode:
            raise SandboxError(f"{arguments[0]} failed: {run.stdout}{run.stderr}")
        return run.stdout


@contextmanager
def running_sandbox(folder: Path) -> Iterator[Sandbox]:
    """Make a sandbox, which ends with the context.

    Args:
        folder: an empty one.

    Raises:
        SandboxError: this user or machine cannot.
    """
    if os.geteuid() != 0:
        raise SandboxError("A node needs root.")
    with ExitStack() as stack:
        listeners = [stack.enter_context(_listener()) for _ in range(_FORWARDED_PORTS)]
        log = stack.enter_context((folder / "sandbox.log").open("wb"))
        keeper = subprocess.Popen(
            [sys.executable, "-m", "support.cluster.sandbox_keeper", folder, _ADDRESS]
            + [str(listener.fileno()) for listener in listeners],
            env={**os.environ, "PYTHONPATH": str(_TESTS)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            pass_fds=[listener.fileno() for listener in listeners],
            start_new_session=True,  # an interrupt at the terminal is for the test alone
        )
        with keeper:  # closes the pipe at the end, and waits
            assert keeper.stdout is not None
            first = keeper.stdout.readline()
            if not first:
                raise SandboxError((folder / "sandbox.log").read_text())
            ports = tuple(listener.getsockname()[1] for listener in listeners)
            yield Sandbox(folder, int(first), ports)


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))
