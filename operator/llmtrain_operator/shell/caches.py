"""What the watches have told: jobs, RayClusters and Pods, by the job that they belong to."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, TypeVar

from llmtrain_api import names
from llmtrain_operator.core.observed import ObjectMeta, ObservedCluster, ObservedPod
from llmtrain_operator.io.kubernetes_api import Listing
from llmtrain_operator.shell.work_queue import Key

Json = dict[str, Any]
_Child = TypeVar("_Child", ObservedCluster, ObservedPod)


@dataclass(frozen=True)
class ObservedJob:
    """An LLMTrainingJob as it was read."""

    metadata: ObjectMeta
    spec: Json
    status: Json


class Caches:
    """The newest that is known of everything that the operator works with.

    What comes late never replaces what is newer: the API server counts the versions of an object.
    """

    def __init__(self) -> None:
        self.jobs: dict[Key, ObservedJob] = {}
        self._clusters: dict[Key, dict[str, ObservedCluster]] = defaultdict(dict)
        self._pods: dict[Key, dict[str, ObservedPod]] = defaultdict(dict)
        self._gone: dict[Key, list[ObservedPod]] = defaultdict(list)

    def clusters(self, key: Key) -> tuple[ObservedCluster, ...]:
        """The RayClusters with a job's label."""
        return tuple(self._clusters.get(key, {}).values())

    def pods(self, key: Key) -> tuple[ObservedPod, ...]:
        """The Pods with a job's label."""
        return tuple(self._pods.get(key, {}).values())

    def gone_pods(self, key: Key) -> tuple[ObservedPod, ...]:
        """The Pods, as they were last seen, that were deleted while their RayCluster stood."""
        return tuple(self._gone.get(key, ()))

    def put_job(self, body: Json) -> Key:
        """Take a job in; returns its key."""
        meta = ObjectMeta.model_validate(body["metadata"])
        key = Key(meta.namespace, meta.name)
        known = self.jobs.get(key)
        if known is None or _is_newer(meta, known.metadata):
            self.jobs[key] = ObservedJob(meta, body.get("spec", {}), body.get("status", {}))
        return key

    def drop_job(self, body: Json) -> Key:
        """Take note that a job is gone; returns its key."""
        meta = ObjectMeta.model_validate(body["metadata"])
        key = Key(meta.namespace, meta.name)
        known = self.jobs.get(key)
        if known is not None and known.metadata.uid == meta.uid:
            del self.jobs[key]
        return key

    def put_cluster(self, body: Json) -> Key | None:
        """Take a RayCluster in; returns the key of its job, None where it has none."""
        return _put(self._clusters, ObservedCluster.model_validate(body))

    def drop_cluster(self, body: Json) -> Key | None:
        """Take note that a RayCluster is gone; returns the key of its job."""
        key = _drop(self._clusters, ObservedCluster.model_validate(body))
        self._forget_gone()
        return key

    def put_pod(self, body: Json) -> Key | None:
        """Take a Pod in; returns the key of its job, None where it has none."""
        return _put(self._pods, ObservedPod.model_validate(body))

    def drop_pod(self, body: Json) -> Key | None:
        """Take note that a Pod is gone; returns the key of its job."""
        pod = ObservedPod.model_validate(body)
        key = _drop(self._pods, pod)
        if key is not None and pod.cluster in self._clusters.get(key, {}):
            self._gone[key].append(pod)
        return key

    def sync_jobs(self, namespace: str | None, listing: Listing) -> set[Key]:
        """Take in a list of jobs; returns those of which the watch has not told."""
        before = {key: job.metadata for key, job in self.jobs.items() if _is_in(key, namespace)}
        listed = {self.put_job(body) for body in listing.items}
        gone = {key for key in before.keys() - listed if _was_there(before[key], listing)}
        for key in gone:
            del self.jobs[key]
        return gone | {key for key in listed if _version(before.get(key)) != self._version(key)}

    def _version(self, key: Key) -> str | None:
        return _version(self.jobs[key].metadata)

    def sync_clusters(self, namespace: str | None, listing: Listing) -> set[Key]:
        """Take in a list of RayClusters; returns the jobs of which the watch has not told all."""
        touched = _sync(self._clusters, namespace, listing, ObservedCluster)
        self._forget_gone()
        return touched

    def sync_pods(self, namespace: str | None, listing: Listing) -> set[Key]:
        """Take in a list of Pods; returns the jobs of which the watch has not told all."""
        return _sync(self._pods, namespace, listing, ObservedPod)

    def _forget_gone(self) -> None:
        """Forget the Pods whose RayCluster is gone too."""
        for key, pods in list(self._gone.items()):
            clusters = self._clusters.get(key, {})
            self._gone[key] = [pod for pod in pods if pod.cluster in clusters]
            if not self._gone[key]:
                del self._gone[key]


def _sync(
    store: dict[Key, dict[str, _Child]],
    namespace: str | None,
    listing: Listing,
    kind: type[_Child],
) -> set[Key]:
    listed, changed = set(), set()
    for child in (kind.model_validate(body) for body in listing.items):
        key = _job_key(child.metadata)
        if key is None:
            continue
        known = store[key].get(child.metadata.name)
        _put(store, child)
        listed.add((key, child.metadata.name))
        if _version(known.metadata if known else None) != child.metadata.resource_version:
            changed.add(key)
    for key in [key for key in store if _is_in(key, namespace)]:
        for name, child in list(store[key].items()):
            if (key, name) not in listed and _was_there(child.metadata, listing):
                del store[key][name]
                changed.add(key)
        if not store[key]:
            del store[key]
    return changed


def _version(meta: ObjectMeta | None) -> str | None:
    return meta.resource_version if meta else None


def _is_in(key: Key, namespace: str | None) -> bool:
    return namespace is None or key.namespace == namespace


def _was_there(meta: ObjectMeta, listing: Listing) -> bool:
    """Whether what is not in a list would be, were it still there."""
    return int(meta.resource_version) <= listing.version


def _put(store: dict[Key, dict[str, _Child]], child: _Child) -> Key | None:
    key = _job_key(child.metadata)
    if key is not None:
        known = store[key].get(child.metadata.name)
        if known is None or _is_newer(child.metadata, known.metadata):
            store[key][child.metadata.name] = child
    return key


def _drop(store: dict[Key, dict[str, _Child]], child: _Child) -> Key | None:
    key = _job_key(child.metadata)
    if key is not None:
        known = store[key].get(child.metadata.name)
        if known is not None and known.metadata.uid == child.metadata.uid:
            del store[key][child.metadata.name]
        if not store[key]:
            del store[key]
    return key


def _job_key(meta: ObjectMeta) -> Key | None:
    job = meta.labels.get(names.JOB_LABEL)
    return Key(meta.namespace, job) if job else None


def _is_newer(meta: ObjectMeta, known: ObjectMeta) -> bool:
    return int(meta.resource_version) >= int(known.resource_version)
