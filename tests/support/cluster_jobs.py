"""Jobs on a test node: applied, watched, broken and looked at as people do it."""

from collections.abc import Callable
from typing import Any

from support.cluster.api_client import ApiRefusal, Json
from support.cluster.node import Node
from support.cluster.volumes import make_claim
from support.llmtrain_release import kubectl
from support.local_run import write_corpus

from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageState
from llmtrain_api.workspace import Workspace

NAMESPACE = "training"
_JOBS = f"/apis/llmtrain.io/v1alpha1/namespaces/{NAMESPACE}/llmtrainingjobs"
_RAY_CLUSTERS = f"/apis/ray.io/v1/namespaces/{NAMESPACE}/rayclusters"
_PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
_NOT_FOUND = 404
_MERGE = "application/merge-patch+json"
_WITHIN_SECONDS = 600


class ClusterJob:
    """One job on a node, with a workspace of its own.

    Args:
        node: with llmtrain on it.
        name: name of the job.
        spec: spec of the job, without the claim of its workspace.
        names_claim: whether it names a claim that exists, with the corpus in it; else the
            operator makes one, of a size that no volume has.
    """

    def __init__(
        self, node: Node, name: str, spec: dict[str, Any], *, names_claim: bool = True
    ) -> None:
        self._node, self.name = node, name
        claim: Json = {"size": "900Ti"}
        if names_claim:
            folder = make_claim(node, NAMESPACE, name)
            write_corpus(folder)
            self.workspace = Workspace(folder)
            claim = {"persistentVolumeClaim": {"claimName": name}}
        node.client.request(
            "POST",
            _JOBS,
            {
                "apiVersion": "llmtrain.io/v1alpha1",
                "kind": "LLMTrainingJob",
                "metadata": {"name": name},
                "spec": spec | {"workspace": spec.get("workspace", {}) | claim},
            },
        )

    @property
    def status(self) -> JobStatus:
        """The job's status now."""
        body = self._node.client.request("GET", f"{_JOBS}/{self.name}")
        return JobStatus.model_validate(body.get("status", {}))

    def wait_until(
        self, condition: Callable[[JobStatus], bool], *, within_seconds: float = _WITHIN_SECONDS
    ) -> JobStatus:
        """Wait for a condition of the status; returns the status."""
        self._node.wait_until(lambda: condition(self.status), within_seconds=within_seconds)
        return self.status

    def wait_for_phase(self, phase: Phase) -> JobStatus:
        """Wait for a phase; one that ends the job otherwise is an error."""

        def is_there(status: JobStatus) -> bool:
            assert status.phase is phase or not status.phase.terminal, status
            return status.phase is phase

        return self.wait_until(is_there)

    def wait_for_step(self, step: int) -> None:
        """Wait until an optimizer step of the current attempt was made."""

        def is_made(status: JobStatus) -> bool:
            assert not status.phase.terminal, status
            running = status.stage(Stage.PRETRAIN).state is StageState.RUNNING
            return running and status.progress is not None and (status.progress.step or 0) >= step

        self.wait_until(is_made)

    def set_policy(self, **policy: object) -> None:
        """Change some fields of the policy."""
        patch = {"spec": {"policy": policy}}
        self._node.client.request("PATCH", f"{_JOBS}/{self.name}", patch, content=_MERGE)

    def pods(self, node_type: str | None = None) -> list[Json]:
        """The job's Pods: `head`, `worker`, or both."""
        selector = f"llmtrain.io/job={self.name}"
        if node_type:
            selector += f",ray.io/node-type={node_type}"
        items: list[Json] = self._node.client.request("GET", f"{_PODS}?labelSelector={selector}")[
            "items"
        ]
        return items

    def ray_clusters(self) -> list[str]:
        """The names of the job's RayClusters."""
        path = f"{_RAY_CLUSTERS}?labelSelector=llmtrain.io/job={self.name}"
        return [
            item["metadata"]["name"] for item in self._node.client.request("GET", path)["items"]
        ]

    def delete_pod(self, node_type: str) -> None:
        """Take one of the job's Pods away, at once."""
        name = self.pods(node_type)[0]["metadata"]["name"]
        kubectl(self._node, "delete", "pod", "-n", NAMESPACE, name, "--grace-period=0", "--force")

    def delete(self) -> None:
        """Delete the job."""
        self._node.client.request("DELETE", f"{_JOBS}/{self.name}")

    def wait_until_nothing_is_left(self) -> None:
        """Wait until the job, its RayClusters and its Pods are gone."""
        self._node.wait_until(
            lambda: not (self.exists() or self.ray_clusters() or self.pods()),
            within_seconds=_WITHIN_SECONDS,
        )

    def exists(self) -> bool:
        """Whether it is there."""
        try:
            self._node.client.request("GET", f"{_JOBS}/{self.name}")
        except ApiRefusal as refusal:
            if refusal.status != _NOT_FOUND:
                raise
            return False
        return True
