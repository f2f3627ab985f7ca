"""kube-apiserver of a test cluster: whom it knows, what it is started with, when it serves."""

import http.client
import json
import secrets
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from support.cluster.api_client import ApiClient
from support.cluster.authority import Authority
from support.cluster.binaries import binary
from support.cluster.processes import LOOPBACK, Processes, answers_ok

SERVICE_ADDRESSES = "10.96.0.0/16"
ADMIN = "admin"
NODE_USER = "system:node:node"
OPERATOR = "system:serviceaccount:llmtrain-system:llmtrain"
"""The service account that the chart makes for the operator."""
# Kubernetes' own roles are bound to its components by these names.
_GROUP_OF_USER = {
    ADMIN: "system:masters",
    NODE_USER: "system:nodes",
    OPERATOR: "system:serviceaccounts",
    "system:kube-controller-manager": "",
    "system:kube-proxy": "",
    "system:kube-scheduler": "",
}
_KUBERNETES_SERVICE = "10.96.0.1"
_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


@dataclass(frozen=True)
class ApiServer:
    """One API server.

    Attributes:
        folder: an empty one, for its files.
        port: where it listens.
        etcd_port: where etcd listens, on loopback.
        address: where Pods find it; only this machine's own processes do if there is none.
        audit_log: one line of JSON for each request goes there.
        controllers: whether the controllers will run.
    """

    folder: Path
    port: int
    etcd_port: int
    address: str | None = None
    audit_log: Path | None = None
    controllers: bool = False
    _tokens: dict[str, str] = field(
        default_factory=lambda: {user: secrets.token_hex(16) for user in _GROUP_OF_USER}
    )

    def start(self, processes: Processes) -> None:
        """Start it, and wait until it serves."""
        authority = Authority(self.folder)
        arguments = [
            f"--etcd-servers=http://{LOOPBACK}:{self.etcd_port}",
            f"--secure-port={self.port}",
            "--authorization-mode=Node,RBAC",
            # OpenShift's default: whoever sets blockOwnerDeletion needs a right to the owner.
            "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
            "--allow-privileged",
            f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
            *self._address_arguments(),
            *self._key_arguments(authority),
            *self._audit_arguments(),
        ]
        if not self.controllers:
            # Only the controllers make the service accounts that it would ask for.
            arguments.append("--disable-admission-plugins=ServiceAccount")
        process = processes.start(binary("kube-apiserver"), *arguments)
        context = ssl.create_default_context(cafile=authority.certificate)
        connection = http.client.HTTPSConnection(LOOPBACK, self.port, context=context)
        process.wait_until(lambda: answers_ok(connection, "/readyz", self._tokens[ADMIN]))

    def client(self, user: str = ADMIN) -> ApiClient:
        """A client with the rights of a user; it is the caller's to close."""
        certificate = self.folder / "ca.crt"
        return ApiClient(LOOPBACK, self.port, token=self._tokens[user], certificate=certificate)

    def kubeconfig(self, user: str = ADMIN) -> Path:
        """A file that gives others the rights of a user."""
        path = self.folder / f"{user.rpartition(':')[2]}.kubeconfig"
        client = self.client(user)
        client.write_kubeconfig(path)
        client.close()
        return path

    def _address_arguments(self) -> list[str]:
        if self.address is None:
            return [f"--bind-address={LOOPBACK}"]
        return ["--bind-address=0.0.0.0", f"--advertise-address={self.address}"]

    def _key_arguments(self, authority: Authority) -> list[str]:
        certificate, key = authority.issue(
            "apiserver",
            subject="/CN=kube-apiserver",
            addresses=[LOOPBACK, _KUBERNETES_SERVICE],
            names=["kubernetes", "kubernetes.default", "kubernetes.default.svc"],
        )
        # With this one it asks kubelet for logs, and runs commands in containers.
        subject = "/O=system:masters/CN=kube-apiserver"
        client_certificate, client_key = authority.issue("kubelet-client", subject=subject)
        accounts_key = authority.make_key("service-accounts")
        tokens = self.folder / "tokens.csv"
        lines = [
            f'{self._tokens[user]},{user},{user},"{group}"\n'
            for user, group in _GROUP_OF_USER.items()
        ]
        tokens.write_text("".join(lines))
        return [
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            f"--token-auth-file={tokens}",
            f"--kubelet-client-certificate={client_certificate}",
            f"--kubelet-client-key={client_key}",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={accounts_key}",
            f"--service-account-signing-key-file={accounts_key}",
        ]

    def _audit_arguments(self) -> list[str]:
        if self.audit_log is None:
            return []
        policy = self.folder / "audit-policy.json"
        policy.write_text(json.dumps(_AUDIT_POLICY))
        return [f"--audit-policy-file={policy}", f"--audit-log-path={self.audit_log}"]
