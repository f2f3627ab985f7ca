"""Our own Ray on this machine: loopback only, with a token, on free ports."""

import asyncio
import os
import random
import secrets
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from llmtrain_cli.local.closed_files import UMASK, ProcessFolder, open_closed, process_folder
from llmtrain_cli.local.priority import SAME_AS_RAY
from llmtrain_clients.http import DirectHttp, http_session, ray_headers
from llmtrain_clients.ray_jobs import RayJobs

LOOPBACK = "127.0.0.1"
_FREE_RANGE = range(20_000, 32_000)
"""Range of ports below the ephemeral ones and above those of Ray's workers: a free port is most
likely still free when it is used."""


def free_ports(count: int) -> list[int]:
    """Different ports that nothing listens on."""
    found: list[int] = []
    for port in random.sample(_FREE_RANGE, len(_FREE_RANGE)):
        if len(found) == count:
            return found
        if _is_free(port):
            found.append(port)
    raise OSError(f"no {count} ports from {_FREE_RANGE.start} to {_FREE_RANGE.stop} are free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a connection that has just ended does not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def loopback_interface() -> str:
    """The name of the network interface that reaches no other machine."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(each.address == LOOPBACK for each in addresses):
            return name
    raise OSError(f"no network interface has the address {LOOPBACK}")


_PORTS = (
    "port",
    "dashboard-port",
    "dashboard-agent-listen-port",
    "dashboard-agent-grpc-port",
    "metrics-export-port",
    "object-manager-port",
    "node-manager-port",
    "runtime-env-agent-port",
)
"""The options of `ray start` that name a port; their defaults would clash with another Ray."""
_INTERFACE = loopback_interface()
_ONLY_LOOPBACK = {
    # Ray takes a node address of 127.0.0.1 for a mistake and puts the machine's in its place, and
    # every socket on all interfaces with it; not so where clusters are switched off.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # What the ranks talk through: the name of this machine may stand for another address.
    "GLOO_SOCKET_IFNAME": _INTERFACE,
    "NCCL_SOCKET_IFNAME": _INTERFACE,
}
_NOT_STARTED = {
    "RAY_enable_metrics_collection": "0",  # these metrics are not scraped
    "DASHBOARD_METRIC_PORT": "-1",  # no number switches it off; a text that is not a number does
    "RAY_START_HOOK": "llmtrain_cli.local.ray_start_hook.without_client_server",
}
"""Switches off Ray's servers that answer without a token or are not needed."""
_START_SECONDS = 120.0
_LOOK_SECONDS = 0.3
_OBJECT_STORE_BYTES = 512 * 2**20
_STOP_WAIT_SECONDS = 600
"""Time for a stage from SIGTERM to the end of its checkpoint."""


class RayStartError(Exception):
    """Ray did not start; the message says where its output is."""


@dataclass
class RayHead:
    """A running Ray."""

    url: str
    """URL of Ray's dashboard."""
    token: str = field(repr=False)
    process: "subprocess.Popen[bytes]"
    """Supervisor process; Ray ends with it."""

    @property
    def alive(self) -> bool:
        """Whether Ray runs."""
        return self.process.poll() is None


@asynccontextmanager
async def ray_head(*, cpus: int, log: Path, lock: int) -> AsyncIterator[RayHead]:
    """Start Ray; it ends with the context.

    Args:
        cpus: CPU cores for Ray's tasks.
        log: file of Ray's output.
        lock: file descriptor that stays open as long as any of Ray's processes runs.

    Raises:
        RayStartError: Ray did not start.
    """
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    token = secrets.token_hex(32)
    url = f"http://{LOOPBACK}:{ports['dashboard-port']}"
    folder = process_folder()
    supervisor = [sys.executable, "-P", "-m", "llmtrain_cli.local.supervisor", str(folder.root)]
    with open_closed(log, append=True) as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - starting it blocks for a moment only
            [*supervisor, *_command(cpus, ports, folder)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=folder.working,
            env=_environment(url, token, folder),
            pass_fds=(lock,),
            umask=UMASK,
        )
    head = RayHead(url, token, process)
    try:
        await _until_ready(head, log)
        yield head
    finally:
        assert process.stdin is not None, "it was asked for"
        process.stdin.close()
        await asyncio.to_thread(process.wait)


def _command(cpus: int, ports: dict[str, int], folder: ProcessFolder) -> list[str]:
    options = ports | {
        "dashboard-host": LOOPBACK,
        "node-ip-address": LOOPBACK,
        "num-cpus": cpus,
        "object-store-memory": _OBJECT_STORE_BYTES,
        "temp-dir": folder.ray,
    }
    ray = str(Path(sys.executable).with_name("ray"))
    flags = ("--head", "--block", "--no-monitor")  # the monitor is the autoscaler's
    return [ray, "start", *flags, *(f"--{name}={value}" for name, value in options.items())]


def _environment(url: str, token: str, folder: ProcessFolder) -> dict[str, str]:
    own = {
        # Without it Ray searches all processes of the machine for another Ray.
        "RAY_API_SERVER_ADDRESS": url,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": token,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_JOB_STOP_WAIT_TIME_S": str(_STOP_WAIT_SECONDS),
        "PYTHONSAFEPATH": "1",  # child processes: no import from their working directory
    }
    return os.environ | SAME_AS_RAY | _ONLY_LOOPBACK | _NOT_STARTED | folder.environment | own


async def _until_ready(head: RayHead, log: Path) -> None:
    async with http_session() as session:
        jobs = RayJobs(DirectHttp(session, head.url, ray_headers(head.token)))
        try:
            async with asyncio.timeout(_START_SECONDS):
                while not await jobs.is_ready():
                    if not head.alive:
                        raise RayStartError(f"Ray did not start; its output is in {log}")
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError:
            message = f"Ray was not ready after {_START_SECONDS:.0f} s; its output is in {log}"
            raise RayStartError(message) from None
