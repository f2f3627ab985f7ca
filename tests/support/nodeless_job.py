"""A job on a cluster without nodes, as a person sees it."""

import time
from collections.abc import Callable
from typing import Any

from support.cluster.api_client import ApiClient, ApiRefusal, Json
from support.cluster.jobs import JOBS, full_pipeline_job

from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageState
from llmtrain_api.upgrade.status import stored_status

_MERGE = "application/merge-patch+json"
_CORE = "/api/v1/namespaces/default"
_KINDS = (
    "/apis/ray.io/v1/namespaces/default/rayclusters",
    "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
    f"{_CORE}/pods",
    f"{_CORE}/services",
    f"{_CORE}/secrets",
    f"{_CORE}/configmaps",
)
_LOOK_SECONDS = 0.05
_WITHIN_SECONDS = 60
_NOT_FOUND = 404
_SHORT_LINE = ("data", "tokenizer")


class NodelessJob:
    """A job that this creates.

    Args:
        client: client of the cluster, with all rights.
        body: the job.
        namespace: where it is created.
    """

    def __init__(self, client: ApiClient, body: Json, *, namespace: str = "default") -> None:
        self._client, self.name = client, body["metadata"]["name"]
        jobs = JOBS.replace("/default/", f"/{namespace}/")
        self._path, self._clusters = f"{jobs}/{self.name}", _KINDS[0].replace("default", namespace)
        client.request("POST", jobs, body)

    @classmethod
    def short(
        cls,
        client: ApiClient,
        name: str,
        *,
        policy: dict[str, Any] | None = None,
        namespace: str = "default",
        **sections: object,
    ) -> "NodelessJob":
        """Create a job of data and tokenizer, which share one RayCluster.

        Args:
            client: client of the cluster, with all rights.
            name: name of the job.
            policy: policy of the job, as in YAML.
            namespace: where it is created.
            **sections: more sections of its spec, as in YAML.
        """
        body = full_pipeline_job(name)
        body["spec"] = {stage: body["spec"][stage] for stage in _SHORT_LINE} | sections
        body["spec"]["policy"] = policy or {}
        return cls(client, body, namespace=namespace)

    @property
    def body(self) -> Json:
        """The job as it stands."""
        return self._client.request("GET", self._path)

    @property
    def status(self) -> JobStatus:
        """Its status, as the operator reads it; the first one where none is written yet."""
        body = self.body
        return stored_status(body.get("status", {}), self.name, body["metadata"]["uid"])

    @property
    def ray_clusters(self) -> list[Json]:
        """Its RayClusters."""
        path = f"{self._clusters}?labelSelector=llmtrain.io/job={self.name}"
        items: list[Json] = self._client.request("GET", path)["items"]
        return items

    def wait_until(self, condition: Callable[[JobStatus], bool]) -> JobStatus:
        """Wait for a condition of the status; returns that status."""
        deadline = time.monotonic() + _WITHIN_SECONDS
        while not condition(status := self.status):
            assert time.monotonic() < deadline, status
            time.sleep(_LOOK_SECONDS)
        return status

    def wait_for_phase(self, phase: Phase) -> JobStatus:
        """Wait for a phase."""
        return self.wait_until(lambda status: status.phase is phase)

    def wait_for_stage(self, stage: Stage, state: StageState) -> JobStatus:
        """Wait for a stage's state."""
        return self.wait_until(lambda status: status.stage(stage).state is state)

    def set_policy(self, **policy: object) -> None:
        """Change some fields of the policy."""
        self.patch({"spec": {"policy": policy}})

    def patch(self, change: Json, *, part: str = "") -> None:
        """Change some of its fields.

        Args:
            change: a merge patch.
            part: `/status` for fields of the status.
        """
        self._client.request("PATCH", self._path + part, change, content=_MERGE)

    def delete(self, *, propagation: str = "Background") -> None:
        """Delete it, and wait until it has gone.

        Args:
            propagation: what becomes of what it owns: `Background`, `Foreground`, `Orphan`.
        """
        path = f"{self._path}?propagationPolicy={propagation}"
        self._client.request("DELETE", path)
        wait_until(lambda: not self.exists)

    @property
    def exists(self) -> bool:
        """Whether the API server has it."""
        try:
            self._client.request("GET", self._path)
        except ApiRefusal as refusal:
            if refusal.status != _NOT_FOUND:
                raise
            return False
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + _WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it has not come"
        time.sleep(_LOOK_SECONDS)


def objects(client: ApiClient) -> set[str]:
    """The path of every object in the namespace of a kind that a job makes.

    The claim of a workspace is not among them: it outlives the job, for the model lies in it.
    """
    return {
        f"{kind}/{item['metadata']['name']}"
        for kind in _KINDS
        for item in client.request("GET", kind)["items"]
    }


def wait_for_nothing_but(client: ApiClient, before: set[str]) -> None:
    """Wait until no object is there that was not there before.

    An older one may go meanwhile: KubeRay, from its cache, makes a Pod anew whose RayCluster is
    just deleted, and the garbage collector takes it some time later.
    """
    deadline = time.monotonic() + _WITHIN_SECONDS
    while left := objects(client) - before:
        assert time.monotonic() < deadline, left
        time.sleep(_LOOK_SECONDS)
