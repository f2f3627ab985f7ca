"""A connection to the cluster of a kubeconfig or of a Pod, and the errors that it ends with."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from pathlib import Path

import yaml
from kubernetes.config import ConfigException, list_kube_config_contexts

from llmtrain.errors import ClusterError, KubeconfigError, RayError
from llmtrain_clients.http import UnreachableError
from llmtrain_clients.kubernetes_api import KubernetesApi, named_kubeconfig
from llmtrain_clients.kubernetes_errors import KubernetesError
from llmtrain_clients.ray_jobs import RayJobsError

# What the Kubernetes library raises for a damaged kubeconfig, or a file that it names.
_DAMAGED = (OSError, ValueError, TypeError, LookupError, AttributeError, yaml.YAMLError)


@asynccontextmanager
async def connected(kubeconfig: Path | None, context: str | None) -> AsyncIterator[KubernetesApi]:
    """A client of the API server.

    Args:
        kubeconfig: the kubeconfig; None for the one that kubectl would use, or a Pod's service
            account.
        context: context of the kubeconfig; None for the current one.

    Raises:
        KubeconfigError: the kubeconfig is damaged.
        ClusterError: no cluster is known.
    """
    api = KubernetesApi(kubeconfig=kubeconfig, context=context)
    try:
        with cluster_errors():
            await api.__aenter__()
    except _DAMAGED as error:
        message = f"the kubeconfig cannot be used (KUBECONFIG, ~/.kube/config): {error}"
        raise KubeconfigError(message) from error
    try:
        yield api
    finally:
        await api.__aexit__(None, None, None)


def namespace_of_context(kubeconfig: Path | None, context: str | None) -> str:
    """The namespace of a context; `default` if it names none, and in a Pod."""
    try:
        contexts, active = list_kube_config_contexts(named_kubeconfig(kubeconfig))
    except ConfigException:
        return "default"  # in a Pod
    chosen = next((each for each in contexts if each["name"] == context), active)
    return str(chosen["context"].get("namespace") or "default")


@contextmanager
def cluster_errors() -> Iterator[None]:
    """Turn the errors of the clients below into those of this package.

    Raises:
        ClusterError: the API server refused, or was not reached.
        RayError: Ray refused, or was not reached.
    """
    try:
        yield
    except KubernetesError as error:
        raise ClusterError(_message(error), error.status) from error
    except (RayJobsError, UnreachableError) as error:
        raise RayError(str(error)) from error


def _message(error: KubernetesError) -> str:
    if error.status == HTTPStatus.UNAUTHORIZED:
        return "the API server does not know you (401 Unauthorized); log in to the cluster again"
    if error.reason == "Unreachable":
        cause = error.__cause__
        return f"the API server cannot be reached: {cause or type(cause).__name__}"
    return str(error)
