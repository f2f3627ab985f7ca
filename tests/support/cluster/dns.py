"""Names of Services and Pods for a test node: CoreDNS, which answers nothing about the outside."""

from support.cluster.api_server import ADMIN
from support.cluster.binaries import binary
from support.cluster.control_plane import ControlPlane

DNS_ADDRESS = "10.96.0.10"
_PORTS = [{"name": name, "port": 53, "protocol": name.upper()} for name in ("udp", "tcp")]
_SETTINGS = """
cluster.local:53 in-addr.arpa:53 ip6.arpa:53 {{
  bind {address}
  errors
  kubernetes cluster.local in-addr.arpa ip6.arpa {{
    kubeconfig {kubeconfig}
    ttl 1
  }}
}}
.:53 {{
  bind {address}
  # At once, where asking further would wait for an answer that cannot come.
  template ANY ANY . {{
    rcode NXDOMAIN
  }}
}}
"""


def start_dns(plane: ControlPlane, address: str) -> None:
    """Start CoreDNS, and make the Service that Pods ask.

    Args:
        plane: the control plane that knows the names.
        address: where CoreDNS listens, outside of any Pod.
    """
    settings = plane.server.folder / "Corefile"
    kubeconfig = plane.server.kubeconfig(ADMIN)
    settings.write_text(_SETTINGS.format(address=address, kubeconfig=kubeconfig))
    plane.processes.start(binary("coredns"), "-conf", str(settings))
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns"},
        "spec": {"clusterIP": DNS_ADDRESS, "ports": _PORTS},
    }
    plane.client.request("POST", "/api/v1/namespaces/kube-system/services", service)
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "kube-dns", "labels": {"kubernetes.io/service-name": "kube-dns"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address]}],
        "ports": _PORTS,
    }
    path = "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices"
    plane.client.request("POST", path, endpoints)
