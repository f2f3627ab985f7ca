"""The operator has the rights that it uses, and no others."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from support.cluster.node import Node
from support.cluster_jobs import ClusterJob
from support.llmtrain_release import NAMESPACE, helm
from support.local_run import small_spec

pytestmark = [pytest.mark.node, pytest.mark.timeout(1800)]

_OPERATOR = f"system:serviceaccount:{NAMESPACE}:llmtrain"
_EVERYBODY_S = {"selfsubjectreviews", "selfsubjectaccessreviews", "selfsubjectrulesreviews"}

Right = tuple[str, str, str]

_OF_OWNERS: Right = ("llmtrain.io", "llmtrainingjobs/finalizers", "update")
"""Asked for by the admission plugin OwnerReferencesPermissionEnforcement, and never used itself."""
_OF_QUEUES: Right = ("kueue.x-k8s.io", "workloads", "list")
"""Used where Kueue runs: in the tests of the control plane."""


def test_used_rights_are_granted_rights(llmtrain: Node) -> None:
    spec: dict[str, Any] = {key: small_spec()[key] for key in ("compute", "data")}
    policy = {"ttlSecondsAfterFinished": 0}
    ClusterJob(llmtrain, "short-lived", spec | {"policy": policy}).wait_until_nothing_is_left()
    waiting = ClusterJob(llmtrain, "own-claim", spec, names_claim=False)  # no volume fits it
    waiting.wait_until(lambda status: "Unschedulable" in {c.reason for c in status.conditions})
    waiting.delete()
    wanting = ClusterJob(
        llmtrain, "wanting", spec | {"secrets": [{"name": "absent", "files": True}]}
    )
    wanting.wait_until(lambda status: "SecretMissing" in {c.reason for c in status.conditions})
    wanting.delete()
    assert {*_used(llmtrain), _OF_OWNERS, _OF_QUEUES} == set(_granted(llmtrain))


def _granted(node: Node) -> Iterator[Right]:
    """What the operator's role of the installed chart allows."""
    documents = list(yaml.safe_load_all(helm(node, "get", "manifest", "llmtrain")))
    (role,) = (
        each["roleRef"]["name"] for each in documents if each["kind"] == "ClusterRoleBinding"
    )
    for document in documents:
        if (document["kind"], document["metadata"]["name"]) == ("ClusterRole", role):
            for rule in document["rules"]:
                for group in rule["apiGroups"]:
                    for resource in rule["resources"]:
                        yield from ((group, resource, verb) for verb in rule["verbs"])


def _used(node: Node) -> Iterator[Right]:
    """The operator's requests in the API server's audit log."""
    for line in (node.folder / "audit.log").read_text().splitlines():
        entry = json.loads(line)
        about = entry.get("objectRef", {})
        resource = about.get("resource")
        if entry["user"]["username"] != _OPERATOR or not resource or resource in _EVERYBODY_S:
            continue
        name = f"{resource}/{about['subresource']}" if "subresource" in about else resource
        yield about.get("apiGroup", ""), name, entry["verb"]
