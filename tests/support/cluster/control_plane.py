"""A real API server with its etcd, as processes of this user on loopback, for one test session."""

import http.client
import secrets
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from support.cluster.api_client import ApiClient
from support.cluster.binaries import Binaries, binaries

_LOOPBACK = "127.0.0.1"
_READY_WITHIN_POLLS = 600
_POLL_SECONDS = 0.1


@contextmanager
def running_api_server(folder: Path) -> Iterator[ApiClient]:
    """Start etcd and kube-apiserver; both end with the context.

    Args:
        folder: an empty one, for keys, data and logs.

    Yields:
        A client with all rights.
    """
    programs = binaries()
    with ExitStack() as stack:
        etcd_port = _start_etcd(programs, folder, stack)
        yield _start_api_server(programs, folder, stack, etcd_port=etcd_port)


def _start_etcd(programs: Binaries, folder: Path, stack: ExitStack) -> int:
    client_port, peer_port = _free_port(), _free_port()
    client, peer = f"http://{_LOOPBACK}:{client_port}", f"http://{_LOOPBACK}:{peer_port}"
    arguments = [
        "--unsafe-no-fsync",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
    ]
    process = _start([programs["etcd"], *arguments], folder / "etcd.log", stack)
    connection = http.client.HTTPConnection(_LOOPBACK, client_port)
    _wait_until_ready(process, connection, "/readyz", folder / "etcd.log")
    return client_port


def _start_api_server(
    programs: Binaries, folder: Path, stack: ExitStack, *, etcd_port: int
) -> ApiClient:
    port, token = _free_port(), secrets.token_hex(16)
    tokens, key = folder / "tokens.csv", folder / "service-accounts.key"
    tokens.write_text(f'{token},admin,admin,"system:masters"\n')
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    arguments = [
        f"--etcd-servers=http://{_LOOPBACK}:{etcd_port}",
        f"--bind-address={_LOOPBACK}",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={tokens}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.96.0.0/16",
        # There is no controller-manager that would make service accounts.
        "--disable-admission-plugins=ServiceAccount",
    ]
    log = folder / "kube-apiserver.log"
    process = _start([programs["kube-apiserver"], *arguments], log, stack)
    # The server signs a certificate for itself at start; until it is there nothing can connect.
    certificate = folder / "certificates" / "apiserver.crt"
    _wait_until_exists(process, certificate, log)
    context = ssl.create_default_context(cafile=certificate)
    connection = http.client.HTTPSConnection(_LOOPBACK, port, context=context)
    _wait_until_ready(process, connection, "/readyz", log, token=token)
    client = ApiClient(_LOOPBACK, port, token=token, certificate=certificate)
    return stack.enter_context(closing(client))


def _start(command: list[str | Path], log: Path, stack: ExitStack) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


def _wait_until_exists(process: subprocess.Popen[bytes], path: Path, log: Path) -> None:
    for _ in _polls(process, log):
        if path.exists():
            return


def _wait_until_ready(
    process: subprocess.Popen[bytes],
    connection: http.client.HTTPConnection,
    path: str,
    log: Path,
    token: str = "",
) -> None:
    for _ in _polls(process, log):
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            response = connection.getresponse()
            response.read()
        except OSError:
            connection.close()  # not listening yet
            continue
        if response.status == http.HTTPStatus.OK:
            connection.close()
            return


def _polls(process: subprocess.Popen[bytes], log: Path) -> Iterator[None]:
    """One turn now and then, for as long as the process lives and may still become ready."""
    for _ in range(_READY_WITHIN_POLLS):
        yield
        try:
            process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        break
    raise RuntimeError(f"{log.stem} did not become ready:\n{log.read_text()[-4000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
