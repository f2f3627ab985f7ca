"""The first process of a sandbox: sets up its mounts and network, then forwards connections.

It ends when its standard input does, and with it all that runs in the sandbox.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from support import cgroups

# What kubelet insists on. These belong to the whole machine, so it is shown files in their place.
_KERNEL_SETTINGS = {
    "kernel/keys/root_maxbytes": "25000000",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
}
# These are of the sandbox's own network.
_NETWORK_SETTINGS = {"ipv4/ip_forward": "1", "bridge/bridge-nf-call-iptables": "1"}


def main(folder: Path, address: str, listeners: list[int]) -> None:
    """Set up the sandbox, say so, and wait."""
    own_number = Path("/proc/self").readlink()  # on the machine, whose /proc this still is
    trees = cgroups.hierarchies()
    _mount(folder, trees)
    _connect(address)
    print(own_number, flush=True)  # noqa: T201 - to the process that made the sandbox
    asyncio.run(_serve(listeners))


def _mount(folder: Path, trees: list[cgroups.Hierarchy]) -> None:
    _call("mount", "-t", "proc", "proc", "/proc")
    for name, value in _KERNEL_SETTINGS.items():
        shown = folder / "kernel" / name
        shown.parent.mkdir(parents=True, exist_ok=True)
        shown.write_text(value)
        _call("mount", "--bind", shown, f"/proc/sys/{name}")
    _call("mount", "-t", "sysfs", "sysfs", "/sys")  # the old one shows the machine's network
    if all(tree.mount_point != cgroups.ROOT for tree in trees):
        _call("mount", "-t", "tmpfs", "tmpfs", cgroups.ROOT)
    for tree in trees:
        tree.mount_point.mkdir(exist_ok=True)
        _call("mount", "-t", tree.kind, "-o", tree.options, tree.kind, tree.mount_point)
    (folder / "cgroups").write_text("\n".join(str(tree.mount_point) for tree in trees))
    _call("mount", "-t", "tmpfs", "tmpfs", "/run")
    layers = {name: folder / f"var-{name}" for name in ("upper", "work")}
    for layer in layers.values():
        layer.mkdir()
    options = f"lowerdir=/var,upperdir={layers['upper']},workdir={layers['work']}"
    _call("mount", "-t", "overlay", "-o", options, "overlay", "/var")


def _connect(address: str) -> None:
    """There is no route to anywhere but the sandbox itself."""
    _call("ip", "link", "set", "lo", "up")
    _call("ip", "address", "add", f"{address}/32", "dev", "lo")
    for name, value in _NETWORK_SETTINGS.items():
        setting = Path("/proc/sys/net", name)
        if setting.exists():
            setting.write_text(value)


async def _serve(listeners: list[int]) -> None:
    """Forward connections until the standard input ends."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGCHLD, _reap)
    ended = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ended.set)
    servers = []
    for number in listeners:
        # Made on the machine, so it listens there, while connections begin in the sandbox.
        listener = socket.socket(fileno=number)
        port = listener.getsockname()[1]
        servers.append(await asyncio.start_server(_forwarder(port), sock=listener))
    await ended.wait()


def _forwarder(
    port: int,
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

    return forward


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await reader.read(1 << 16):
            writer.write(block)
            await writer.drain()
    writer.close()


def _reap() -> None:
    """Orphans of the sandbox are this process's children."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _call(*command: str | Path) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], [int(number) for number in sys.argv[3:]])
