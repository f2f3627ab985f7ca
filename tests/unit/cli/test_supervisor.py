"""The process that keeps Ray for as long as its run lives."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.timeout(60), pytest.mark.slow]

_DOUBLE_FORK = """
import os, sys, time
if os.fork() == 0:
    if os.fork() == 0:
        {orphan}
    os._exit(0)
os.wait()
time.sleep(3600)
"""


def supervised(folder: Path, orphan: str) -> "subprocess.Popen[bytes]":
    """A supervisor of a program whose grandchild, an orphan, runs this code."""
    supervisor = [sys.executable, "-m", "llmtrain_cli.local.supervisor", str(folder)]
    program = [sys.executable, "-c", _DOUBLE_FORK.format(orphan=orphan)]
    return subprocess.Popen([*supervisor, *program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_an_orphan_that_has_ended_does_not_look_alive(tmp_path: Path) -> None:
    """Ray waits for a driver whose shell was killed, for minutes while it is a zombie."""
    process = supervised(tmp_path / "ray", "print(os.getpid(), flush=True); os._exit(0)")
    assert process.stdout is not None
    orphan = int(process.stdout.readline())
    while psutil.pid_exists(orphan):
        assert process.poll() is None
    process.communicate()


def test_with_its_input_all_ends(tmp_path: Path) -> None:
    folder = tmp_path / "ray"
    folder.mkdir()
    stubborn = "import signal; signal.signal(15, signal.SIG_IGN)"
    process = supervised(folder, f"{stubborn}; print(os.getpid(), flush=True); time.sleep(3600)")
    assert process.stdout is not None
    orphan = int(process.stdout.readline())
    process.communicate()  # closes its input, and waits for its end
    assert not psutil.pid_exists(orphan)
    assert not folder.exists()


_RUN = """
import asyncio, os, sys
from pathlib import Path
from llmtrain_cli.local.supervised import supervised

PROGRAM = "import os, time; print(os.getpid(), flush=True); time.sleep(3600)"

async def run(folder):
    lock = os.open(folder / "lock", os.O_CREAT)
    settings = {"folder": folder / "ray", "working": folder, "environment": os.environ}
    command = [sys.executable, "-c", PROGRAM]
    async with supervised(command, output=sys.stdout.buffer, lock=lock, **settings):
        await asyncio.Event().wait()

asyncio.run(run(Path(sys.argv[1])))
"""


def test_it_outlives_a_run_whose_whole_process_group_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _RUN, tmp_path]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert run.stdout is not None
    program = int(run.stdout.readline())
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()  # until nobody holds the output any more
    assert not psutil.pid_exists(program)
