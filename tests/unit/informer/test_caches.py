"""What is late, doubled or missed changes nothing in the end."""

from typing import Any

from llmtrain_clients.kubernetes_api import Listing
from llmtrain_operator.informer.caches import Caches
from llmtrain_operator.informer.work_queue import Key

_KEY = Key("default", "line")


def body(
    name: str = "line", *, version: int = 1, uid: str = "first", **more: Any
) -> dict[str, Any]:
    labels = {"llmtrain.io/job": "line", "ray.io/cluster": "line-cpus-0"}
    metadata = {"name": name, "namespace": "default", "uid": uid, "labels": labels}
    return {"metadata": metadata | {"resourceVersion": str(version)}, **more}


def test_what_is_late_does_not_replace_what_is_newer() -> None:
    caches = Caches()
    caches.put_job(body(version=100, status={"phase": "Running"}))
    caches.put_job(body(version=99, status={"phase": "Pending"}))
    assert caches.jobs[_KEY].status == {"phase": "Running"}


def test_the_end_of_an_earlier_job_does_not_take_its_successor_away() -> None:
    caches = Caches()
    caches.put_job(body(version=100, uid="second"))
    caches.drop_job(body(version=99, uid="first"))
    assert caches.jobs[_KEY].metadata.uid == "second"
    caches.drop_job(body(version=101, uid="second"))
    assert caches.jobs == {}


def test_children_are_found_by_the_label_of_their_job() -> None:
    caches = Caches()
    assert caches.put_pod(body("a")) == _KEY
    assert caches.put_cluster(body("line-cpus-0")) == _KEY
    assert [pod.metadata.name for pod in caches.pods(_KEY)] == ["a"]
    caches.drop_pod(body("a", version=2))
    assert caches.pods(_KEY) == ()
    assert len(caches.clusters(_KEY)) == 1


def test_a_deleted_pod_is_remembered_as_long_as_its_cluster_stands() -> None:
    caches = Caches()
    caches.put_cluster(body("line-cpus-0"))
    caches.put_pod(body("a"))
    caches.drop_pod(body("a", version=2, status={"phase": "Failed"}))
    assert [pod.ended for pod in caches.gone_pods(_KEY)] == [True]
    caches.drop_cluster(body("line-cpus-0", version=3))
    assert caches.gone_pods(_KEY) == ()


def test_a_list_takes_away_what_was_missed_and_keeps_what_is_newer_than_it() -> None:
    caches = Caches()
    caches.put_pod(body("gone", version=10))
    caches.put_pod(body("kept", version=10))
    caches.put_pod(body("made-since", version=30))
    assert caches.sync_pods("default", Listing([body("kept", version=15)], 20)) == {_KEY}
    assert {pod.metadata.name for pod in caches.pods(_KEY)} == {"kept", "made-since"}


def test_a_deleted_object_does_not_come_back_with_a_late_event() -> None:
    caches = Caches()
    caches.put_pod(body("a", version=1))
    caches.drop_pod(body("a", version=2))
    caches.put_pod(body("a", version=1))
    assert caches.pods(_KEY) == ()
    caches.put_pod(body("a", version=3, uid="second"))
    assert len(caches.pods(_KEY)) == 1


def test_a_list_without_changes_affects_no_job() -> None:
    caches = Caches()
    caches.put_job(body(version=10))
    caches.put_pod(body("a", version=10))
    assert caches.sync_jobs(None, Listing([body(version=10)], 20)) == set()
    assert caches.sync_pods(None, Listing([body("a", version=10)], 20)) == set()
    assert caches.sync_jobs(None, Listing([body(version=11)], 20)) == {_KEY}
    assert caches.sync_pods(None, Listing([body("a", version=11)], 20)) == {_KEY}


def test_a_list_of_one_namespace_says_nothing_of_others() -> None:
    caches = Caches()
    caches.put_job(body(version=10))
    assert caches.sync_jobs("other", Listing([], 20)) == set()
    assert caches.sync_jobs("default", Listing([], 20)) == {_KEY}
    assert caches.jobs == {}


def test_a_deleted_job_does_not_come_back_with_a_late_event() -> None:
    caches = Caches()
    caches.put_job(body(version=1))
    caches.drop_job(body(version=2))
    caches.put_job(body(version=1))
    assert caches.jobs == {}


def _scheduled() -> dict[str, Any]:
    return {"conditions": [{"type": "PodScheduled", "status": "True"}]}


def test_a_pod_that_is_settled_is_remembered_no_more_and_never_paid_for_again() -> None:
    caches = Caches()
    caches.put_job(body())
    caches.put_pod(body("a", uid="a"))
    gone = body("a", uid="a", version=2, status=_scheduled())
    caches.drop_pod(gone)
    assert [each.pod.metadata.uid for each in caches.paid_pods(_KEY)] == ["a"]
    caches.settle(_KEY, ["a"])
    caches.drop_pod(gone)
    assert caches.paid_pods(_KEY) == ()


def test_what_became_of_a_pod_is_known_though_its_end_was_missed() -> None:
    caches = Caches()
    caches.put_cluster(body("line-cpus-0"))
    caches.put_pod(body("a", version=10, status={"phase": "Failed"}))
    caches.sync_pods("default", Listing([], 20))
    assert [pod.metadata.name for pod in caches.gone_pods(_KEY)] == ["a"]
