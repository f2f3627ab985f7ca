"""Whether Pods reach each other, as the NetworkPolicies of a cluster have it.

The test clusters' own network enforces none; this is what the API's documentation says of them.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from support.cluster.api_client import Json


@dataclass(frozen=True)
class Pod:
    """What policies and monitors know a Pod by.

    Attributes:
        namespace: namespace of the Pod.
        labels: labels of the Pod.
        ports: ports of its containers, by name.
    """

    namespace: str
    labels: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, namespace: str, body: Json) -> "Pod":
        """A Pod, or the template of one."""
        containers = body["spec"]["containers"]
        ports = {
            port["name"]: port["containerPort"]
            for container in containers
            for port in container.get("ports", ())
        }
        return cls(namespace, body["metadata"]["labels"], ports)


def selects(selector: Json, labels: dict[str, str]) -> bool:
    """Whether a label selector takes these labels; an empty one takes all."""
    expressions = selector.get("matchExpressions", ())
    return all(
        labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()
    ) and all(
        e["key"] in labels and (e["operator"] == "Exists" or labels[e["key"]] in e["values"])
        for e in expressions
    )


def reaches(
    policies: Collection[Json], source: Pod, target: Pod, port: int, protocol: str = "TCP"
) -> bool:
    """Whether a connection is let out where it starts, and in where it ends."""

    def may(pod: Pod, kind: str, key: str, other: Pod) -> bool:
        about = [policy for policy in policies if _is_about(policy, pod, kind)]
        # A Pod that no policy is about is open.
        return not about or any(
            (key not in rule or any(_is(peer, pod.namespace, other) for peer in rule[key]))
            and ("ports" not in rule or (port, protocol) in _ports(rule, target))
            for policy in about
            for rule in policy["spec"].get(kind.lower(), ())
        )

    return may(source, "Egress", "to", target) and may(target, "Ingress", "from", source)


def _is_about(policy: Json, pod: Pod, kind: str) -> bool:
    spec, namespace = policy["spec"], policy["metadata"]["namespace"]
    is_meant = namespace == pod.namespace and selects(spec["podSelector"], pod.labels)
    return is_meant and kind in spec["policyTypes"]


def _is(peer: Json, namespace: str, pod: Pod) -> bool:
    """Whether a Pod is a peer that a policy of a namespace names."""
    if "namespaceSelector" in peer:
        place = {"kubernetes.io/metadata.name": pod.namespace}
        is_there = selects(peer["namespaceSelector"], place)
    else:
        is_there = pod.namespace == namespace
    return is_there and selects(peer.get("podSelector", {}), pod.labels)


def _ports(rule: Json, target: Pod) -> set[tuple[int | None, str]]:
    """The ports of a rule; its names are of the target's ports."""
    return {
        (
            target.ports.get(each["port"]) if isinstance(each["port"], str) else each["port"],
            each.get("protocol", "TCP"),
        )
        for each in rule["ports"]
    }
