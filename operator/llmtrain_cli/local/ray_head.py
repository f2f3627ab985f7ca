"""A Ray of our own on this machine: loopback only, with a token, on ports that were free."""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from llmtrain_operator.io.ray_jobs import RayJobs

_LOOPBACK = "127.0.0.1"
_START_SECONDS = 120.0
_LOOK_SECONDS = 0.3
_OBJECT_STORE_BYTES = 512 * 2**20
_STOP_WAIT_SECONDS = 600
"""How long a stage may take from SIGTERM to the end of its checkpoint."""


class RayStartError(Exception):
    """Ray did not start; the message says where its output is."""


@dataclass
class RayHead:
    """A running Ray."""

    url: str
    """Of its dashboard."""
    token: str = field(repr=False)
    process: "subprocess.Popen[bytes]"
    """The supervisor; Ray ends with it."""

    @property
    def alive(self) -> bool:
        """Whether Ray runs."""
        return self.process.poll() is None


@asynccontextmanager
async def ray_head(*, cpus: int, log: Path, lock: int) -> AsyncIterator[RayHead]:
    """Start Ray, and end it with the context.

    Args:
        cpus: CPU cores that it may give to tasks.
        log: where its output goes.
        lock: a file descriptor that stays open for as long as anything of Ray runs.

    Raises:
        RayStartError: it did not come up.
    """
    ports = _free_ports(9)
    token = secrets.token_hex(32)
    with (
        tempfile.TemporaryDirectory(prefix="llmtrain-", ignore_cleanup_errors=True) as folder,
        log.open("ab") as output,
    ):
        process = subprocess.Popen(  # noqa: ASYNC220 - starting it blocks for a moment only
            [sys.executable, "-m", "llmtrain_cli.local.supervisor", *_command(cpus, ports, folder)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=_environment(token),
            pass_fds=(lock,),
        )
        head = RayHead(f"http://{_LOOPBACK}:{ports[1]}", token, process)
        try:
            await _until_ready(head, log)
            yield head
        finally:
            assert process.stdin is not None, "it was asked for"
            process.stdin.close()
            await asyncio.to_thread(process.wait)


def _command(cpus: int, ports: list[int], folder: str) -> list[str]:
    options = {
        "port": ports[0],
        "dashboard-port": ports[1],
        "dashboard-agent-listen-port": ports[2],
        "dashboard-agent-grpc-port": ports[3],
        "metrics-export-port": ports[4],
        "ray-client-server-port": ports[5],
        "object-manager-port": ports[6],
        "node-manager-port": ports[7],
        "runtime-env-agent-port": ports[8],
        "dashboard-host": _LOOPBACK,
        "node-ip-address": _LOOPBACK,
        "num-cpus": cpus,
        "object-store-memory": _OBJECT_STORE_BYTES,
        "temp-dir": folder,
    }
    ray = str(Path(sys.executable).with_name("ray"))
    return [ray, "start", "--head", "--block", *(f"--{k}={v}" for k, v in options.items())]


def _environment(token: str) -> dict[str, str]:
    return os.environ | {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_JOB_STOP_WAIT_TIME_S": str(_STOP_WAIT_SECONDS),
    }


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind((_LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def free_port() -> int:
    """A port of the loopback interface that nobody listened on just now."""
    return _free_ports(1)[0]


async def _until_ready(head: RayHead, log: Path) -> None:
    async with RayJobs(head.url, head.token) as jobs:
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await jobs.is_ready():
                    if not head.alive:
                        raise RayStartError(f"Ray did not start; its output is in {log}")
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            message = f"Ray was not ready after {_START_SECONDS:.0f} s; its output is in {log}"
            raise RayStartError(message) from None
