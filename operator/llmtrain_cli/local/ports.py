"""Ports of this machine's own for a run, of which several may go on at a time."""

import random
import socket

import psutil

LOOPBACK = "127.0.0.1"
_PORTS = range(20_000, 32_000)
"""Below those that systems hand out to clients, above Ray's own for its workers: a port that is
free now is most likely still free when it is used."""


def free_ports(count: int) -> list[int]:
    """Different ports that nobody listens on just now."""
    found: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        if len(found) == count:
            return found
        if _is_free(port):
            found.append(port)
    raise OSError(f"no {count} ports from {_PORTS.start} to {_PORTS.stop} are free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a connection that has just ended is no hindrance.
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
