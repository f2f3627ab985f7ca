"""Starts processes of a run, each under a supervisor that lets it live no longer than the run."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from llmtrain.local.closed_files import UMASK


@asynccontextmanager
async def supervised(
    command: Sequence[str],
    *,
    folder: Path,
    working: Path,
    output: BinaryIO,
    environment: Mapping[str, str],
    lock: int,
    on_end: Callable[[], None] = lambda: None,
) -> AsyncIterator["subprocess.Popen[bytes]"]:
    """Start a command; it is killed, with all its child processes, when the context ends.

    Gives the supervisor's process, which ends with the exit code of the command.

    Args:
        command: program and arguments.
        folder: the command's own folder; removed at its end.
        working: working directory.
        output: file of standard output and error.
        environment: environment variables.
        lock: file descriptor that stays open until all child processes have ended.
        on_end: called in the event loop when the command has ended.
    """
    supervisor = [sys.executable, "-P", "-m", "llmtrain_cli.local.supervisor", str(folder)]
    process = subprocess.Popen(  # noqa: ASYNC220 - starting it blocks for a moment only
        [*supervisor, *command],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=output,
        cwd=working,
        env=environment,
        pass_fds=(lock,),
        umask=UMASK,
        start_new_session=True,  # whoever kills the run's process group leaves it to end the rest
    )
    end = asyncio.create_task(asyncio.to_thread(process.wait))
    end.add_done_callback(lambda _: on_end())
    try:
        yield process
    finally:
        assert process.stdin is not None, "it was asked for"
        process.stdin.close()
        await end
