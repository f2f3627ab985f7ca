"""KubeRay beside a test: its own manager, built from its module, outside of the cluster.

`KUBERAY_OPERATOR`, a binary, and `KUBERAY_CRDS`, the folder with its definitions, name another
version than the one that `cluster/go/kuberay` pins.
"""

import http.client
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import yaml
from support.cluster.api_client import ApiClient, ApiRefusal, Json
from support.cluster.binaries import binary, module_source
from support.cluster.processes import LOOPBACK, Process, answers_ok, free_port

_MODULE = "github.com/ray-project/kuberay/ray-operator"
_IN_MODULE = "config/crd/bases"
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_SERVED_WITHIN_REQUESTS = 10_000


@contextmanager
def running_kuberay(kubeconfig: Path, client: ApiClient) -> Iterator[Process]:
    """Make the API server know KubeRay's kinds, and run the manager that cares for them.

    Args:
        kubeconfig: with all rights; the manager's log goes beside it.
        client: of the same API server.

    Yields:
        The manager, which ends with the context.
    """
    make_definitions(client)
    with running_manager(kubeconfig) as manager:
        yield manager


def make_definitions(client: ApiClient) -> None:
    """Make the API server know KubeRay's kinds."""
    given = os.environ.get("KUBERAY_CRDS")
    folder = (
        Path(given) if given else module_source("kuberay", _MODULE) / "config" / "crd" / "bases"
    )
    for path in sorted(folder.glob("*.yaml")):
        # They have 3 MB together, which only the parser in C reads in no time.
        _apply(client, yaml.load(path.read_text(), yaml.CSafeLoader))


@contextmanager
def running_manager(kubeconfig: Path) -> Iterator[Process]:
    """Run the manager on an API server that knows its kinds; see `running_kuberay`."""
    port, log = free_port(), kubeconfig.with_name("kuberay.log")
    with log.open("ab") as output:
        handle = subprocess.Popen(
            [
                os.environ.get("KUBERAY_OPERATOR") or binary("ray-operator"),
                f"-kubeconfig={kubeconfig}",
                "-enable-leader-election=false",
                "-use-kubernetes-proxy",  # the cluster's addresses cannot be reached from here
                f"-metrics-addr={LOOPBACK}:{free_port()}",
                f"-health-probe-bind-address={LOOPBACK}:{port}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    process = Process("kuberay", handle, log, entered=False)
    try:
        connection = http.client.HTTPConnection(LOOPBACK, port)
        process.wait_until(lambda: answers_ok(connection, "/healthz"))
        yield process
    finally:
        process.stop()


def _apply(client: ApiClient, definition: Json) -> None:
    """Server-side: they are too large for the annotation of the other kind."""
    path = f"{_DEFINITIONS}/{definition['metadata']['name']}"
    content = "application/apply-patch+yaml"
    client.request("PATCH", f"{path}?fieldManager=tests&force=true", definition, content=content)
    spec = definition["spec"]
    group, version, plural = spec["group"], spec["versions"][0]["name"], spec["names"]["plural"]
    for _ in range(_SERVED_WITHIN_REQUESTS):
        with suppress(ApiRefusal):
            client.request("GET", f"/apis/{group}/{version}/{plural}")
            return
    raise AssertionError(f"{path} was accepted, but is not served")
