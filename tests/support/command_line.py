"""Calls `llmtrain` as a person does, against one cluster."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LLMTRAIN = str(Path(sys.executable).with_name("llmtrain"))
_WITHIN_SECONDS = 60
_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Ended:
    """A command that has ended.

    Attributes:
        code: it ended with.
        out: what it printed to standard output.
        err: what it printed to standard error; a traceback is not for people.
    """

    code: int
    out: str
    err: str

    def __post_init__(self) -> None:
        assert "Traceback" not in self.err, self.err


@dataclass(frozen=True)
class Running:
    """A command that has not ended yet."""

    process: "subprocess.Popen[bytes]"
    folder: Path

    @property
    def out(self) -> str:
        """What it has printed to standard output."""
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        """What it has printed to standard error."""
        return (self.folder / "err").read_text()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition that it brings about."""
        deadline = time.monotonic() + _WITHIN_SECONDS
        while not condition():
            assert self.process.poll() is None, f"it has ended: {self.out}{self.err}"
            assert time.monotonic() < deadline, f"waited in vain: {self.out}{self.err}"
            time.sleep(_LOOK_SECONDS)

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def wait(self) -> Ended:
        """Wait for its end."""
        code = self.process.wait(_WITHIN_SECONDS)
        return Ended(code, self.out, self.err)


@dataclass(frozen=True)
class CommandLine:
    """The command line.

    Attributes:
        kubeconfig: kubeconfig of the cluster; None where the environment names none.
        folder: for what it prints, and its home.
    """

    kubeconfig: Path | None
    folder: Path

    def run(self, *arguments: str | Path) -> Ended:
        """Run a command to its end."""
        with self.running(*arguments) as running:
            return running.wait()

    @contextmanager
    def running(self, *arguments: str | Path) -> Iterator[Running]:
        """Start a command; it ends with the context, if not before."""
        environment = os.environ | {"COLUMNS": "200", "TERM": "dumb", "HOME": str(self.folder)}
        environment.pop("KUBECONFIG", None)
        if self.kubeconfig is not None:
            environment["KUBECONFIG"] = str(self.kubeconfig)
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            process = subprocess.Popen(
                [_LLMTRAIN, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment,
                cwd=self.folder,
            )
        try:
            yield Running(process, self.folder)
        finally:
            process.kill()
            process.wait()
