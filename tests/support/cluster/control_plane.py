"""A real Kubernetes control plane, as processes of this user on loopback, for one test session."""

import http.client
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.cluster.api_client import ApiClient, ApiRefusal
from support.cluster.api_server import ApiServer
from support.cluster.binaries import binary
from support.cluster.processes import LOOPBACK, Processes, answers_ok, free_port
from support.cluster.sandbox import Sandbox

_COMMON = ("--leader-elect=false", f"--bind-address={LOOPBACK}")


@dataclass(frozen=True)
class ControlPlane:
    """A running control plane.

    Attributes:
        client: with all rights.
        server: gives out kubeconfigs and more clients.
        processes: starts more programs beside it.
    """

    client: ApiClient
    server: ApiServer
    processes: Processes


@contextmanager
def running_api_server(folder: Path) -> Iterator[ApiClient]:
    """Start etcd and kube-apiserver; both end with the context.

    Args:
        folder: an empty one, for keys, data and logs.

    Yields:
        A client with all rights.
    """
    with running_control_plane(folder, controllers=False) as plane:
        yield plane.client


@contextmanager
def running_control_plane(
    folder: Path,
    *,
    controllers: bool = True,
    scheduler: bool = True,
    audit: bool = False,
    sandbox: Sandbox | None = None,
) -> Iterator[ControlPlane]:
    """Start etcd and kube-apiserver, and with them the controllers and the scheduler.

    Args:
        folder: an empty one, for keys, data and logs.
        controllers: start kube-controller-manager and kube-scheduler too; with them there are
            service accounts.
        scheduler: with the controllers, that one too.
        audit: have each request logged, in `audit.log` in the folder.
        sandbox: where the processes run.

    Yields:
        The control plane; it ends with the context.
    """
    with ExitStack() as stack:
        processes = Processes(folder, stack, sandbox)
        etcd_port, port = sandbox.ports[:2] if sandbox else (free_port(), free_port())
        _start_etcd(processes, folder, etcd_port)
        server = ApiServer(
            folder,
            port=port,
            etcd_port=etcd_port,
            address=sandbox.address if sandbox else None,
            audit_log=folder / "audit.log" if audit else None,
            controllers=controllers,
        )
        server.start(processes)
        plane = ControlPlane(stack.enter_context(closing(server.client())), server, processes)
        if controllers:
            _start_controllers(plane)
        if controllers and scheduler:
            _start_scheduler(plane)
        yield plane


def _start_etcd(processes: Processes, folder: Path, client_port: int) -> None:
    client, peer = f"http://{LOOPBACK}:{client_port}", f"http://{LOOPBACK}:{free_port()}"
    process = processes.start(
        binary("etcd"),
        "--unsafe-no-fsync",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
    )
    connection = http.client.HTTPConnection(LOOPBACK, client_port)
    process.wait_until(lambda: answers_ok(connection, "/readyz"))


def _start_controllers(plane: ControlPlane) -> None:
    server = plane.server
    manager = plane.processes.start(
        binary("kube-controller-manager"),
        *_COMMON,
        f"--secure-port={free_port()}",
        f"--kubeconfig={server.kubeconfig('system:kube-controller-manager')}",
        f"--root-ca-file={server.folder / 'ca.crt'}",
        f"--service-account-private-key-file={server.folder / 'service-accounts.key'}",
        "--use-service-account-credentials",
        "--pvclaimbinder-sync-period=1s",  # a claim may wait for this long
        f"--flex-volume-plugin-dir={server.folder / 'volume-plugins'}",  # it makes the folder
    )
    manager.wait_until(lambda: _exists(plane.client, "namespaces/default/serviceaccounts/default"))


def _start_scheduler(plane: ControlPlane) -> None:
    plane.processes.start(
        binary("kube-scheduler"),
        *_COMMON,
        f"--secure-port={free_port()}",
        f"--kubeconfig={plane.server.kubeconfig('system:kube-scheduler')}",
    )


def _exists(client: ApiClient, path: str) -> bool:
    try:
        client.request("GET", f"/api/v1/{path}")
    except ApiRefusal as refusal:
        if refusal.status != http.client.NOT_FOUND:
            raise
        return False
    return True
