"""A user who may do what a Role says, and nothing else."""

from pathlib import Path

import yaml
from support.cluster.api_client import ApiClient, Json

_ACCOUNTS = "/api/v1/namespaces/default/serviceaccounts"
_RIGHTS = "/apis/rbac.authorization.k8s.io/v1/namespaces"
_GROUP = "rbac.authorization.k8s.io"


def kubeconfig_of(
    client: ApiClient, name: str, rules: list[Json], *, like: Path, folder: Path
) -> Path:
    """Make a user; returns a kubeconfig with their rights.

    Args:
        client: client of the cluster, with all rights.
        name: name of the user.
        rules: rules of their Role.
        like: a kubeconfig of the same cluster.
        folder: for the new one.
    """
    metadata = {"name": name, "namespace": "default"}
    client.request("POST", _ACCOUNTS, {"metadata": metadata})
    grant(client, name, rules)
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token = client.request("POST", f"{_ACCOUNTS}/{name}/token", request)["status"]["token"]
    settings = yaml.safe_load(like.read_text())
    settings["users"][0]["user"] = {"token": token}
    path = folder / f"{name}.kubeconfig"
    path.write_text(yaml.safe_dump(settings))
    return path


def grant(client: ApiClient, name: str, rules: list[Json], *, namespace: str = "default") -> None:
    """Give a user of the namespace `default` the rights of a Role.

    Args:
        client: client of the cluster, with all rights.
        name: name of the user.
        rules: rules of the Role.
        namespace: where they hold.
    """
    metadata = {"name": name, "namespace": namespace}
    rights = f"{_RIGHTS}/{namespace}"
    client.request("POST", f"{rights}/roles", {"metadata": metadata, "rules": rules})
    binding = {
        "metadata": metadata,
        "roleRef": {"apiGroup": _GROUP, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "default"}],
    }
    client.request("POST", f"{rights}/rolebindings", binding)
