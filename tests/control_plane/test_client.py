"""One program drives a job on this machine and on a cluster through `llmtrain.Client`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from support.local_run import small_spec, write_corpus
from support.nodeless_cluster import NodelessCluster
from support.repository import ROOT
from support.restricted_jobs import delete_jobs, restricted_operator

from llmtrain import (
    Client,
    ClusterError,
    JobExistsError,
    JobNotFoundError,
    JobStateError,
    LLMTrainingJob,
    ManifestError,
    Phase,
    Stage,
    WaitTimeoutError,
    load_manifest,
)
from llmtrain_api.spec.tokenizer import Tokenizer

_WITHIN_SECONDS = 120
_USD_PER_HOUR = 3600.0
"""A dollar a second: even a stage of a second costs more than the cent that bills round to."""


@dataclass
class _Place:
    """Where the program's jobs run."""

    client: Client
    folder: Path
    cluster: NodelessCluster | None

    def let_go(self) -> None:
        """On a cluster without nodes, let stages end; on this machine they do by themselves."""
        if self.cluster is not None:
            self.cluster.ray.endless = ()


@pytest.fixture(scope="module", autouse=True)
def _operator(cluster: NodelessCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with restricted_operator(cluster, tmp_path_factory.mktemp("operator")):
        yield
        delete_jobs(cluster)


@pytest.fixture(params=["local", "cluster"])
def place(
    request: pytest.FixtureRequest,
    cluster: NodelessCluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[_Place]:
    write_corpus(tmp_path)
    monkeypatch.chdir(tmp_path)
    if request.param == "cluster":
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
        cluster.ray.endless = ("data-0", "data-1")
        with Client.cluster() as client:
            yield _Place(client, tmp_path, cluster)
        delete_jobs(cluster)
    else:
        with Client.local(price_per_hour=_USD_PER_HOUR) as client:
            yield _Place(client, tmp_path, None)


def _manifest(folder: Path, name: str) -> LLMTrainingJob:
    spec = {key: small_spec()[key] for key in ("compute", "data", "tokenizer")}
    kind = {"apiVersion": "llmtrain.io/v1alpha1", "kind": "LLMTrainingJob"}
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(kind | {"metadata": {"name": name}, "spec": spec}))
    return load_manifest(path)


def test_a_job_from_its_creation_to_its_end(place: _Place) -> None:
    client, manifest = place.client, _manifest(place.folder, "programmed")
    assert client.list() == []
    made = client.create(manifest)
    assert (made.manifest.spec, made.name) == (manifest.spec, "programmed")
    with pytest.raises(JobExistsError, match=r"programmed is in .* already"):
        client.create(manifest)
    assert [(job.name, job.uid) for job in client.list()] == [("programmed", made.uid)]

    client.wait("programmed", "Running", timeout_seconds=_WITHIN_SECONDS)
    client.suspend("programmed")
    suspended = client.wait("programmed", Phase.SUSPENDED, timeout_seconds=_WITHIN_SECONDS)
    assert suspended.status.stage(Stage.DATA).state == "Pending"
    with pytest.raises(JobStateError, match="programmed is Suspended, not Succeeded: "):
        client.wait("programmed")

    client.resume("programmed")
    client.wait("programmed", "Running", timeout_seconds=_WITHIN_SECONDS)
    with pytest.raises(JobStateError, match="programmed is not suspended"):
        client.resume("programmed")
    text = ""
    for part in client.logs("programmed", follow=True):
        place.let_go()
        text += part
    assert "llmtrain-outcome" in text

    ended = client.wait("programmed", timeout_seconds=_WITHIN_SECONDS)
    assert [(stage.name, stage.state, stage.run.next_attempt) for stage in ended.status.stages] == [
        ("data", "Succeeded", 2),
        ("tokenizer", "Succeeded", 1),
    ]
    cost = client.cost("programmed")
    assert cost == ended.status.cost
    assert cost is None or cost.spent_usd > Decimal(0)
    assert cost is not None or place.cluster is not None
    _require_end(client)


def _require_end(client: Client) -> None:
    """An ended job does nothing more, and is gone once it is deleted."""
    with pytest.raises(JobStateError, match="programmed is Succeeded, not Failed: all stages"):
        client.wait("programmed", "Failed")
    for change in (client.suspend, client.resume):
        with pytest.raises(JobStateError, match="programmed has ended"):
            change("programmed")
    with pytest.raises(JobStateError, match="programmed has no stage export"):
        next(client.logs("programmed", stage=Stage.EXPORT))

    client.delete("programmed")
    assert client.list() == []
    for ask in (client.get, client.delete, client.suspend, client.resume, client.cost, client.wait):
        with pytest.raises(JobNotFoundError, match="there is no job programmed in "):
            ask("programmed")
    with pytest.raises(JobNotFoundError, match="no job has the name 'No name'"):
        client.get("No name")


def test_the_program_of_the_documents(place: _Place) -> None:
    page = (ROOT / "docs" / "client.md").read_text()
    program, local, cluster = re.findall(r"(?ms)^```python\n(.*?)^```$", page)
    _manifest(place.folder, "documented")
    printed = ""

    def print_and_let_go(text: object, end: str = "\n") -> None:
        nonlocal printed
        place.let_go()
        printed += f"{text}{end}"

    program += cluster if place.cluster else local
    exec(program, {"print": print_and_let_go})  # noqa: S102 - it is ours
    assert "llmtrain-outcome" in printed
    assert "documented: Succeeded" in printed


def test_a_wait_has_an_end(cluster: NodelessCluster, tmp_path: Path) -> None:
    cluster.ray.endless = ("data-0",)
    with Client.cluster(kubeconfig=cluster.kubeconfig, namespace="default") as client:
        client.create(_manifest(tmp_path, "waiting"))
        client.wait("waiting", "Running", timeout_seconds=_WITHIN_SECONDS)
        with pytest.raises(WaitTimeoutError, match="waiting is not Succeeded within 0 s; it is Ru"):
            client.wait("waiting", timeout_seconds=0)
        client.delete("waiting")


def test_what_a_cluster_refuses(cluster: NodelessCluster, tmp_path: Path) -> None:
    manifest = _manifest(tmp_path, "refused")
    home = manifest.spec.replace(tokenizer=Tokenizer(pretrained="~/tokenizer"))
    elsewhere = manifest.replace(metadata=manifest.metadata.replace(namespace="ml"))
    with Client.cluster(kubeconfig=cluster.kubeconfig, namespace="nowhere") as client:
        with pytest.raises(ManifestError, match="is for namespace ml, not for nowhere"):
            client.create(elsewhere)
        with pytest.raises(ManifestError, match="~/tokenizer: a cluster has no home folder"):
            client.create(manifest.replace(spec=home))
        with pytest.raises(ClusterError, match='namespaces "nowhere" not found') as refusal:
            client.create(manifest)
        assert refusal.value.status == 404
    with pytest.raises(ClusterError, match="no cluster is known"):
        Client.cluster(kubeconfig=tmp_path / "missing")
