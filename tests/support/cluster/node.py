"""A real Kubernetes node for one test session: Pods run, Services have names, nothing gets out."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.cluster.api_client import ApiClient, Json
from support.cluster.api_server import NODE_USER
from support.cluster.binaries import binary
from support.cluster.containerd import POD_ADDRESSES, SOCKET, Containerd
from support.cluster.control_plane import ControlPlane, running_control_plane
from support.cluster.dns import DNS_ADDRESS, start_dns
from support.cluster.images import pause_image
from support.cluster.oci import Image
from support.cluster.processes import Process
from support.cluster.sandbox import Sandbox, SandboxError, running_sandbox

NAME = "node"
_PROGRAMS = ("conntrack", "containerd", "ctr", "ip", "iptables", "nsenter", "runc", "unshare")
_BRIDGE = Path("/usr/lib/cni/bridge")


@dataclass(frozen=True)
class Node:
    """A running cluster of one node.

    Attributes:
        folder: its files; the logs of all its programs are there.
        client: with all rights.
        kubeconfig: gives others all rights, from anywhere on this machine.
        sandbox: runs programs where the node runs.
        kubelet: for a test that stops it.
        plane: the control plane.
    """

    folder: Path
    client: ApiClient
    kubeconfig: Path
    sandbox: Sandbox
    kubelet: Process
    plane: ControlPlane
    _containerd: Containerd

    def load_image(self, image: Image) -> None:
        """Make an image known to the node; Pods name it with `imagePullPolicy: Never`."""
        self._containerd.load(image)

    def wait_until(self, condition: Callable[[], bool], *, within_seconds: float = 120) -> None:
        """Wait for a condition that a node brings about.

        Raises:
            RuntimeError: it took too long; with the end of kubelet's log.
        """
        self.kubelet.wait_until(condition, within_seconds=within_seconds)


@contextmanager
def running_node(folder: Path, *, audit: bool = False) -> Iterator[Node]:
    """Start a control plane and a node, and wait until it is Ready; all ends with the context.

    Args:
        folder: an empty one, for keys, data and logs.
        audit: have each request logged, in `audit.log` in the folder.

    Raises:
        SandboxError: this user or machine cannot have a node.
    """
    _check_machine()
    with ExitStack() as stack:
        sandbox = stack.enter_context(running_sandbox(folder))
        plane = stack.enter_context(running_control_plane(folder, audit=audit, sandbox=sandbox))
        containerd = Containerd(folder, sandbox)
        containerd.start(stack)
        containerd.load(pause_image())
        kubelet = _start_kubelet(plane, folder, sandbox)
        _start_proxy(plane)
        start_dns(plane, sandbox.address)
        kubelet.wait_until(lambda: _is_ready(plane.client))
        kubeconfig = plane.server.kubeconfig()
        yield Node(folder, plane.client, kubeconfig, sandbox, kubelet, plane, containerd)


def _check_machine() -> None:
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    missing += [str(_BRIDGE)] if not _BRIDGE.exists() else []
    if missing:
        raise SandboxError(f"A node needs {', '.join(missing)}: see docs/test-cluster.md.")


def _start_kubelet(plane: ControlPlane, folder: Path, sandbox: Sandbox) -> Process:
    settings = folder / "kubelet.json"
    settings.write_text(json.dumps(_kubelet_settings(folder)))
    return plane.processes.start(
        binary("kubelet"),
        f"--config={settings}",
        f"--kubeconfig={plane.server.kubeconfig(NODE_USER)}",
        f"--hostname-override={NAME}",
        f"--node-ip={sandbox.address}",
        f"--root-dir={folder / 'kubelet'}",
    )


def _kubelet_settings(folder: Path) -> Json:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {"x509": {"clientCAFile": str(folder / "ca.crt")}},
        "authorization": {"mode": "Webhook"},
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "resolvConf": "",
        "volumePluginDir": str(folder / "volume-plugins"),
        # It shares the machine: its cgroups are those of the sandbox, whatever their version.
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        # A developer's disk may be nearly full; no Pod or image is given up for it.
        "evictionHard": {
            "imagefs.available": "0%",
            "memory.available": "100Mi",
            "nodefs.available": "0%",
            "nodefs.inodesFree": "0%",
        },
        "imageGCHighThresholdPercent": 100,
    }


def _start_proxy(plane: ControlPlane) -> None:
    plane.processes.start(
        binary("kube-proxy"),
        f"--kubeconfig={plane.server.kubeconfig('system:kube-proxy')}",
        f"--hostname-override={NAME}",
        "--proxy-mode=iptables",
        f"--cluster-cidr={POD_ADDRESSES}",
        # These settings belong to the whole machine; 0 leaves them.
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
    )


def _is_ready(client: ApiClient) -> bool:
    nodes = client.request("GET", "/api/v1/nodes")["items"]
    conditions = [entry for node in nodes for entry in node["status"].get("conditions", [])]
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)
