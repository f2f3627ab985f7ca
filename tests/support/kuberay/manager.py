"""Runs a manager of RayClusters beside a test.

That is the stand-in; or, where `KUBERAY_OPERATOR` names KubeRay's own binary and `KUBERAY_CRDS`
the folder with its definitions, the real one.
"""

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import yaml
from support.cluster.api_client import ApiClient, ApiRefusal, Json
from support.cluster.processes import LOOPBACK, Process, answers_ok, free_port

_HERE = Path(__file__).parent
_TESTS = _HERE.parents[1]
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_SERVED_WITHIN_REQUESTS = 10_000


@contextmanager
def running_kuberay(kubeconfig: Path, client: ApiClient) -> Iterator[Process]:
    """Make the API server know RayClusters, and run a manager that cares for them.

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
    """Make the API server know RayClusters."""
    for definition in _definitions():
        _apply(client, definition)


@contextmanager
def running_manager(kubeconfig: Path) -> Iterator[Process]:
    """Run a manager on an API server that knows RayClusters; see `running_kuberay`."""
    port, log = free_port(), kubeconfig.with_name("kuberay.log")
    with log.open("ab") as output:
        handle = subprocess.Popen(
            _command(kubeconfig, port),
            env=os.environ | {"PYTHONPATH": str(_TESTS)},
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


def is_real() -> bool:
    """Whether the manager is KubeRay's own."""
    return "KUBERAY_OPERATOR" in os.environ


def _command(kubeconfig: Path, port: int) -> list[str]:
    if not is_real():
        liveness = f"http://{LOOPBACK}:{port}/healthz"
        module = [sys.executable, "-m", "support.kuberay"]
        return [*module, f"--kubeconfig={kubeconfig}", f"--liveness={liveness}"]
    return [
        os.environ["KUBERAY_OPERATOR"],
        f"-kubeconfig={kubeconfig}",
        "-enable-leader-election=false",
        "-use-kubernetes-proxy",  # it is outside of the cluster, whose addresses it cannot reach
        f"-metrics-addr={LOOPBACK}:{free_port()}",
        f"-health-probe-bind-address={LOOPBACK}:{port}",
    ]


def _definitions() -> list[Json]:
    folder = Path(os.environ["KUBERAY_CRDS"]) if is_real() else _HERE
    # The real ones have 3 MB together, which only the parser in C reads in no time.
    return [yaml.load(path.read_text(), yaml.CSafeLoader) for path in sorted(folder.glob("*.yaml"))]


def _apply(client: ApiClient, definition: Json) -> None:
    """Server-side: the real ones are too large for the annotation of the other kind."""
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
