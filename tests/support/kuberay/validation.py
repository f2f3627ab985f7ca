"""What KubeRay itself refuses: it makes no objects then, and says nothing in the status.

Its CRD and the API server have refused everything else before.
"""

import re
from collections.abc import Iterator

from support.kuberay.names import Json

_LONGEST_NAME = 53
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_OLDEST_RAY_WITH_TOKENS = (2, 52)
_SIZES = {"num-cpus", "num-gpus", "memory", "resources"}


def faults_of(cluster: Json) -> list[str]:
    """Why a RayCluster gets no Pods; empty where it does."""
    return [*_name_faults(cluster["metadata"]["name"]), *_spec_faults(cluster["spec"])]


def _name_faults(name: str) -> Iterator[str]:
    if len(name) > _LONGEST_NAME:
        yield f"the name has more than {_LONGEST_NAME} characters"
    if not _DNS_1035.fullmatch(name):
        yield "the name is not a DNS-1035 label"


def _spec_faults(spec: Json) -> Iterator[str]:
    workers = spec.get("workerGroupSpecs") or []
    for group in [spec["headGroupSpec"], *workers]:
        yield from _group_faults(group)
    for group in workers:
        if not 0 <= group["minReplicas"] <= group["maxReplicas"]:
            yield "minReplicas and maxReplicas must be in order, and not negative"
    if (spec.get("authOptions") or {}).get("mode") == "token" and not _has_tokens(
        spec.get("rayVersion", "")
    ):
        yield "authOptions.mode token needs a rayVersion from 2.52.0 on"


def _group_faults(group: Json) -> Iterator[str]:
    name = group.get("groupName", "head")
    parameters = group.get("rayStartParams") or {}
    if not group["template"]["spec"].get("containers"):
        yield f"{name} has no container"
    if group.get("resources") and _SIZES & parameters.keys():
        yield f"{name} has sizes in both resources and rayStartParams"
    if "labels" in parameters:
        yield f"{name} has labels in rayStartParams"


def _has_tokens(version: str) -> bool:
    parts = re.match(r"v?(\d+)\.(\d+)", version)
    return parts is not None and (int(parts[1]), int(parts[2])) >= _OLDEST_RAY_WITH_TOKENS
