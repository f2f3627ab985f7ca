"""Starts the programs of a test cluster, each with a log file, and waits until they are ready."""

import http.client
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from support.cluster.sandbox import Sandbox

LOOPBACK = "127.0.0.1"
_READY_WITHIN_POLLS = 1200
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Process:
    """A running program.

    Attributes:
        name: what it is called in messages.
        handle: the process itself.
        log: what it prints.
    """

    name: str
    handle: subprocess.Popen[bytes]
    log: Path

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition that the program brings about.

        Raises:
            RuntimeError: it ended, or took a minute; with the end of its log.
        """
        for _ in self._polls():
            if condition():
                return
        end = self.log.read_text(errors="replace")[-4000:]
        raise RuntimeError(f"{self.name} did not become ready:\n{end}")

    def _polls(self) -> Iterator[None]:
        """One turn now and then, for as long as the process lives and may still become ready."""
        for _ in range(_READY_WITHIN_POLLS):
            yield
            try:
                self.handle.wait(_POLL_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            return


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
        self._stack.callback(handle.wait)
        self._stack.callback(handle.terminate)
        return Process(name, handle, log)


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
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
