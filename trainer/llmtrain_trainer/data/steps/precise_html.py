"""Text extraction by trafilatura, in a process of its own that is ended by a page that is too slow.

Neither its Python nor the C library below it can be stopped from outside in any other way.
"""

import atexit
import logging
import os
import struct
import subprocess
import sys
from dataclasses import dataclass
from resource import RLIMIT_AS, setrlimit
from select import select
from typing import IO

import psutil

CPU_SECONDS = 10.0
"""Processor time for a page; usual ones take milliseconds, and waiting for a processor is none."""
_MOST_BYTES = 4 * 2**30
"""Memory of the process."""
_LOOK_SECONDS = 0.5
_SIZE = struct.Struct("<q")
_NO_TEXT = -1


@dataclass(frozen=True)
class TooSlow:
    """The place of a page that took too long, or at which the process ended."""


class PreciseReader:
    """Extracts the main text of pages, one after the other."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def text(self, html: str) -> str | TooSlow | None:
        """The text of a page; None where it has none."""
        process = self._started()
        try:
            used = _used_seconds(process)
            _send(_pipe(process.stdin), html)
            answers = _pipe(process.stdout)
            while not select([answers], [], [], _LOOK_SECONDS)[0]:
                if _used_seconds(process) - used > CPU_SECONDS:
                    self.close()
                    return TooSlow()
            return _received(answers)
        except (BrokenPipeError, EOFError, psutil.NoSuchProcess):  # it ran out of memory
            self.close()
            return TooSlow()

    def close(self) -> None:
        """End the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        return self._process


def _used_seconds(process: subprocess.Popen[bytes]) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "asked for at the start"
    return pipe


def _send(pipe: IO[bytes], text: str | None) -> None:
    data = b"" if text is None else text.encode()
    pipe.write(_SIZE.pack(_NO_TEXT if text is None else len(data)) + data)
    pipe.flush()


def _received(pipe: IO[bytes]) -> str | None:
    size = _SIZE.unpack(_exactly(pipe, _SIZE.size))[0]
    return None if size == _NO_TEXT else _exactly(pipe, size).decode()


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _serve() -> None:
    """Answer each page with its text, until there are no more."""
    from trafilatura import extract

    logging.disable()  # it says of every broken page that it is broken
    setrlimit(RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    while True:
        try:
            html = _received(sys.stdin.buffer)
        except EOFError:
            return
        _send(answers, extract(html or "", fast=True, favor_precision=True, include_comments=False))


if __name__ == "__main__":
    _serve()
