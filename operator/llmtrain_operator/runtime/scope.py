"""What of a cluster the operator can watch: the namespaces that it may read, the kinds there are.

kopf ends as a whole where one of its watches is refused, and never learns of a kind that came
after its start unless it may watch all definitions. So with single namespaces it is started anew,
in the same process, with another scope.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from llmtrain_api import names
from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import KubernetesApi

_KINDS = (f"/apis/{names.GROUP}/{names.VERSION}", paths.RAY_API)


@dataclass(frozen=True)
class Scope:
    """What can be watched at one moment."""

    namespaces: tuple[str, ...]
    missing_kinds: tuple[str, ...]
    """The groups of kinds that the API server does not know yet."""
    refused: dict[str, str] = field(default_factory=dict, compare=False)
    """The namespaces that cannot be watched, with the API server's words."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return not (self.refused or self.missing_kinds)


async def read_scope(
    api: KubernetesApi, namespaces: Iterable[str], *, known: Container[str] = ()
) -> Scope:
    """What can be watched of some namespaces now.

    Args:
        api: of Kubernetes.
        namespaces: of the operator's settings.
        known: those of them that can be watched for sure; the API server is not asked.

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
    """What the API server says to a look at a namespace; None where it shows all."""
    for path in (paths.jobs(namespace), paths.ray_clusters(namespace), paths.pods(namespace)):
        if (why := await api.refusal(path)) is not None:
            return why
    return None
