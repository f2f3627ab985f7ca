"""Keeps a Ray head alive for exactly as long as the run that it belongs to.

    python -m llmtrain_cli.local.supervisor RAY START --HEAD ...

The run holds the other end of this process's standard input. When it closes, because the run is
done or was killed, Ray and everything that it has started is ended, however it hangs.
"""

import os
import signal
import subprocess
import sys
import threading

import psutil

_GRACE_SECONDS = 10.0


def main() -> int:
    """Run Ray until standard input closes or Ray ends; returns the exit code."""
    for number in (signal.SIGINT, signal.SIGHUP):  # Ctrl-C is for the run, which then tells us
        signal.signal(number, signal.SIG_IGN)
    head = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    watcher = threading.Thread(target=_end_with_input, args=(head,), daemon=True)
    watcher.start()
    code = head.wait()
    _end_leftovers(_session_members(head.pid))
    return code


def _end_with_input(head: "subprocess.Popen[bytes]") -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    members = _session_members(head.pid)
    head.terminate()
    _end_leftovers(members)


def _session_members(session: int) -> list[psutil.Process]:
    """All processes that Ray started: its children, and those who changed their parent."""
    members = []
    for process in psutil.process_iter():
        try:
            parents = {parent.pid for parent in process.parents()}
            if session in parents or os.getsid(process.pid) == session:
                members.append(process)
        except (psutil.NoSuchProcess, ProcessLookupError):
            continue
    return members


def _end_leftovers(members: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(members, timeout=_GRACE_SECONDS)
    for process in alive:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(alive)


if __name__ == "__main__":
    sys.exit(main())
