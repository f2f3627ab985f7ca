"""One program drives a job on this machine and on a cluster through `llmtrain.Client`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.local_run import small_spec, write_corpus
from support.nodeless_cluster import NodelessCluster
from support.restricted_jobs import delete_jobs, restricted_operator

from llmtrain import Client, JobExistsError, JobNotFoundError, JobStateError, LLMTrainingJob
from llmtrain_api.manifest import parse_job

_PLACES = ("local", "cluster")
_WITHIN_SECONDS = 120


@pytest.fixture(scope="module", autouse=True)
def _operator(cluster: NodelessCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with restricted_operator(cluster, tmp_path_factory.mktemp("operator")):
        yield
        delete_jobs(cluster)


@pytest.fixture(params=_PLACES)
def client(
    request: pytest.FixtureRequest, cluster: NodelessCluster, tmp_path: Path
) -> Iterator[Client]:
    if request.param == "cluster":
        made = Client.cluster(kubeconfig=cluster.kubeconfig)
    else:
        write_corpus(tmp_path)
        made = Client.local(tmp_path / "runs", inputs=tmp_path)
    with made:
        yield made


def _job(name: str) -> LLMTrainingJob:
    spec = {key: small_spec()[key] for key in ("compute", "data", "tokenizer")}
    kind = {"apiVersion": "llmtrain.io/v1alpha1", "kind": "LLMTrainingJob"}
    return parse_job(kind | {"metadata": {"name": name}, "spec": spec})


def test_a_job_from_its_creation_to_its_end(client: Client) -> None:
    manifest = _job("programmed")
    made = client.create(manifest)
    assert made.manifest.spec == manifest.spec
    with pytest.raises(JobExistsError, match=r"programmed is in .* already"):
        client.create(manifest)
    assert [job.name for job in client.list()] == ["programmed"]

    ended = client.wait("programmed", timeout_seconds=_WITHIN_SECONDS)
    assert [(stage.name, stage.state) for stage in ended.status.stages] == [
        ("data", "Succeeded"),
        ("tokenizer", "Succeeded"),
    ]
    with pytest.raises(JobStateError, match="programmed is Succeeded, not Failed: all stages"):
        client.wait("programmed", "Failed")

    client.delete("programmed")
    assert client.list() == []
    for ask in (client.get, client.delete, client.suspend, client.resume, client.cost, client.wait):
        with pytest.raises(JobNotFoundError, match="there is no job programmed in "):
            ask("programmed")
