"""A node on which nothing runs, but whose kubelet serves logs of Pods.

Pods are put onto it, and brought to their end, by the test; the API server then asks it.
"""

import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from support.cluster.api_client import ApiClient, Json
from support.cluster.authority import Authority
from support.cluster.processes import LOOPBACK

_NAME = "log-node"
_NODES = "/api/v1/nodes"
_MERGE = "application/merge-patch+json"
_WITHIN_SECONDS = 30
_LOOK_SECONDS = 0.05


class LogKubelet:
    """The node, which is there for as long as the context.

    Args:
        client: client of the cluster, with all rights.
        folder: an empty one, for a key and a certificate.

    Attributes:
        printed: what every container has printed.
    """

    def __init__(self, client: ApiClient, folder: Path) -> None:
        self._client, self._folder = client, folder
        self.printed = b""

    def __enter__(self) -> Self:
        certificate, key = Authority(self._folder).issue(
            "kubelet", subject="/CN=kubelet", addresses=[LOOPBACK]
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server = ThreadingHTTPServer((LOOPBACK, 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        status = {
            "addresses": [{"type": "InternalIP", "address": LOOPBACK}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._server.server_port}},
        }
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": _NAME}}
        self._client.request("POST", _NODES, node)
        patch = {"status": status}
        self._client.request("PATCH", f"{_NODES}/{_NAME}/status", patch, content=_MERGE)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.request("DELETE", f"{_NODES}/{_NAME}")
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def run_to_the_end(self, pod: Json, *, phase: str = "Succeeded") -> None:
        """Put a Pod onto the node, and let it end."""
        meta = pod["metadata"]
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        # The fake kubelet would start it again.
        deadline = time.monotonic() + _WITHIN_SECONDS
        while self._client.request("GET", path)["status"]["phase"] == "Pending":
            assert time.monotonic() < deadline
            time.sleep(_LOOK_SECONDS)
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": meta["name"]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": _NAME},
        }
        self._client.request("POST", f"{path}/binding", binding)
        patch = {"status": {"phase": phase}}
        self._client.request("PATCH", f"{path}/status", patch, content=_MERGE)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        kubelet = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                assert self.path.startswith("/containerLogs/"), self.path
                self.send_response(200)
                self.end_headers()
                self.wfile.write(kubelet.printed)

            def log_message(self, *_: object) -> None:
                """The tests' output is not for it."""

        return Handler
