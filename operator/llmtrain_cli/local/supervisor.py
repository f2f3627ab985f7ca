"""Runs a Ray head for exactly as long as its run lives.

    python -m llmtrain_cli.local.supervisor FOLDER RAY START --HEAD ...

The run holds the other end of this process's standard input. When it closes, because the run is
done or was killed, the supervisor kills Ray and all its child processes, and removes FOLDER, the
folder of Ray's files.
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
_SET_CHILD_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of <sys/prctl.h>


def main() -> int:
    """Run Ray until standard input closes or Ray ends; returns the exit code."""
    folder, *command = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        # These signals reach the whole process group, but the run handles them, and closes our
        # input. A handler, not SIG_IGN: that would be inherited by Ray.
        signal.signal(number, _leave_to_the_run)
    _adopt_orphans()
    head = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_end_with_input, args=(head,), daemon=True).start()
    code = _wait(head)
    while members := _members(head.pid):  # again, since a process may have started another one
        _end(members)
    shutil.rmtree(folder, ignore_errors=True)
    return code


def _leave_to_the_run(_number: int, _frame: FrameType | None) -> None:
    """Do nothing."""


def _adopt_orphans() -> None:
    """On Linux, become the parent of orphaned descendants, so that none is missed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _wait(head: "subprocess.Popen[bytes]") -> int:
    """Wait for Ray's end, and reap orphans, which Ray would take for live processes."""
    if sys.platform == "linux":
        while True:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            assert ended is not None, "it was waited for"
            if ended.si_pid == head.pid:
                break
            os.waitpid(ended.si_pid, 0)
    return head.wait()


def _end_with_input(head: "subprocess.Popen[bytes]") -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    head.kill()  # SIGKILL: a stage that still runs has lost its run, and the next run waits


def _members(session: int) -> list[psutil.Process]:
    """All live processes that Ray has started."""
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
