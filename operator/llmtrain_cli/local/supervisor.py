"""Runs a command, a Ray head or a driver, for no longer than its run lives.

    python -m llmtrain_cli.local.supervisor FOLDER COMMAND...

The run holds the other end of this process's standard input. Each line that comes through it asks
the command to stop. When it closes, because the run is done or was killed, the supervisor kills the
command. In either case it ends with the command: it kills all that is left of its child processes,
removes FOLDER, the command's folder, and returns its exit code, 128 + N after a signal N.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
from types import FrameType

import psutil

_GRACE_SECONDS = 10.0
_SIGNALS_FROM = 128
"""Exit code of a process that a signal with number 0 would have ended."""
_SET_CHILD_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of <sys/prctl.h>


def main() -> int:
    """Run the command until standard input closes or it ends; returns the exit code."""
    folder, *arguments = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        # The run handles them, and closes our input. A handler, not SIG_IGN: that would be
        # inherited by the command.
        signal.signal(number, _leave_to_the_run)
    _adopt_orphans()
    command = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_follow_input, args=(command,), daemon=True).start()
    code = _wait(command)
    while members := _members(command.pid):  # again, since a process may have started another one
        _end(members)
    shutil.rmtree(folder, ignore_errors=True)
    return code if code >= 0 else _SIGNALS_FROM - code


def _leave_to_the_run(_number: int, _frame: FrameType | None) -> None:
    """Do nothing."""


def _adopt_orphans() -> None:
    """On Linux, become the parent of orphaned descendants, so that none is missed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wait(command: "subprocess.Popen[bytes]") -> int:
    """Wait for the command's end, and reap orphans, which Ray would take for live processes."""
    if sys.platform == "linux":
        while True:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            assert ended is not None, "it was waited for"
            if ended.si_pid == command.pid:
                break
            os.waitpid(ended.si_pid, 0)
    return command.wait()


def _follow_input(command: "subprocess.Popen[bytes]") -> None:
    while os.read(sys.stdin.fileno(), 4096):
        command.terminate()
    command.kill()  # SIGKILL: a stage that still runs has lost its run, and the next run waits


def _members(session: int) -> list[psutil.Process]:
    """All live processes that the command has started."""
    children = psutil.Process().children(recursive=True)
    seen = {child.pid for child in children}
    for process in psutil.process_iter():
        try:
            if process.pid not in seen and os.getsid(process.pid) == session:
                children.append(process)
        except ProcessLookupError:
            continue
    return [child for child in children if _runs(child)]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _end(members: list[psutil.Process]) -> None:
    for process in members:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(members, timeout=_GRACE_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
