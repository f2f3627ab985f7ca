"""Starts the programs of a test cluster, each with a log file, and waits until they are ready."""

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from support.cluster.sandbox import Sandbox

from llmtrain_cli.local.ray_head import free_ports

LOOPBACK = "127.0.0.1"
_POLL_SECONDS = 0.05
# An API server would wait a minute for those that still watch.
_GRACE_SECONDS = 2


@dataclass(frozen=True)
class Process:
    """A running program.

    Attributes:
        name: what it is called in messages.
        handle: the process itself.
        log: what it prints.
        entered: it runs in a sandbox.
    """

    name: str
    handle: subprocess.Popen[bytes]
    log: Path
    entered: bool

    def number(self) -> int:
        """Its number on the machine."""
        if not self.entered:
            return self.handle.pid
        # The command that enters a sandbox has the program as its child, and waits for it.
        (program,) = psutil.Process(self.handle.pid).children()
        return program.pid

    def stop(self) -> None:
        """End it, if it has not ended; by force if it waits for others to go first."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            self._signal(number)
            with suppress(subprocess.TimeoutExpired):
                self.handle.wait(_GRACE_SECONDS)
                return

    def _signal(self, number: signal.Signals) -> None:
        if self.handle.poll() is None:
            try:
                os.kill(self.number(), number)
            except (psutil.NoSuchProcess, ProcessLookupError, ValueError):
                self.handle.send_signal(number)  # it has not entered yet, or is about to leave

    def wait_until(self, condition: Callable[[], bool], *, within_seconds: float = 120) -> None:
        """Wait for a condition that the program brings about.

        Raises:
            RuntimeError: it ended, or took too long; with the end of its log.
        """
        last_turn = time.monotonic() + within_seconds
        while not condition():
            with suppress(subprocess.TimeoutExpired):
                self.handle.wait(_POLL_SECONDS)
            if self.handle.poll() is not None or time.monotonic() > last_turn:
                end = self.log.read_text(errors="replace")[-4000:]
                raise RuntimeError(f"Waited for {self.name} in vain:\n{end}")


class Processes:
    """Starts programs that end with a context.

    Args:
        folder: for the log files.
        stack: the context.
        sandbox: where they run; on the machine itself if there is none.
    """

    def __init__(self, folder: Path, stack: ExitStack, sandbox: Sandbox | None = None) -> None:
        self._folder = folder
        self._stack = stack
        self._sandbox = sandbox

    def start(self, program: str | Path, *arguments: str) -> Process:
        """Start one; the log is named after the program."""
        name, command = Path(program).name, [str(program), *arguments]
        log = self._folder / f"{name}.log"
        if self._sandbox:
            command = self._sandbox.command(*command)
        with log.open("ab") as output:
            handle = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        process = Process(name, handle, log, entered=self._sandbox is not None)
        self._stack.callback(process.stop)
        return process


def answers_ok(connection: http.client.HTTPConnection, path: str, token: str = "") -> bool:
    """Whether a server answers a request with 200; the connection is closed again."""
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException):
        return False  # not listening yet
    finally:
        connection.close()
    return response.status == http.client.OK


def free_port() -> int:
    """A port of the loopback interface that nobody listens on, nor is given by the kernel."""
    return free_ports(1)[0]
