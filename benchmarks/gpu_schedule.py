"""Runs rows one after the other, and prepares the next one while it may.

A row is timed alone: whatever else runs is stopped, and goes on afterwards.
"""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gpu_clock import GO, READY, Result, read_result
from gpu_plans import Row

_ROOT = Path(__file__).parents[1]
_LOOK_SECONDS = 0.02
_LAST_CHARACTERS = 1500


@dataclass(frozen=True)
class Outcome:
    """What came of a row."""

    result: Result | None
    fault: str = ""
    """Why it was left out, or broke off."""


class _RowProcess:
    """The process of a row. Its clock stands still while it is stopped."""

    def __init__(self, row: Row, folder: Path) -> None:
        self.row, self.folder = row, folder
        self._log = (folder / "log").open("wb")
        ours = (str(_ROOT / "operator"), str(_ROOT / "trainer"))
        path = os.pathsep.join((*ours, os.environ.get("PYTHONPATH", "")))
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("gpu_row.py")), str(folder)],
            env={"OMP_NUM_THREADS": "1", "LOCAL_RANK": "0"} | os.environ | {"PYTHONPATH": path},
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._left = row.limit_seconds
        self._runs_since: float | None = time.monotonic()

    @property
    def is_ready(self) -> bool:
        """Whether the row is warm and waits for its turn."""
        return (self.folder / READY).exists()

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone; one that is over its limit is ended."""
        ran = 0.0 if self._runs_since is None else time.monotonic() - self._runs_since
        if self._left - ran < 0:
            self.end()
        return self._process.poll() is not None

    def begin(self) -> None:
        """Have the timed steps begin."""
        (self.folder / GO).touch()

    def stop(self) -> None:
        """Stop the process and its children, until `resume`."""
        if self._runs_since is not None:
            self._left -= time.monotonic() - self._runs_since
            self._runs_since = None
            self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Have the process go on."""
        if self._runs_since is None:
            self._runs_since = time.monotonic()
            self._signal(signal.SIGCONT)

    def end(self) -> None:
        """Kill the process and its children."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._log.close()

    def outcome(self) -> Outcome:
        """What came of the row, once its process has ended."""
        result = read_result(self.folder)
        if self._process.returncode == 0:
            return Outcome(result)
        if self._process.returncode == -signal.SIGKILL:
            return Outcome(result, f"It took more than {self.row.limit_seconds:.0f} s.")
        said = (self.folder / "log").read_text(errors="replace")[-_LAST_CHARACTERS:]
        return Outcome(result, f"It ended with {self._process.returncode}:\n{said}")

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def run_rows(folders: Mapping[Row, Path], *, seconds: float, two_fit: bool) -> dict[Row, Outcome]:
    """Run rows in their order.

    Args:
        folders: the prepared folder of each row.
        seconds: no row is started after this time.
        two_fit: whether the device has memory for two rows: then the next one is prepared beside
            the one before.
    """
    give_up = time.monotonic() + seconds
    outcomes = {row: Outcome(None, fault) for row in folders if (fault := _missing(row))}
    waiting = [row for row in folders if row not in outcomes]
    running: list[_RowProcess] = []
    try:
        while waiting or running:
            if waiting and _may_start(waiting[0], running, two_fit=two_fit):
                row = waiting.pop(0)
                running.append(_RowProcess(row, folders[row]))
            _time_first(running)
            for process in [each for each in running if each.has_ended]:
                outcomes[process.row] = process.outcome()
                process.end()
                running.remove(process)
                print(f"{process.row.name}: done", flush=True)
            if time.monotonic() > give_up:
                outcomes |= {row: Outcome(None, "There was no time left.") for row in waiting}
                waiting.clear()
            time.sleep(_LOOK_SECONDS)
    finally:
        for process in running:
            process.end()
    return {row: outcomes[row] for row in folders}


def _may_start(row: Row, running: list[_RowProcess], *, two_fit: bool) -> bool:
    """Whether a row may be prepared now."""
    if not running:
        return True
    return two_fit and len(running) == 1 and not (row.alone or running[0].row.alone)


def _time_first(running: list[_RowProcess]) -> None:
    """Give the first row its turn as soon as it is warm; the next one stands still meanwhile."""
    if running and running[0].is_ready and not running[0].has_ended:
        for other in running[1:]:
            other.stop()
        running[0].begin()
    elif running:
        running[0].resume()


def _missing(row: Row) -> str:
    missing = [name for name in row.needs if importlib.util.find_spec(name) is None]
    return f"It needs the package {' and '.join(missing)}." if missing else ""
