"""`llmtrain logs`, as a person calls it: of what runs, of what has ended, of what is gone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command_line import CommandLine
from support.limited_user import kubeconfig_of
from support.log_kubelet import LogKubelet
from support.nodeless_cluster import NodelessCluster
from support.nodeless_job import NodelessJob
from support.restricted_jobs import (
    DEFAULT,
    MERGE,
    delete_jobs,
    make_ended_job,
    make_job,
    pods_of,
    restricted_operator,
)

from llmtrain_api.exit_codes import Outcome
from llmtrain_api.stages import Stage
from llmtrain_api.status import StageState

_OUTCOME = Outcome(reason="Completed", message="").line() + "\n"
_IMAGE = "registry.example/trainer:1"
_ENDED = "ended"
_READER = f"{_ENDED}-log-"
_PLACE = "one/logs/tokenizer-0.log in the claim models"


@pytest.fixture(scope="module")
def ended(
    cluster: NodelessCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NodelessJob]:
    """A job that has succeeded, beside an operator."""
    claim = {"persistentVolumeClaim": {"claimName": "models", "subPath": "one"}}
    with restricted_operator(cluster, tmp_path_factory.mktemp("operator")):
        job = make_ended_job(cluster, _ENDED, image=_IMAGE, workspace=claim)
        yield job
        job.delete()


@pytest.fixture(autouse=True)
def _no_job_outlives_its_test(cluster: NodelessCluster, ended: NodelessJob) -> Iterator[None]:
    yield
    delete_jobs(cluster, but=ended.name)


@pytest.fixture
def printed(cluster: NodelessCluster, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What attempts have printed so far, by the end of their submission's id."""
    printed: dict[str, str] = {}
    answer = cluster.ray.answer

    def with_text(name: str, method: str, path: str, body: Any) -> tuple[Any, Any]:
        status, reply = answer(name, method, path, body)
        for attempt, text in printed.items():
            if path.endswith(f"{attempt}/logs") and "logs" in reply:
                reply = {"logs": text}
        return status, reply

    monkeypatch.setattr(cluster.ray, "answer", with_text)
    return printed


@pytest.fixture
def llmtrain(cluster: NodelessCluster, tmp_path: Path) -> CommandLine:
    return CommandLine(cluster.kubeconfig, tmp_path)


@pytest.fixture
def kubelet(cluster: NodelessCluster, tmp_path: Path) -> Iterator[LogKubelet]:
    folder = tmp_path / "kubelet"
    folder.mkdir()
    with LogKubelet(cluster.client, folder) as running:
        yield running


def test_before_the_first_attempt(cluster: NodelessCluster, llmtrain: CommandLine) -> None:
    with cluster.kubelet.idle():
        job = make_job(cluster, "early")
        job.wait_until(lambda status: status.cluster is not None)
        early = llmtrain.run("logs", "early")
        assert early.code == 2
        assert "early: no stage has started yet" in early.err
        other = llmtrain.run("logs", "early", "--stage", "export")
        assert (other.code, other.err) == (2, "early has no stage export\n")


def test_follow_goes_from_attempt_to_attempt(
    cluster: NodelessCluster, llmtrain: CommandLine, printed: dict[str, str]
) -> None:
    held = ("data-0", "data-1", "tokenizer-0")
    cluster.ray.endless = held
    make_job(cluster, "followed")
    printed["data-0"] = "a long line that data-0 begins with\n"
    expected = ""
    with llmtrain.running("logs", "followed", "--follow") as following:
        for number, attempt in enumerate(held):
            for more in ("it starts\n", "it goes on\n", _OUTCOME):
                said = more if more is _OUTCOME else f"{attempt}: {more}"
                printed[attempt] = printed.get(attempt, "") + said
                expected += printed[attempt] if attempt not in expected else said
                following.wait_until(lambda: following.out == expected)  # noqa: B023 - called here
            cluster.ray.failing = ("data-0",)
            cluster.ray.endless = held[number + 1 :]
        ended = following.wait()
    assert (ended.code, ended.out) == (0, expected)
    for words in ("--- data, attempt 0", "is tried again", "--- data, attempt 1", "is Succeeded"):
        assert words in ended.err, ended.err
    assert "may be missing" not in ended.err


def test_follow_says_what_it_did_not_see(
    cluster: NodelessCluster, llmtrain: CommandLine, printed: dict[str, str]
) -> None:
    cluster.ray.endless = ("data-0",)
    printed["data-0"] = "it starts\n"
    job = make_job(cluster, "unseen")
    with llmtrain.running("logs", "unseen", "--follow") as following:
        following.wait_until(lambda: following.out == "it starts\n")
        job.set_policy(suspend=True)
        ended = following.wait()
    assert (ended.code, ended.out) == (0, "it starts\n")
    assert "`llmtrain logs unseen -n default --stage data --attempt 0` reads all" in ended.err
    assert "unseen is Suspended: policy.suspend is set" in ended.err


def test_one_attempt(
    cluster: NodelessCluster, llmtrain: CommandLine, printed: dict[str, str]
) -> None:
    cluster.ray.endless = ("tokenizer-0",)
    printed |= {"data-0": "of data\n", "tokenizer-0": "of tokenizer\n"}
    make_job(cluster, "chosen").wait_for_stage(Stage.TOKENIZER, StageState.RUNNING)
    assert llmtrain.run("logs", "chosen").out == "of tokenizer\n"
    assert llmtrain.run("logs", "chosen", "--stage", "data").out == "of data\n"
    followed = llmtrain.run("logs", "chosen", "--stage", "data", "--follow")
    assert (followed.code, followed.out) == (0, "of data\n")
    none = llmtrain.run("logs", "chosen", "--stage", "data", "--attempt", "7")
    assert none.code == 2
    assert "data has had no attempt 7; the newest is tokenizer, attempt 0" in none.err


@pytest.mark.parametrize("options", [(), ("--follow",)])
def test_after_the_end_a_restricted_pod_reads_the_workspace(
    cluster: NodelessCluster,
    ended: NodelessJob,
    llmtrain: CommandLine,
    kubelet: LogKubelet,
    options: tuple[str, ...],
) -> None:
    kubelet.printed = b"\x80 loss 2.5\nthe end\n"  # its first character is cut off
    with llmtrain.running("logs", _ENDED, *options) as reading:
        reading.wait_until(lambda: bool(pods_of(cluster, _READER)))
        (pod,) = pods_of(cluster, _READER)
        kubelet.run_to_the_end(pod)
        read = reading.wait()
    assert (read.code, read.out) == (0, "\ufffd loss 2.5\nthe end\n")
    assert f"A Pod reads {_PLACE}." in read.err
    assert not pods_of(cluster, _READER), "it is gone again"
    (owner,) = pod["metadata"]["ownerReferences"]
    assert owner["uid"] == ended.body["metadata"]["uid"]
    assert pod["spec"]["containers"][0]["image"] == _IMAGE


def test_a_log_that_is_not_there(
    cluster: NodelessCluster, llmtrain: CommandLine, kubelet: LogKubelet
) -> None:
    kubelet.printed = b"tail: cannot open it: No such file or directory\n"
    with llmtrain.running("logs", _ENDED) as reading:
        reading.wait_until(lambda: bool(pods_of(cluster, _READER)))
        kubelet.run_to_the_end(pods_of(cluster, _READER)[0], phase="Failed")
        read = reading.wait()
    assert (read.code, read.out) == (1, "")
    assert f"No such file or directory\nThe log is {_PLACE}." in read.err


def test_ctrl_c_leaves_no_pod(cluster: NodelessCluster, llmtrain: CommandLine) -> None:
    with llmtrain.running("logs", _ENDED) as reading:
        reading.wait_until(lambda: bool(pods_of(cluster, _READER)))
        reading.interrupt()
        assert reading.wait().code == 130
    assert not pods_of(cluster, _READER)


def test_who_may_make_no_pods_hears_where_the_log_lies(
    cluster: NodelessCluster, tmp_path: Path
) -> None:
    rules = [{"apiGroups": ["llmtrain.io", "ray.io"], "resources": ["*"], "verbs": ["get"]}]
    like = cluster.kubeconfig
    kubeconfig = kubeconfig_of(cluster.client, "reader", rules, like=like, folder=tmp_path)
    refused = CommandLine(kubeconfig, tmp_path).run("logs", _ENDED)
    assert (refused.code, refused.out) == (1, "")
    assert "cannot create resource" in refused.err
    assert f"The log is {_PLACE}." in refused.err


def test_where_no_image_is_known(cluster: NodelessCluster, llmtrain: CommandLine) -> None:
    make_ended_job(cluster, "imageless")
    unknown = llmtrain.run("logs", "imageless")
    assert (unknown.code, unknown.out) == (1, "")
    assert "no image is known" in unknown.err
    assert "The log is logs/tokenizer-0.log in the claim imageless-workspace." in unknown.err


def test_a_neighbour_s_image_that_cannot_be_pulled(
    cluster: NodelessCluster, llmtrain: CommandLine
) -> None:
    make_ended_job(cluster, "pulling")
    cluster.ray.endless = ("data-0",)
    make_job(cluster, "neighbour", image=_IMAGE).wait_for_stage(Stage.DATA, StageState.RUNNING)
    with cluster.kubelet.idle(), llmtrain.running("logs", "pulling") as reading:
        reading.wait_until(lambda: bool(pods_of(cluster, "pulling-log-")))
        (pod,) = pods_of(cluster, "pulling-log-")
        waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
        container = {
            "name": "reader",
            "image": _IMAGE,
            "imageID": "",
            "ready": False,
            "restartCount": 0,
        }
        status = {"containerStatuses": [{**container, "state": {"waiting": waiting}}]}
        path = f"{DEFAULT}/pods/{pod['metadata']['name']}/status"
        cluster.client.request("PATCH", path, {"status": status}, content=MERGE)
        read = reading.wait()
    assert pod["spec"]["containers"][0]["image"] == _IMAGE
    assert read.code == 1
    assert "the Pod cannot start: ImagePullBackOff: Back-off pulling image" in read.err
    assert not pods_of(cluster, "pulling-log-")
