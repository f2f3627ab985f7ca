"""The drivers of a run: processes of this machine, which need no job server.

On a cluster Ray's job server starts the drivers. Here that would take seconds for each, and the
services that belong to it half of all that Ray costs.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from llmtrain.local.closed_files import open_closed
from llmtrain_api.exit_codes import find_outcome
from llmtrain_api.names import RUN_CONFIG_FILE
from llmtrain_api.run_config import RunConfig
from llmtrain_cli.local.ray_head import RayHead
from llmtrain_cli.local.supervised import supervised
from llmtrain_lifecycle.snapshot import Submission, SubmissionState

_OUTCOME_BYTES = 2**20
"""End of a driver's output that its outcome line lies in."""


def driver_command(python: str) -> list[str]:
    """Program and arguments of a driver; the path of the run config is appended.

    Args:
        python: path of the Python interpreter.
    """
    return [python, "-P", "-m", "llmtrain_trainer"]


@dataclass
class _Driver:
    process: "subprocess.Popen[bytes]"
    """Its supervisor."""
    output: Path
    is_stopping: bool = False


class Drivers:
    """Starts drivers beside a Ray head; an asynchronous context manager, at whose end all end.

    Args:
        head: Ray, whose environment and folder the drivers share.
        lock: file descriptor that stays open as long as a driver runs.
        on_end: called in the event loop when a driver has ended.
    """

    def __init__(self, head: RayHead, *, lock: int, on_end: Callable[[], None]) -> None:
        self._head, self._lock, self._on_end = head, lock, on_end
        self._drivers: dict[str, _Driver] = {}
        self._processes = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._processes.aclose()

    async def submit(self, submission_id: str, run_config: RunConfig) -> None:
        """Start a driver, unless this ID has been used.

        Args:
            submission_id: ID of the attempt.
            run_config: run config of the stage.
        """
        if submission_id in self._drivers:
            return
        shared = self._head.folder
        folder, log = shared.root / submission_id, shared.root / f"{submission_id}.log"
        folder.mkdir(mode=0o700)
        with open_closed(folder / RUN_CONFIG_FILE) as file:
            file.write(run_config.model_dump_json().encode())
        own = {"RAY_ADDRESS": self._head.address, "PYTHONUNBUFFERED": "1"}
        with open_closed(log) as output:
            process = await self._processes.enter_async_context(
                supervised(
                    [*driver_command(sys.executable), str(folder / RUN_CONFIG_FILE)],
                    folder=folder,
                    working=shared.working,
                    output=output,
                    environment={**self._head.environment, **own},
                    lock=self._lock,
                    on_end=self._on_end,
                )
            )
        self._drivers[submission_id] = _Driver(process, log)

    def get(self, submission_id: str) -> Submission | None:
        """Look at a driver; None if it was never started."""
        driver = self._drivers.get(submission_id)
        if driver is None:
            return None
        code = driver.process.poll()
        if code is None:
            return Submission(submission_id, SubmissionState.RUNNING)
        ended = SubmissionState.STOPPED if driver.is_stopping else SubmissionState.FAILED
        state = SubmissionState.SUCCEEDED if code == 0 else ended
        return Submission(submission_id, state, code, find_outcome(_end_of(driver.output)))

    def stop(self, submission_id: str) -> None:
        """Send SIGTERM to a driver, unless it has ended or is unknown."""
        driver = self._drivers.get(submission_id)
        if driver is None or driver.process.poll() is not None:
            return
        driver.is_stopping = True
        assert driver.process.stdin is not None, "a supervisor is asked through it"
        try:
            os.write(driver.process.stdin.fileno(), b"stop\n")
        except BrokenPipeError:
            return  # it has just ended


def _end_of(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _OUTCOME_BYTES, 0))
        return file.read().decode(errors="replace")
