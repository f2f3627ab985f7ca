"""The rules of kstatus, by which Flux and others say whether an object is what it should be.

Written out from sigs.k8s.io/cli-utils, pkg/kstatus/status (`checkGenericProperties`,
`checkReadyCondition`), for a kind that it has no rules of its own for.
"""

from typing import Any


def kstatus(body: dict[str, Any]) -> str:
    """The status of an object: InProgress, Current, Failed or Terminating."""
    metadata, status = body["metadata"], body.get("status", {})
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    observed = status.get("observedGeneration")
    if observed is not None and observed != metadata["generation"]:
        return "InProgress"
    conditions = status.get("conditions", [])
    for condition in conditions:
        if condition["type"] == "Reconciling" and condition["status"] == "True":
            return "InProgress"
        if condition["type"] == "Stalled" and condition["status"] == "True":
            return "Failed"
    for condition in conditions:
        if condition["type"] == "Ready":
            return "Current" if condition["status"] == "True" else "InProgress"
    return "Current"
