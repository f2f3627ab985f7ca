"""What another network namespace of this machine, such as a container's, reaches of it."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from secrets import token_hex

_HOST, _GUEST = "198.18.77.1", "198.18.77.2"
"""Addresses that are set aside for tests (RFC 2544)."""
_CONNECT = """
import json, socket, sys
host, ports = json.load(sys.stdin)
found = []
for port in ports:
    with socket.socket() as client:
        client.settimeout(2)
        if client.connect_ex((host, port)) == 0:
            found.append(port)
print(json.dumps(found))
"""


def reached_from_another_namespace(ports: Iterable[int]) -> list[int]:
    """The ports of this machine that answer a process in a network namespace of its own.

    A listener on all addresses, which must answer, shows that there is a way. Needs root.
    """
    with _namespace() as name, socket.create_server(("0.0.0.0", 0)) as open_to_all:
        way = open_to_all.getsockname()[1]
        done = subprocess.run(
            ["ip", "netns", "exec", name, sys.executable, "-P", "-c", _CONNECT],
            input=json.dumps([_HOST, [way, *ports]]),
            capture_output=True,
            text=True,
            check=True,
        )
    reached: list[int] = json.loads(done.stdout)
    assert reached[:1] == [way], "no way from the namespace to this machine"
    return reached[1:]


@contextmanager
def _namespace() -> Iterator[str]:
    """A namespace that is connected to this machine by a pair of interfaces."""
    name = f"lt{token_hex(4)}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("address", "add", f"{_HOST}/30", "dev", name)
        _ip("link", "set", name, "up")
        _ip("-netns", name, "address", "add", f"{_GUEST}/30", "dev", "eth0")
        _ip("-netns", name, "link", "set", "eth0", "up")
        yield name
    finally:
        _ip("netns", "delete", name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
