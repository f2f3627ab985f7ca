"""Our own Ray on this machine: loopback only, with a token, on free ports."""

import os
import random
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from llmtrain.local.closed_files import ProcessFolder, open_closed, process_folder
from llmtrain_cli.local.priority import SAME_AS_RAY
from llmtrain_cli.local.supervised import supervised

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
    "RAY_START_HOOK": "llmtrain_trainer.launch.ray_start.on_laptop",
}
"""Switches off Ray's servers that answer without a token or are not needed."""
_START_SECONDS = 120.0
_OBJECT_STORE_BYTES = 512 * 2**20


class RayStartError(Exception):
    """Ray did not start; the message says where its output is."""


@dataclass
class RayHead:
    """A Ray that runs or is about to: drivers wait for it where they need it.

    Args:
        process: its supervisor; Ray ends with it.
        folder: folder of Ray's files, which is removed with it.
        environment: environment variables of Ray and of all drivers.
        ports: Ray's ports, by option.
        log: file of Ray's output.
    """

    process: "subprocess.Popen[bytes]"
    folder: ProcessFolder
    environment: Mapping[str, str] = field(repr=False)
    ports: Mapping[str, int]
    log: Path
    _starts_until: float | None = field(default_factory=lambda: time.monotonic() + _START_SECONDS)
    """Monotonic time at which Ray must be up; None once it was."""

    @property
    def address(self) -> str:
        """Address at which drivers join Ray."""
        return f"{LOOPBACK}:{self.ports['port']}"

    @property
    def token(self) -> str:
        """Token of Ray and of the driver's progress server."""
        return self.environment["RAY_AUTH_TOKEN"]

    @property
    def alive(self) -> bool:
        """Whether Ray runs or is about to."""
        return self.process.poll() is None

    def require_start(self) -> None:
        """Make sure that Ray has started, or has time left for it.

        Raises:
            RayStartError: Ray has ended before it was up, or takes too long.
        """
        if self._starts_until is None:
            return
        if not self.alive:
            raise RayStartError(f"Ray did not start; its output is in {self.log}")
        if _listens(self.ports["node-manager-port"]):
            self._starts_until = None
        elif time.monotonic() > self._starts_until:
            message = f"Ray was not ready after {_START_SECONDS:.0f} s; its output is in {self.log}"
            raise RayStartError(message)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


@asynccontextmanager
async def ray_head(
    *,
    cpus: int,
    log: Path,
    lock: int,
    given: dict[str, str],
    variables: dict[str, str],
) -> AsyncIterator[RayHead]:
    """Start Ray, without waiting until it is up; it ends with the context.

    Args:
        cpus: CPU cores for Ray's tasks.
        log: file of Ray's output.
        lock: file descriptor that stays open as long as any of Ray's processes runs.
        given: environment variables of the job. Ours win: they keep the run on this machine.
        variables: our environment variables of workers and drivers.
    """
    ports = dict(zip(_PORTS, free_ports(len(_PORTS)), strict=True))
    folder = process_folder()
    environment = _environment(folder, given) | variables
    with open_closed(log, append=True) as output:
        async with supervised(
            _command(cpus, ports, folder),
            folder=folder.root,
            working=folder.working,
            output=output,
            environment=environment,
            lock=lock,
        ) as process:
            yield RayHead(process, folder, environment, ports, log)


def _command(cpus: int, ports: dict[str, int], folder: ProcessFolder) -> list[str]:
    options = ports | {
        "node-ip-address": LOOPBACK,
        "num-cpus": cpus,
        "object-store-memory": _OBJECT_STORE_BYTES,
        "temp-dir": folder.ray,
    }
    ray = str(Path(sys.executable).with_name("ray"))
    flags = ("--head", "--block", "--no-monitor")  # the monitor is the autoscaler's
    return [ray, "start", *flags, *(f"--{name}={value}" for name, value in options.items())]


def _environment(folder: ProcessFolder, given: dict[str, str]) -> dict[str, str]:
    own = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_agent_register_timeout_ms": str(int(_START_SECONDS * 1000)),
        "PYTHONSAFEPATH": "1",  # child processes: no import from their working directory
    }
    fixed = SAME_AS_RAY | _ONLY_LOOPBACK | _NOT_STARTED
    return os.environ | given | fixed | folder.environment | own
