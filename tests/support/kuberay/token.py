"""Token authentication: the Secret that KubeRay makes, and how Pods get the token from it."""

import base64
import secrets

from support.kuberay import names
from support.kuberay.names import Json

_TOKEN_BYTES = 32


def token_secret(cluster: Json) -> Json | None:
    """The Secret with a new token; None where the RayCluster asks for none, or brings its own."""
    options = cluster["spec"].get("authOptions")
    # Without a mode there is a Secret, and yet no authentication.
    if options is None or options.get("mode") == "disabled" or options.get("secretName"):
        return None
    metadata = cluster["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": names.secret_name(metadata["name"]),
            "namespace": metadata["namespace"],
            "labels": {names.CLUSTER_LABEL: metadata["name"]},
            "ownerReferences": [names.owner_reference(cluster)],
        },
        "stringData": {names.TOKEN_KEY: _new_token()},
    }


def token_environment(cluster: Json) -> list[Json]:
    """What has Ray ask for the token, and show it; empty without authentication."""
    options = cluster["spec"].get("authOptions") or {}
    if options.get("mode") != "token":
        return []
    name = options.get("secretName") or names.secret_name(cluster["metadata"]["name"])
    reference = {"name": name, "key": names.TOKEN_KEY}
    return [
        {"name": "RAY_AUTH_MODE", "value": "token"},
        {"name": "RAY_AUTH_TOKEN", "valueFrom": {"secretKeyRef": reference}},
    ]


def _new_token() -> str:
    return base64.b64encode(secrets.token_bytes(_TOKEN_BYTES)).decode()
