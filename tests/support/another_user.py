"""What another user of this machine finds of a run: a process that begins as root and gives it up.

It reads what to try as JSON from its standard input, and writes what it got to standard output.
"""

import encodings.idna  # noqa: F401 - looked up by name; later, nobody may read it
import http.client
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import grpc

_NOBODY = 65_533
_SECONDS = 2.0
_HTTP_PATHS = (
    "/",
    "/progress",
    "/metrics",
    "/report",
    "/api/jobs/",
    "/nodes?view=summary",
    "/logs",
)
_PUBLIC = ("/",)
"""Ray's page for a browser, which asks for the token; it says nothing of the run."""
_METHODS = (
    "/ray.rpc.NodeInfoGcsService/GetAllNodeInfo",
    "/ray.rpc.JobInfoGcsService/GetAllJobInfo",
    "/ray.rpc.InternalKVGcsService/InternalKVKeys",
    "/ray.rpc.ActorInfoGcsService/GetAllActorInfo",
    "/ray.rpc.NodeManagerService/GetNodeStats",
    "/ray.rpc.ObjectManagerService/FreeObjects",
    "/ray.rpc.CoreWorkerService/GetCoreWorkerStats",
    "/ray.rpc.CoreWorkerService/PushTask",
    "/ray.rpc.ReporterService/GetTraceback",
    "/ray.rpc.LogService/ListLogs",
    "/ray.rpc.RayletDriver/ClusterInfo",
)
_REFUSED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}
_NO_ANSWER = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
}


def what_another_user_gets(paths: Iterable[str], ports: Iterable[int]) -> list[str]:
    """Everything that a user gets who is nobody on this machine, in words; needs root.

    Args:
        paths: files, folders and Unix sockets.
        ports: ports of this machine, on which something listens.
    """
    request = json.dumps({"paths": sorted(paths), "ports": sorted(ports)})
    done = subprocess.run(
        [sys.executable, str(Path(__file__))],
        input=request,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"no_proxy": "*"},
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def _main() -> None:
    request = json.load(sys.stdin)
    _over_grpc(1)  # loads what this user cannot read any more a moment later
    os.setgroups([])
    os.setgid(_NOBODY)
    os.setuid(_NOBODY)
    found = [got for path in request["paths"] for got in _from_path(Path(path))]
    found += [got for port in request["ports"] for got in _from_port(port)]
    json.dump(found, sys.stdout)


def _from_path(path: Path) -> list[str]:
    tries: dict[str, Callable[[], Any]] = {
        "reads": lambda: os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK)),
        "writes": lambda: os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK)),
        "lists": lambda: list(path.iterdir()),
        "makes a file in": (path / "planted").touch,
        "connects to": lambda: _unix(path),
    }
    found = []
    for what, action in tries.items():
        try:
            action()
        except OSError:
            continue
        found.append(f"{what} {path}")
    return found


def _unix(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_SECONDS)
        client.connect(str(path))


def _from_port(port: int) -> list[str]:
    return [*_over_http(port), *_over_grpc(port), *_from_torch(port)]


def _over_http(port: int) -> list[str]:
    found = []
    for path in _HTTP_PATHS:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException):
            break  # it speaks something else
        finally:
            connection.close()
        if reply.status == http.HTTPStatus.OK and path not in _PUBLIC:
            found.append(f"GET {path} from port {port}")
    return found


def _over_grpc(port: int) -> list[str]:
    found = []
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=_SECONDS)
        except grpc.FutureTimeoutError:
            return []
        for method in _METHODS:
            try:
                channel.unary_unary(method)(b"", timeout=_SECONDS)
            except grpc.RpcError as error:
                if error.code() not in _REFUSED | _NO_ANSWER:
                    found.append(f"{method} on port {port}: {error.code()}")
            else:
                found.append(f"{method} on port {port}")
    return found


def _from_torch(port: int) -> list[str]:
    """The number of keys in torch's TCPStore: queries 0, with its magic number, and 7."""
    query = struct.pack("<BIB", 0, 0x3C85F7CE, 7)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS) as client:
            client.settimeout(_SECONDS / 4)
            client.sendall(query)
            answer = client.recv(64)
    except OSError:
        return []
    return (
        [f"the keys of torch's store on port {port}"] if len(answer) == struct.calcsize("q") else []
    )


if __name__ == "__main__":
    _main()
