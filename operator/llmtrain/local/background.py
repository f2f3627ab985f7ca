"""Starts `llmtrain run` in the background, and ends it."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from llmtrain.errors import RunError
from llmtrain.local.closed_files import open_closed
from llmtrain.local.lock import holder, make_private
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.workspace import Workspace

_LOOK_SECONDS = 0.1
_SHOWN_LINES = 5


@dataclass(frozen=True)
class BackgroundRun:
    """The `llmtrain run` of a workspace, which outlives the program that starts it.

    Args:
        workspace: workspace of the run.
        inputs: folder that relative paths of the manifest start from.
        usd_per_hour: price of this machine.
    """

    workspace: Workspace
    inputs: Path
    usd_per_hour: Decimal

    @property
    def pid(self) -> int | None:
        """Process of the run, whoever started it; None if the job is not running."""
        return holder(self.workspace.private)

    @property
    def _output(self) -> Path:
        return self.workspace.private / "run.log"

    async def start(self, job: LLMTrainingJob, *, until: Callable[[], bool]) -> None:
        """Start the run.

        Args:
            job: the manifest.
            until: whether the run has begun, by what it has stored.

        Raises:
            RunError: it ends before it has begun; the message is what it has printed.
            WorkspaceError: the workspace cannot be written to, or others could write to it.
        """
        make_private(self.workspace.private)
        manifest = self.workspace.private / "manifest.json"
        with open_closed(manifest) as file:
            file.write(job.model_dump_json(exclude_unset=True).encode())
        with open_closed(self._output):
            pass  # without the output of an earlier run
        pid = self._spawn(manifest)
        while not (self.pid == pid and until()):
            if _has_ended(pid):
                if until():
                    return
                raise RunError(self.last_words())
            await asyncio.sleep(_LOOK_SECONDS)

    def _spawn(self, manifest: Path) -> int:
        run = [sys.executable, "-P", "-m", "llmtrain_cli", "run", str(manifest)]
        options = {
            "--workspace": self.workspace.root,
            "--inputs": self.inputs,
            "--price-per-hour": self.usd_per_hour,
        }
        words = [word for option, value in options.items() for word in (option, str(value))]
        to_file = os.O_WRONLY | os.O_APPEND
        return os.posix_spawn(
            sys.executable,
            [*run, *words],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self._output), to_file, 0),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,  # Ctrl-C in this terminal is not for it
        )

    def last_words(self) -> str:
        """The end of what the run has printed."""
        try:
            lines = self._output.read_text(errors="replace").splitlines()
        except OSError:
            lines = []
        return "\n".join(lines[-_SHOWN_LINES:]) or "the run ended, and printed nothing"

    async def stop(self, *, until: Callable[[], bool]) -> None:
        """Ask the run to stop after a checkpoint, and wait until it has understood.

        Args:
            until: whether it has, by what it has stored.
        """
        pid = self.pid
        if pid is None:
            return
        os.kill(pid, signal.SIGINT)
        while self.pid == pid and not until():
            _has_ended(pid)
            await asyncio.sleep(_LOOK_SECONDS)

    async def kill(self) -> None:
        """End the run at once; its supervisors then end all that it has started."""
        while (pid := self.pid) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _has_ended(pid)
            await asyncio.sleep(_LOOK_SECONDS)


def _has_ended(pid: int) -> bool:
    """Whether a child process has ended; False for one that somebody else has started."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False
