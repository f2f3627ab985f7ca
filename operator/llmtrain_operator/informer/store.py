"""The newest known versions of jobs' objects of one kind."""

from collections import OrderedDict, defaultdict
from typing import Generic, TypeVar

from llmtrain_api import names
from llmtrain_clients.kubernetes_api import Json, Listing
from llmtrain_lifecycle.observed import ObjectMeta, ObservedCluster, ObservedPod
from llmtrain_operator.informer.work_queue import Key

_Child = TypeVar("_Child", ObservedCluster, ObservedPod)
_REMEMBERED_ENDS = 10_000


class Tombstones:
    """The UIDs of recently deleted objects."""

    def __init__(self) -> None:
        self._uids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, uid: str) -> bool:
        return uid in self._uids

    def add(self, uid: str) -> None:
        """Remember a deletion."""
        self._uids[uid] = None
        if len(self._uids) > _REMEMBERED_ENDS:
            self._uids.popitem(last=False)


class Store(Generic[_Child]):
    """Objects by the job in their label.

    A late event never replaces a newer version: the API server counts the versions of an object.
    Nor does it bring a deleted object back, which is known by its UID.

    Args:
        kind: model of the objects.
    """

    def __init__(self, kind: type[_Child]) -> None:
        self._kind: type[_Child] = kind
        self._known: dict[Key, dict[str, _Child]] = defaultdict(dict)
        self._gone = Tombstones()

    def of(self, key: Key) -> dict[str, _Child]:
        """The objects of a job, by name."""
        return self._known.get(key, {})

    def put(self, body: Json) -> Key | None:
        """Store an object; returns the key of its job, None if it has no job."""
        return self._put(self._kind.model_validate(body))

    def drop(self, body: Json) -> tuple[Key | None, _Child | None]:
        """Remove a deleted object.

        Returns:
            The key of its job, and the object's last version; None if it was removed before.
        """
        child = self._kind.model_validate(body)
        key, known = _job_key(child.metadata), child.metadata.uid in self._gone
        if key is not None:
            self._forget(key, child.metadata)
        return key, None if known else child

    def sync(self, namespace: str | None, listing: Listing) -> tuple[set[Key], list[_Child]]:
        """Store a list of objects.

        Returns:
            The jobs with changes, and the objects that are missing from the list.
        """
        listed, changed, gone = set(), set(), []
        for child in (self._kind.model_validate(body) for body in listing.items):
            key = _job_key(child.metadata)
            if key is None:
                continue
            known = self.of(key).get(child.metadata.name)
            self._put(child)
            listed.add((key, child.metadata.name))
            if known is None or known.metadata.resource_version != child.metadata.resource_version:
                changed.add(key)
        for key in [key for key in self._known if namespace in {None, key.namespace}]:
            for name, child in list(self._known[key].items()):
                was_there = int(child.metadata.resource_version) <= listing.version
                if (key, name) not in listed and was_there:
                    self._forget(key, child.metadata)
                    gone.append(child)
                    changed.add(key)
        return changed, gone

    def _put(self, child: _Child) -> Key | None:
        meta = child.metadata
        key = _job_key(meta)
        if key is not None and meta.uid not in self._gone:
            known = self.of(key).get(meta.name)
            if known is None or is_newer(meta, known.metadata):
                self._known[key][meta.name] = child
        return key

    def _forget(self, key: Key, meta: ObjectMeta) -> None:
        self._gone.add(meta.uid)
        known = self.of(key).get(meta.name)
        if known is not None and known.metadata.uid == meta.uid:
            del self._known[key][meta.name]
        if not self.of(key):
            self._known.pop(key, None)


def is_newer(meta: ObjectMeta, known: ObjectMeta) -> bool:
    """Whether an object is newer than the stored one; equal versions have equal content."""
    return int(meta.resource_version) > int(known.resource_version)


def _job_key(meta: ObjectMeta) -> Key | None:
    job = meta.labels.get(names.JOB_LABEL)
    return Key(meta.namespace, job) if job else None
