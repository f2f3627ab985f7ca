"""Executes decisions on a Kubernetes cluster. Every action may be repeated."""

from dataclasses import dataclass

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.status import JobStatus
from llmtrain_api.upgrade.run_config import run_config_for
from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_clients.kubernetes_errors import as_expected
from llmtrain_clients.ray_connector import Head, RayConnector
from llmtrain_lifecycle.builders.labels import Json
from llmtrain_lifecycle.builders.network_policy import network_policy
from llmtrain_lifecycle.builders.ray_cluster import ray_cluster
from llmtrain_lifecycle.builders.workspace import (
    claim_name,
    is_workspace_of,
    workspace_claim,
)
from llmtrain_lifecycle.decision import (
    Action,
    DeleteCluster,
    DeleteJob,
    EnsureCluster,
    Stop,
    Submit,
)
from llmtrain_lifecycle.observed import ObservedCluster
from llmtrain_lifecycle.settings import PodSettings
from llmtrain_operator.informer.caches import Caches
from llmtrain_operator.informer.work_queue import Key

_ENTRYPOINT = "exec python -P -m llmtrain_trainer"


@dataclass(frozen=True)
class Target:
    """The job of a reconcile, with its objects."""

    key: Key
    uid: str
    job: LLMTrainingJob
    status: JobStatus
    clusters: tuple[ObservedCluster, ...]

    def cluster(self, name: str) -> ObservedCluster | None:
        """The RayCluster with a name."""
        return next((c for c in self.clusters if c.metadata.name == name), None)


class NameTakenError(Exception):
    """A foreign object has the name of one of the job's objects.

    Attributes:
        reason: CamelCase, for programs.
    """

    reason = "NameTaken"


class ClaimTakenError(NameTakenError):
    """A foreign claim has the name of the job's workspace."""

    reason = "ClaimTaken"


class Executor:
    """Executes actions.

    Args:
        api: client of Kubernetes.
        ray: connector to Ray's heads.
        caches: caches, updated with what is created.
        pods: the operator's settings for Pods.
    """

    def __init__(
        self, api: KubernetesApi, ray: RayConnector, caches: Caches, pods: PodSettings
    ) -> None:
        self._api, self._ray, self._caches, self._pods = api, ray, caches, pods

    async def carry_out(self, target: Target, action: Action) -> None:
        """Execute one action.

        Raises:
            KubernetesError: the API server refused, or cannot be reached.
            RayJobsError: Ray refused, or cannot be reached.
            UnreachableError: the head's token does not exist yet.
            NameTakenError: a foreign object has the name of the job's RayCluster or workspace.
            TrainerTooOldError: the Ray cluster's trainer does not know what the job asks for.
        """
        match action:
            case EnsureCluster():
                await self._ensure_cluster(target)
            case DeleteCluster(name):
                await self._delete_cluster(target, name)
            case DeleteJob():
                await self._api.delete(paths.jobs(*target.key), uid=target.uid)
            case Submit(submission_id, run_config):
                head = await self.current_head(target)
                assert head is not None, "the snapshot said that the cluster is ready"
                given = target.status.cluster
                assert given is not None, "an attempt is recorded for a cluster"
                written = run_config_for(run_config, given.trainer_version)
                await head.jobs.submit(submission_id, _ENTRYPOINT, written, {})
            case Stop(submission_id):
                head = await self.current_head(target)
                if head is not None:
                    await head.jobs.stop(submission_id)

    async def current_head(self, target: Target) -> Head | None:
        """The head of the job's Ray cluster; None if the cluster is gone.

        Raises:
            KubernetesError: the API server refused, or cannot be reached.
            UnreachableError: the head's token is not there yet.
        """
        given = target.status.cluster
        cluster = target.cluster(given.name) if given else None
        if cluster is None:
            return None
        meta = cluster.metadata
        return await self._ray.head(meta.namespace, meta.name, meta.uid)

    async def _ensure_cluster(self, target: Target) -> None:
        namespace = target.key.namespace
        await self._ensure_workspace(target)
        if self._pods.network is not None:
            policy = network_policy(target.job, target.uid, self._pods.network)
            await self._ensure_policy(namespace, policy)
        assert target.status.cluster is not None, "it is written before it is made"
        body = ray_cluster(target.job, target.uid, target.status.cluster, self._pods)
        made = await self._api.ensure(paths.ray_clusters(namespace), body)
        with as_expected("the RayCluster"):
            owners = made["metadata"].get("ownerReferences", ())
            is_ours = target.uid in {owner["uid"] for owner in owners}
        if not is_ours:
            name = target.status.cluster.name
            raise NameTakenError(
                f"a RayCluster {name} is there that is not this job's; "
                "delete or rename one of the two"
            )
        # Events of its Pods may come first: they would look like the rest of a deleted cluster.
        with as_expected("the RayCluster"):
            self._caches.put_cluster(made)

    async def _ensure_policy(self, namespace: str, policy: Json) -> None:
        """Create a NetworkPolicy if it is missing; a used-up quota refuses even an existing one."""
        if await self._api.get(paths.network_policies(namespace, policy["metadata"]["name"])):
            return
        await self._api.create(paths.network_policies(namespace), policy)

    async def _ensure_workspace(self, target: Target) -> None:
        """Create the claim of the job's workspace, or find the one of an earlier job."""
        claim = workspace_claim(target.job)
        if claim is None:
            return
        path = paths.claims(target.key.namespace, claim_name(target.job))
        found = await self._api.get(path)
        if found is None and not await self._api.create(paths.claims(target.key.namespace), claim):
            found = await self._api.get(path)  # it was created in between
        if found and not is_workspace_of(target.job, found["metadata"].get("labels", {})):
            raise ClaimTakenError(
                f"a claim {claim_name(target.job)} is there that was not made for this job; "
                "name it in workspace.persistentVolumeClaim.claimName where the job is to use it, "
                "or give the job another name"
            )

    async def _delete_cluster(self, target: Target, name: str) -> None:
        cluster = target.cluster(name)
        if cluster is None:
            return
        uid = cluster.metadata.uid
        await self._api.delete(paths.ray_clusters(target.key.namespace, name), uid=uid)
        self._ray.forget(uid)
