"""KubeRay beside a test: its own manager, built from its module, outside of the cluster.

`KUBERAY_OPERATOR`, a binary, and `KUBERAY_CRDS`, the folder with its definitions, name another
version than the one that `cluster/go/kuberay` pins.
"""

import http.client
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.cluster.api_client import ApiClient
from support.cluster.binaries import binary, module_source
from support.cluster.processes import LOOPBACK, Process, Processes, answers_ok, free_port
from support.definitions import define

_MODULE = "github.com/ray-project/kuberay/ray-operator"
_IN_MODULE = "config/crd/bases"


@contextmanager
def running_kuberay(kubeconfig: Path, client: ApiClient) -> Iterator[Process]:
    """Make the API server know KubeRay's kinds, and run the manager that cares for them.

    Args:
        kubeconfig: with all rights; the manager's log goes beside it.
        client: client of the same API server.

    Yields:
        The manager, which ends with the context.
    """
    make_definitions(client)
    with running_manager(kubeconfig) as manager:
        yield manager


def make_definitions(client: ApiClient) -> None:
    """Make the API server know KubeRay's kinds."""
    given = os.environ.get("KUBERAY_CRDS")
    folder = Path(given) if given else module_source("kuberay", _MODULE) / _IN_MODULE
    for path in sorted(folder.glob("*.yaml")):
        define(client, path)


@contextmanager
def running_manager(kubeconfig: Path) -> Iterator[Process]:
    """Run the manager on an API server that knows its kinds; see `running_kuberay`."""
    port = free_port()
    with ExitStack() as stack:
        process = Processes(kubeconfig.parent, stack).start(
            os.environ.get("KUBERAY_OPERATOR") or binary("ray-operator"),
            f"-kubeconfig={kubeconfig}",
            "-enable-leader-election=false",
            "-use-kubernetes-proxy",  # the cluster's addresses cannot be reached from here
            f"-metrics-addr={LOOPBACK}:{free_port()}",
            f"-health-probe-bind-address={LOOPBACK}:{port}",
        )
        connection = http.client.HTTPConnection(LOOPBACK, port)
        process.wait_until(lambda: answers_ok(connection, "/healthz"))
        yield process
