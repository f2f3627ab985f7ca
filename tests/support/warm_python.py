"""Starts Python processes by fork from a parent that has imported the slow libraries once.

torch, transformers and deepspeed take seconds of CPU to import, and a fork takes none. Nothing goes
from one child to the next, since the parent only imports and forks. To those who look, a child is a
process like any other: it has its own pid, takes signals, and ends with its own exit code.

All children hash strings alike, which ordinary processes do not. Tests in `tests/e2e` start
ordinary ones.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

_PROGRAM = "support.fork_server"
_LIBRARIES = (
    "torch",
    "transformers.models.llama.modeling_llama",
    "deepspeed",
    # Imported by DeepSpeed when it makes an engine; it brings torch's compiler, seconds more.
    "deepspeed.runtime.zero.muon.muon_optimizer",
)
_SUPPORT = {"PYTHONPATH": str(Path(__file__).parents[1])}


class Forked:
    """A child of the warm parent; what `subprocess.Popen` is to an ordinary process.

    Args:
        pid: PID of the child.
        ending: a socket on which its exit code arrives, negative for a signal.
    """

    def __init__(self, pid: int, ending: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ending = ending

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; returns the exit code.

        Raises:
            subprocess.TimeoutExpired: it has not ended in time.
        """
        if self.returncode is None:
            self._ending.settimeout(timeout)
            try:
                code = self._ending.recv(16)
            except TimeoutError:
                raise subprocess.TimeoutExpired(f"fork {self.pid}", timeout or 0) from None
            assert code, "the warm parent has ended"
            self.returncode = int(code)
            self._ending.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """`kill -9`."""
        self.send_signal(signal.SIGKILL)


def start_python(
    function: str,
    *arguments: str,
    environment: Mapping[str, str] = os.environ,
    output: int = 1,
    errors: int = 2,
) -> "Forked | subprocess.Popen[bytes]":
    """Start a process that calls a function with strings, and ends when it returns.

    Args:
        function: `module:name`.
        arguments: arguments of the function; the process also finds them in `sys.argv`.
        environment: all its environment variables.
        output: file descriptor of its standard output.
        errors: likewise of its standard error.
    """
    if _has_gpu():
        command = [sys.executable, "-m", _PROGRAM, "call", function, *arguments]
        return subprocess.Popen(
            command, stdout=output, stderr=errors, env={**environment, **_SUPPORT}
        )
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    requests = _warm_parent()
    with theirs:
        request = json.dumps([function, arguments, {**environment}, str(Path.cwd())])
        socket.send_fds(requests, [request.encode()], [output, errors, theirs.fileno()])
    pid = ours.recv(16)
    assert pid, "the warm parent has ended"
    return Forked(int(pid), ours)


def _has_gpu() -> bool:
    """Whether to start ordinary processes: CUDA cannot be used in a fork of what initialised it.

    The parent must never initialise it, and to ask torch may do so.
    """
    return Path("/dev/nvidiactl").exists()


@cache
def _warm_parent() -> socket.socket:
    """Where to ask for a child of the warm parent, which is started at the first call."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        number = theirs.fileno()
        parent = subprocess.Popen(
            [sys.executable, "-m", _PROGRAM, "serve", str(number), *_LIBRARIES],
            pass_fds=[number],
            stdin=subprocess.DEVNULL,
            # OpenMP reads the number of its threads once, and there is no fork after threads.
            env=os.environ | _SUPPORT | {"OMP_NUM_THREADS": "1", "DS_ACCELERATOR": "cpu"},
        )
    atexit.register(_end, parent, ours)
    return ours


def _end(parent: "subprocess.Popen[bytes]", requests: socket.socket) -> None:
    """End the warm parent, which ends what children it still has."""
    requests.close()
    parent.wait()
