"""Kueue beside a test: its own manager, built from its module, outside of the cluster."""

import base64
import http.client
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml
from support.chart import run_helm
from support.cluster.api_client import ApiClient, Json
from support.cluster.binaries import binary, module_source
from support.cluster.processes import LOOPBACK, Process, Processes, answers_ok, free_port
from support.definitions import define_kind

_MODULE = "sigs.k8s.io/kueue"
_NAMESPACE = "kueue-system"
_CORE = f"/api/v1/namespaces/{_NAMESPACE}"
_CERTIFICATES = "kueue-webhook-server-cert"
_SERVICE = "kueue-webhook-service"
_HOOKS = "/apis/admissionregistration.k8s.io/v1"
_HOOK_KINDS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
# The other kinds are not served here, or are not Kueue's to admit.
_HOOKED = {"clusterqueues", "cohorts", "localqueues", "rayclusters", "resourceflavors", "workloads"}


@contextmanager
def running_kueue(kubeconfig: Path, client: ApiClient) -> Iterator[Process]:
    """Install Kueue's chart on an API server, but for its Deployment, and run its manager here.

    Args:
        kubeconfig: with all rights; the manager's log and certificates go beside it.
        client: client of the same API server, which knows RayClusters.

    Yields:
        The manager, which ends with the context.
    """
    webhook_port = free_port()
    _install(client, webhook_port)
    try:
        with _running_manager(kubeconfig, client, webhook_port) as process:
            yield process
    finally:
        for kind in _HOOK_KINDS:  # without the manager they would refuse every RayCluster
            client.request("DELETE", f"{_HOOKS}/{kind.lower()}s")


@contextmanager
def _running_manager(kubeconfig: Path, client: ApiClient, webhook_port: int) -> Iterator[Process]:
    health_port, folder = free_port(), kubeconfig.with_name("kueue")
    folder.mkdir()
    settings = folder / "settings.yaml"
    settings.write_text(yaml.safe_dump(_settings(folder, webhook_port, health_port)))
    with ExitStack() as stack:
        process = Processes(folder, stack).start(
            binary("kueue"),
            f"--config={settings}",
            f"--kubeconfig={kubeconfig}",
            "--feature-gates=VisibilityOnDemand=false",
        )
        process.wait_until(lambda: _mount_certificates(client, folder))
        connection = http.client.HTTPConnection(LOOPBACK, health_port)
        process.wait_until(lambda: answers_ok(connection, "/readyz"))
        yield process


def _settings(folder: Path, webhook_port: int, health_port: int) -> Json:
    return {
        "apiVersion": "config.kueue.x-k8s.io/v1beta2",
        "kind": "Configuration",
        "namespace": _NAMESPACE,
        "health": {"healthProbeBindAddress": f"{LOOPBACK}:{health_port}"},
        "metrics": {"bindAddress": "0"},
        "webhook": {"host": LOOPBACK, "port": webhook_port, "certDir": str(folder)},
        "leaderElection": {"leaderElect": False},
        "integrations": {"frameworks": ["ray.io/raycluster"]},
    }


def _install(client: ApiClient, webhook_port: int) -> None:
    """Create what the manager needs to find, and what leads the API server to the manager."""
    client.request("POST", "/api/v1/namespaces", {"metadata": {"name": _NAMESPACE}})
    make: dict[str, Callable[[Json], object]] = {
        "CustomResourceDefinition": lambda kind: define_kind(client, _led(kind, webhook_port)),
        "Secret": lambda secret: client.request("POST", f"{_CORE}/secrets", secret),
    }
    for kind in _HOOK_KINDS:
        path = f"{_HOOKS}/{kind.lower()}s"
        make[kind] = lambda hooks, path=path: client.request(
            "POST", path, _only_hooked(hooks, webhook_port)
        )
    service = {
        "metadata": {"name": _SERVICE},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    }
    client.request("POST", f"{_CORE}/services", service)
    for document in _chart():
        if document["kind"] in make:
            make[document["kind"]](document)


def _chart() -> list[Json]:
    chart = module_source("kueue", _MODULE) / "charts" / "kueue"
    text = run_helm("template", "kueue", chart, f"--namespace={_NAMESPACE}")
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


def _led(definition: Json, port: int) -> Json:
    """The definition, whose versions the manager converts at this port."""
    webhook = definition["spec"].get("conversion", {}).get("webhook")
    if webhook:
        webhook["clientConfig"]["service"]["port"] = port
    return definition


def _only_hooked(configuration: Json, port: int) -> Json:
    hooks = [hook for hook in configuration["webhooks"] if _HOOKED & _plurals(hook)]
    for hook in hooks:
        hook["clientConfig"]["service"]["port"] = port
    return {**configuration, "webhooks": hooks}


def _plurals(hook: Json) -> set[str]:
    return {name.partition("/")[0] for rule in hook["rules"] for name in rule["resources"]}


def _mount_certificates(client: ApiClient, folder: Path) -> bool:
    """Write the manager's Secret into a folder, as kubelet would; False before it is there."""
    data = client.request("GET", f"{_CORE}/secrets/{_CERTIFICATES}").get("data") or {}
    for name in ("tls.crt", "tls.key"):
        if name not in data:
            return False
        (folder / name).write_bytes(base64.b64decode(data[name]))
    return True
