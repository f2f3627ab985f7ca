"""A control plane with llmtrain's and KubeRay's kinds, and all that a job needs but nodes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from support.cluster.api_client import ApiClient, Json
from support.cluster.api_server import OPERATOR
from support.cluster.control_plane import running_control_plane
from support.fake_kubelet import FakeKubelet
from support.fake_ray import FakeRay
from support.kuberay import running_kuberay
from support.kubernetes_proxy import KubernetesProxy
from support.repository import ROOT

_CRD = ROOT / "crds" / "llmtrain.io_llmtrainingjobs.yaml"
_INSTALL = ROOT / "manifests" / "operator" / "operator.yaml"
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def job_definition() -> Json:
    """Our definition of LLMTrainingJobs."""
    definition: Json = yaml.safe_load(_CRD.read_text())
    return definition


@dataclass(frozen=True)
class NodelessCluster:
    """A cluster without nodes.

    Attributes:
        client: with all rights.
        proxy: through which the operator goes.
        admin_kubeconfig: kubeconfig of the API server itself, with all rights.
        kubeconfig: kubeconfig of the proxy, with all rights.
        operator_kubeconfig: kubeconfig of the proxy, with the rights that the chart gives.
        ray: all Ray heads.
        kubelet: kubelet of all Pods.
    """

    client: ApiClient
    proxy: KubernetesProxy
    admin_kubeconfig: Path
    kubeconfig: Path
    operator_kubeconfig: Path
    ray: FakeRay
    kubelet: FakeKubelet


@contextmanager
def running_nodeless_cluster(
    folder: Path, *, definition: Json | None = None
) -> Iterator[NodelessCluster]:
    """Start all of it; it ends with the context.

    Args:
        folder: an empty one.
        definition: definition of LLMTrainingJobs, where it is not ours.
    """
    ray = FakeRay()
    # Which Pods are scheduled is for the player of kubelet to say.
    with running_control_plane(folder, scheduler=False) as plane:
        plane.client.request("POST", _DEFINITIONS, definition or job_definition())
        _grant_rights(plane.client)
        admin, operator = plane.server.kubeconfig(), plane.server.kubeconfig(OPERATOR)
        server = yaml.safe_load(admin.read_text())["clusters"][0]["cluster"]["server"]
        proxy = KubernetesProxy(server, folder / "ca.crt", ray)
        with (
            running_kuberay(admin, plane.client),
            FakeKubelet(plane.server.client()) as kubelet,
            proxy,
        ):
            yield NodelessCluster(
                plane.client,
                proxy,
                admin,
                _through(proxy, admin),
                _through(proxy, operator),
                ray,
                kubelet,
            )


def _grant_rights(client: ApiClient) -> None:
    """Give the operator's service account its role."""
    for document in yaml.safe_load_all(_INSTALL.read_text()):
        if document["apiVersion"].startswith("rbac.") and "namespace" not in document["metadata"]:
            path = f"/apis/{document['apiVersion']}/{document['kind'].lower()}s"
            client.request("POST", path, document)


def _through(proxy: KubernetesProxy, kubeconfig: Path) -> Path:
    """A kubeconfig that leads to the proxy in place of the API server."""
    settings = yaml.safe_load(kubeconfig.read_text())
    settings["clusters"][0]["cluster"] = {"server": proxy.url}
    path = kubeconfig.with_name(f"proxied-{kubeconfig.name}")
    path.write_text(yaml.safe_dump(settings))
    return path
