"""Caches of watched jobs, RayClusters and Pods, by the job that they belong to."""

import json
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from llmtrain_clients.kubernetes_api import Json, Listing
from llmtrain_lifecycle.money.paid_pods import GonePod
from llmtrain_lifecycle.observed import ObjectMeta, ObservedCluster, ObservedPod
from llmtrain_operator.informer.store import Store, Tombstones, is_newer
from llmtrain_operator.informer.work_queue import Key

_REMEMBERED_LOSSES = 2_000
"""Most deleted Pods to remember for a job, whose Pods may come and go for hours."""


@dataclass(frozen=True)
class ObservedJob:
    """An LLMTrainingJob from the API server.

    Spec and status are kept as text, which takes a quarter of the memory: thousands of jobs may
    have ended.
    """

    metadata: ObjectMeta
    _spec: bytes
    _status: bytes

    @classmethod
    def of(cls, metadata: ObjectMeta, body: Json) -> Self:
        """Make it from an answer of the API server."""
        texts = (json.dumps(body.get(part, {})).encode() for part in ("spec", "status"))
        return cls(metadata, *texts)

    @property
    def spec(self) -> Json:
        """The job's spec, parsed at each call."""
        spec: Json = json.loads(self._spec)
        return spec

    @property
    def status(self) -> Json:
        """The job's status, parsed at each call; empty if nobody has written one."""
        status: Json = json.loads(self._status)
        return status

    @property
    def has_status(self) -> bool:
        """Whether somebody has written a status."""
        return self._status != b"{}"


class Caches:
    """The newest known version of every object that the operator uses."""

    def __init__(self) -> None:
        self.jobs: dict[Key, ObservedJob] = {}
        self._clusters = Store(ObservedCluster)
        self._pods = Store(ObservedPod)
        self._ended_jobs = Tombstones()
        self._gone: dict[Key, deque[ObservedPod]] = defaultdict(_losses)
        self._paid: dict[Key, dict[str, GonePod]] = defaultdict(dict)

    def clusters(self, key: Key) -> tuple[ObservedCluster, ...]:
        """The RayClusters with a job's label, by name."""
        return tuple(self._clusters.of(key).values())

    def pods(self, key: Key) -> tuple[ObservedPod, ...]:
        """The Pods with a job's label, by name."""
        return tuple(self._pods.of(key).values())

    def gone_pods(self, key: Key) -> tuple[ObservedPod, ...]:
        """The last versions of Pods that were deleted while their RayCluster existed."""
        return tuple(self._gone.get(key, ()))

    def paid_pods(self, key: Key) -> tuple[GonePod, ...]:
        """Deleted Pods of a job that had a node and are not in the stored bill yet."""
        return tuple(self._paid.get(key, {}).values())

    def settle(self, key: Key, uids: Iterable[str]) -> None:
        """Forget Pods whose cost is in the stored bill."""
        for uid in uids:
            self._paid.get(key, {}).pop(uid, None)

    def put_job(self, body: Json) -> Key:
        """Store a job; returns its key."""
        meta = ObjectMeta.model_validate(body["metadata"])
        key = Key(meta.namespace, meta.name)
        known = self.jobs.get(key)
        if meta.uid in self._ended_jobs:
            return key  # a late event
        if known is None or is_newer(meta, known.metadata):
            self.jobs[key] = ObservedJob.of(meta, body)
        return key

    def drop_job(self, body: Json) -> Key:
        """Remove a deleted job; returns its key."""
        meta = ObjectMeta.model_validate(body["metadata"])
        key = Key(meta.namespace, meta.name)
        known = self.jobs.get(key)
        self._ended_jobs.add(meta.uid)
        if known is not None and known.metadata.uid == meta.uid:
            self._forget_job(key)
        return key

    def put_cluster(self, body: Json) -> Key | None:
        """Store a RayCluster; returns the key of its job, None if it has no job."""
        return self._clusters.put(body)

    def drop_cluster(self, body: Json) -> Key | None:
        """Remove a deleted RayCluster; returns the key of its job."""
        key, _ = self._clusters.drop(body)
        self._forget_gone()
        return key

    def put_pod(self, body: Json) -> Key | None:
        """Store a Pod; returns the key of its job, None if it has no job."""
        return self._pods.put(body)

    def drop_pod(self, body: Json) -> Key | None:
        """Remove a deleted Pod; returns the key of its job."""
        key, pod = self._pods.drop(body)
        if key is not None and pod is not None:
            self._remember_loss(key, pod)
            if key in self.jobs and pod.scheduled:
                self._paid[key][pod.metadata.uid] = GonePod(pod, datetime.now(UTC))
        return key

    def sync_jobs(self, namespace: str | None, listing: Listing) -> set[Key]:
        """Store a list of jobs; returns the jobs with changes."""
        before = {
            key: int(job.metadata.resource_version)
            for key, job in self.jobs.items()
            if namespace in {None, key.namespace}
        }
        listed = {self.put_job(body) for body in listing.items}
        gone = {key for key in before.keys() - listed if before[key] <= listing.version}
        for key in gone:
            self._ended_jobs.add(self.jobs[key].metadata.uid)
            self._forget_job(key)
        known = listed & self.jobs.keys()
        now = {key: int(self.jobs[key].metadata.resource_version) for key in known}
        return gone | {key for key in known if before.get(key) != now[key]}

    def sync_clusters(self, namespace: str | None, listing: Listing) -> set[Key]:
        """Store a list of RayClusters; returns the jobs with changes."""
        changed, _ = self._clusters.sync(namespace, listing)
        self._forget_gone()
        return changed

    def sync_pods(self, namespace: str | None, listing: Listing) -> set[Key]:
        """Store a list of Pods; returns the jobs with changes.

        The bill estimates when Pods ended that are missing from the list.
        """
        changed, gone = self._pods.sync(namespace, listing)
        for pod in gone:
            self._remember_loss(Key(pod.metadata.namespace, pod.job), pod)
        return changed

    def _forget_job(self, key: Key) -> None:
        del self.jobs[key]
        self._paid.pop(key, None)

    def _remember_loss(self, key: Key, pod: ObservedPod) -> None:
        if pod.cluster in self._clusters.of(key):
            self._gone[key].append(pod)

    def _forget_gone(self) -> None:
        """Forget deleted Pods whose RayCluster is gone too."""
        for key, pods in list(self._gone.items()):
            clusters = self._clusters.of(key)
            self._gone[key] = _losses(pod for pod in pods if pod.cluster in clusters)
            if not self._gone[key]:
                del self._gone[key]


def _losses(pods: Iterable[ObservedPod] = ()) -> deque[ObservedPod]:
    return deque(pods, maxlen=_REMEMBERED_LOSSES)
