"""What the watches have told: jobs, RayClusters and Pods, by the job that they belong to."""

import json
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from llmtrain_clients.kubernetes_api import Listing
from llmtrain_lifecycle.money.paid_pods import GonePod
from llmtrain_lifecycle.observed import ObjectMeta, ObservedCluster, ObservedPod
from llmtrain_operator.informer.store import Store, Tombstones, is_newer
from llmtrain_operator.informer.work_queue import Key

Json = dict[str, Any]
_REMEMBERED_LOSSES = 2_000
"""Most deleted Pods that are remembered for a job; Pods may come and go for hours."""


@dataclass(frozen=True)
class ObservedJob:
    """An LLMTrainingJob as it was read.

    There may be thousands at rest: as text they take a quarter of what they take as objects.
    """

    metadata: ObjectMeta
    _spec: bytes
    _status: bytes

    @classmethod
    def of(cls, metadata: ObjectMeta, body: Json) -> Self:
        """From the API server's answer, whose metadata has been read."""
        texts = (json.dumps(body.get(part, {})).encode() for part in ("spec", "status"))
        return cls(metadata, *texts)

    @property
    def spec(self) -> Json:
        """Its spec, read anew at each call."""
        spec: Json = json.loads(self._spec)
        return spec

    @property
    def status(self) -> Json:
        """Its status, read anew at each call; empty where nobody has written one."""
        status: Json = json.loads(self._status)
        return status

    @property
    def has_status(self) -> bool:
        """Whether somebody has written one."""
        return self._status != b"{}"


class Caches:
    """The newest that is known of everything that the operator works with."""

    def __init__(self) -> None:
        self.jobs: dict[Key, ObservedJob] = {}
        self._clusters = Store(ObservedCluster)
        self._pods = Store(ObservedPod)
        self._ended_jobs = Tombstones()
        self._gone: dict[Key, deque[ObservedPod]] = defaultdict(_losses)
        self._paid: dict[Key, dict[str, GonePod]] = defaultdict(dict)

    def clusters(self, key: Key) -> tuple[ObservedCluster, ...]:
        """The RayClusters with a job's label."""
        return tuple(self._clusters.of(key).values())

    def pods(self, key: Key) -> tuple[ObservedPod, ...]:
        """The Pods with a job's label."""
        return tuple(self._pods.of(key).values())

    def gone_pods(self, key: Key) -> tuple[ObservedPod, ...]:
        """The Pods, as they were last seen, that were deleted while their RayCluster stood."""
        return tuple(self._gone.get(key, ()))

    def paid_pods(self, key: Key) -> tuple[GonePod, ...]:
        """The Pods of a job that had a node and are gone, until they are settled."""
        return tuple(self._paid.get(key, {}).values())

    def settle(self, key: Key, uids: Iterable[str]) -> None:
        """The written bill holds what these Pods have cost; nobody has to remember them."""
        for uid in uids:
            self._paid.get(key, {}).pop(uid, None)

    def put_job(self, body: Json) -> Key:
        """Take a job in; returns its key."""
        meta = ObjectMeta.model_validate(body["metadata"])
        key = Key(meta.namespace, meta.name)
        known = self.jobs.get(key)
        if meta.uid in self._ended_jobs:
            return key  # late news of it
        if known is None or is_newer(meta, known.metadata):
            self.jobs[key] = ObservedJob.of(meta, body)
        return key

    def drop_job(self, body: Json) -> Key:
        """Take note that a job is gone; returns its key."""
        meta = ObjectMeta.model_validate(body["metadata"])
        key = Key(meta.namespace, meta.name)
        known = self.jobs.get(key)
        self._ended_jobs.add(meta.uid)
        if known is not None and known.metadata.uid == meta.uid:
            self._forget_job(key)
        return key

    def put_cluster(self, body: Json) -> Key | None:
        """Take a RayCluster in; returns the key of its job, None where it has none."""
        return self._clusters.put(body)

    def drop_cluster(self, body: Json) -> Key | None:
        """Take note that a RayCluster is gone; returns the key of its job."""
        key, _ = self._clusters.drop(body)
        self._forget_gone()
        return key

    def put_pod(self, body: Json) -> Key | None:
        """Take a Pod in; returns the key of its job, None where it has none."""
        return self._pods.put(body)

    def drop_pod(self, body: Json) -> Key | None:
        """Take note that a Pod is gone; returns the key of its job."""
        key, pod = self._pods.drop(body)
        if key is not None and pod is not None:
            self._remember_loss(key, pod)
            if key in self.jobs and pod.scheduled:
                self._paid[key][pod.metadata.uid] = GonePod(pod, datetime.now(UTC))
        return key

    def sync_jobs(self, namespace: str | None, listing: Listing) -> set[Key]:
        """Take in a list of jobs; returns those of which it tells what was not known."""
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
        """Take in a list of RayClusters; returns the jobs of which it tells what was not known."""
        changed, _ = self._clusters.sync(namespace, listing)
        self._forget_gone()
        return changed

    def sync_pods(self, namespace: str | None, listing: Listing) -> set[Key]:
        """Take in a list of Pods; returns the jobs of which it tells what was not known.

        When those that it lacks did go, nobody saw: the bill estimates that.
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
        """Forget the Pods whose RayCluster is gone too."""
        for key, pods in list(self._gone.items()):
            clusters = self._clusters.of(key)
            self._gone[key] = _losses(pod for pod in pods if pod.cluster in clusters)
            if not self._gone[key]:
                del self._gone[key]


def _losses(pods: Iterable[ObservedPod] = ()) -> deque[ObservedPod]:
    return deque(pods, maxlen=_REMEMBERED_LOSSES)
