"""Pods on a real node, with the image that this repository's code and lock file make."""

import pytest
from support.cluster.api_client import ApiRefusal
from support.cluster.images import TRAINER
from support.cluster.node import Node
from support.cluster.pods import make_namespace, pod, run_pod, start_pod
from support.cluster.volumes import make_claim

pytestmark = [pytest.mark.node, pytest.mark.timeout(1800)]

_NAMESPACE = "plain-pods"
_IMPORTS = "import deepspeed, llmtrain_operator, llmtrain_trainer, ray, torch; print(ray.__file__)"
# The first address belongs to no network, the second is the clouds' metadata service.
_REACH_OUT = """
import socket
for address in ("192.0.2.1", "169.254.169.254"):
    try:
        socket.create_connection((address, 80), timeout=60)
    except OSError as error:
        print(error.strerror)
try:
    socket.getaddrinfo("pypi.org", 443)
except OSError as error:
    print(error.strerror)
"""


@pytest.fixture(scope="module")
def node(llmtrain: Node) -> Node:
    make_namespace(llmtrain, _NAMESPACE)
    return llmtrain


def test_the_image_has_all_that_a_training_pod_imports(node: Node) -> None:
    command = ["bash", "-c", f"ray --version && python -c '{_IMPORTS}'"]
    printed = run_pod(node, _NAMESPACE, pod("imports", TRAINER, command), within_seconds=300)
    assert "/opt/llmtrain/venv/lib/" in printed


def test_a_pod_reaches_another_by_the_name_of_its_service(node: Node) -> None:
    server = pod("server", TRAINER, ["python", "-m", "http.server", "8000"])
    server["spec"]["containers"][0]["readinessProbe"] = {
        "httpGet": {"path": "/", "port": 8000},
        "periodSeconds": 1,
    }
    start_pod(node, _NAMESPACE, server)
    service = {
        "metadata": {"name": "server"},
        "spec": {"ports": [{"port": 80, "targetPort": 8000}], "selector": {"app": "server"}},
    }
    node.client.request("POST", f"/api/v1/namespaces/{_NAMESPACE}/services", service)
    # Names and addresses of a new Service are there a moment later.
    address = f"http://server.{_NAMESPACE}.svc"
    wait = f"until wget --quiet --tries 1 --timeout 2 --output-document - {address}; do :; done"
    assert "Directory listing" in run_pod(
        node, _NAMESPACE, pod("caller", TRAINER, ["bash", "-c", wait])
    )


def test_a_pod_has_no_way_out(node: Node) -> None:
    printed = run_pod(node, _NAMESPACE, pod("outward", TRAINER, ["python", "-c", _REACH_OUT]))
    assert printed.splitlines() == [
        "Network is unreachable",
        "Network is unreachable",
        "Name or service not known",
    ]


def test_what_a_pod_writes_into_a_claim_is_in_its_folder(node: Node) -> None:
    folder = make_claim(node, _NAMESPACE, "models")
    writer = pod("writer", TRAINER, ["bash", "-c", "id --user > /models/writer"])
    writer["spec"]["volumes"] = [
        {"name": "models", "persistentVolumeClaim": {"claimName": "models"}}
    ]
    mount = {"name": "models", "mountPath": "/models"}
    writer["spec"]["containers"][0]["volumeMounts"] = [mount]
    run_pod(node, _NAMESPACE, writer)
    assert (folder / "writer").read_text() == "1000\n"


def test_a_pod_that_is_not_restricted_is_refused(node: Node) -> None:
    privileged = pod("privileged", TRAINER, ["true"])
    privileged["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    with pytest.raises(ApiRefusal, match="violates PodSecurity"):
        node.client.request("POST", f"/api/v1/namespaces/{_NAMESPACE}/pods", privileged)
