"""Finds what the operator can watch.

kopf ends if one of its watches is refused, and it does not notice kinds that are installed after
its start unless it may watch all CRDs. So with single namespaces kopf is restarted with the new
scope, in the same process.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from llmtrain_api import names
from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import KubernetesApi

_KINDS = (f"/apis/{names.GROUP}/{names.VERSION}", paths.RAY_API)


@dataclass(frozen=True)
class Scope:
    """The namespaces and kinds that can be watched."""

    namespaces: tuple[str, ...]
    missing_kinds: tuple[str, ...]
    """API groups that the API server does not have yet."""
    refused: dict[str, str] = field(default_factory=dict, compare=False)
    """Namespaces that cannot be watched, with the API server's messages."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return not (self.refused or self.missing_kinds)


async def read_scope(
    api: KubernetesApi, namespaces: Iterable[str], *, known: Container[str] = ()
) -> Scope:
    """Find what can be watched in some namespaces.

    Args:
        api: client of Kubernetes.
        namespaces: namespaces of the operator's settings.
        known: namespaces that are known to be readable; the API server is not asked.

    Raises:
        KubernetesError: the API server cannot be reached.
    """
    readable, refused = [], {}
    for namespace in namespaces:
        why = None if namespace in known else await _refusal(api, namespace)
        if why is None:
            readable.append(namespace)
        else:
            refused[namespace] = why
    missing = [kind for kind in _KINDS if await api.get(kind) is None]
    return Scope(tuple(readable), tuple(missing), refused)


async def _refusal(api: KubernetesApi, namespace: str) -> str | None:
    """The API server's refusal to list a namespace; None if everything can be listed."""
    for path in (paths.jobs(namespace), paths.ray_clusters(namespace), paths.pods(namespace)):
        if (why := await api.refusal(path)) is not None:
            return why
    return None
