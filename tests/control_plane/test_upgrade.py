"""Releases of 0.1.0 with ten sets of values are upgraded by helm while their jobs run."""

import json
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from support.chart import CHART, helm_on
from support.cluster.api_client import ApiRefusal, Json
from support.earlier_release import CHART as OLD_CHART
from support.earlier_release import bring_back_definition, leave_job, replace_definition
from support.nodeless_cluster import NodelessCluster, job_definition
from support.nodeless_job import NodelessJob, wait_until
from support.operator_process import running_warm_operator
from support.prometheus_operator import make_definitions

from llmtrain_api.names import RUN_CONFIG_FILE
from llmtrain_api.stages import Stage
from llmtrain_api.status import Phase, StageState
from llmtrain_operator.runtime.settings import OperatorSettings

_NEVER = "crds.install=false"
_VALUES = (
    ("crds.install=true",),
    (_NEVER, "namespaces={values-1}", "allowed.images={registry.example/}"),
    (_NEVER, "metrics.enabled=true"),
    (_NEVER, "metrics.enabled=true", "metrics.podMonitors=true", "metrics.rules=true"),
    (_NEVER, "metrics.enabled=true", "metrics.dashboards=true", "metrics.labels.team=a"),
    (_NEVER, "networkPolicy.create=false", "podLabels.team=a", "podAnnotations.team=a"),
    (_NEVER, "networkPolicy.jobEgress[0].to[0].ipBlock.cidr=10.0.0.0/28"),
    (_NEVER, "prices.resources.cpuUsdPerHour=0.04", "operator.numWorkers=4"),
    (_NEVER, "image.pullPolicy=Always", "imagePullSecrets={registry}", "tolerations[0].key=a"),
    (_NEVER, "trainer.spot.nodeSelector.spot=yes", "trainer.graceSeconds=60"),
)
"""Values of the charts of both versions."""


@dataclass(frozen=True)
class _Running:
    """What a running job consists of."""

    spec: Json
    generation: int
    ray_clusters: list[tuple[str, int, Json]]
    pods: set[str]


@dataclass(frozen=True)
class _Release:
    """A release in a namespace of its own, with a job that runs."""

    cluster: NodelessCluster
    namespace: str
    job: NodelessJob

    @property
    def running(self) -> _Running:
        """The job's objects as they are now."""
        body, made = self.job.body, self.job.ray_clusters
        return _Running(
            body["spec"],
            body["metadata"]["generation"],
            [(c["metadata"]["uid"], c["metadata"]["generation"], c["spec"]) for c in made],
            {pod["metadata"]["uid"] for pod in self.items("/api/v1", "pods", "ray.io/cluster")},
        )

    def items(self, api: str, kind: str, label: str = "") -> list[Json]:
        """Objects of the namespace."""
        path = f"{api}/namespaces/{self.namespace}/{kind}?labelSelector={label}"
        found: list[Json] = self.cluster.client.request("GET", path)["items"]
        return found

    def helm(self, command: str, chart: Path, *options: str) -> None:
        """Install or upgrade it."""
        kubeconfig = self.cluster.admin_kubeconfig
        done = helm_on(kubeconfig, self.namespace, command, self.namespace, str(chart), *options)
        assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class _Upgrade:
    """The releases, and their jobs before and after the upgrade.

    Attributes:
        releases: the releases.
        left: the statuses that 0.1.0 has left.
        before: the jobs before the upgrade.
        early_log: log of today's operator under the definition of 0.1.0.
        after: the jobs after the upgrade.
    """

    releases: list[_Release]
    left: list[Json]
    before: list[_Running]
    early_log: str
    after: list[_Running]


@pytest.fixture(scope="module")
def upgrade(
    cluster: NodelessCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[_Upgrade]:
    """The upgrade of all releases: the definition first, then the operators."""
    make_definitions(cluster.client)
    bring_back_definition(cluster.client)
    releases = [_leave(cluster, number) for number in range(len(_VALUES))]
    _with_helm(releases, lambda each, values: each.helm("install", OLD_CHART, *values))
    wait_until(lambda: all(len(release.running.pods) == 2 for release in releases))
    left = [release.job.body["status"] for release in releases]
    before = [release.running for release in releases]
    log = _try_too_early(cluster, releases[0], tmp_path_factory.mktemp("early"))
    _with_helm(releases, lambda each, _: each.helm("upgrade", CHART, "--reset-then-reuse-values"))
    after = [release.running for release in releases]
    yield _Upgrade(releases, left, before, log, after)
    replace_definition(cluster.client, job_definition())


def _leave(cluster: NodelessCluster, number: int) -> _Release:
    """A namespace with a job that runs, for a release."""
    namespace = f"values-{number}"
    cluster.client.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    flag, stage = number % 2 == 0, number % 4
    job = leave_job(
        cluster.client,
        cluster.ray,
        f"job-{number}",
        namespace=namespace,
        pretrain={"activationCheckpointing": flag, "zero": {"stage": stage}},
    )
    return _Release(cluster, namespace, job)


def _with_helm(
    releases: list[_Release], command: Callable[[_Release, tuple[str, ...]], None]
) -> None:
    """Have helm do something with each release: first with the one that has the definition."""
    options = [tuple(f"--set={value}" for value in values) for values in _VALUES]
    command(releases[0], ("--take-ownership", *options[0]))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(command, releases[1:], options[1:]))


def _try_too_early(cluster: NodelessCluster, release: _Release, folder: Path) -> str:
    """The log of this version's operator under the definition of 0.1.0."""
    status = release.job.body["status"]
    path = folder / "operator.log"
    with running_warm_operator(cluster.operator_kubeconfig, folder, pollSeconds=0.1):
        wait_until(lambda: path.exists() and f"{release.namespace}/" in path.read_text())
        wait_until(lambda: "strict decoding error" in path.read_text())
    assert release.job.body["status"] == status
    return path.read_text()


def test_an_operator_writes_nothing_that_an_older_definition_would_drop(upgrade: _Upgrade) -> None:
    assert 'unknown field "status.stages[0].runs"' in upgrade.early_log


@pytest.mark.parametrize("number", range(len(_VALUES)), ids=lambda n: " ".join(_VALUES[n]))
def test_an_upgrade_touches_no_running_job(upgrade: _Upgrade, number: int) -> None:
    release = upgrade.releases[number]
    assert upgrade.after[number].ray_clusters == upgrade.before[number].ray_clusters
    assert upgrade.after[number].pods == upgrade.before[number].pods
    assert upgrade.after[number].generation == 1
    (deployment,) = release.items("/apis/apps/v1", "deployments")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith(":0.2.0")
    maps = release.items("/api/v1", "configmaps")
    (settings,) = [m["data"]["settings.yaml"] for m in maps if "settings.yaml" in m["data"]]
    assert OperatorSettings.model_validate(yaml.safe_load(settings)).image.endswith(":0.2.0")


def test_an_earlier_operator_can_still_write_under_the_new_definition(upgrade: _Upgrade) -> None:
    job = upgrade.releases[2].job
    stages, progress = upgrade.left[2]["stages"], upgrade.left[2]["progress"] | {"percent": 50}
    job.patch({"status": {"stages": stages, "progress": progress}}, part="/status")
    status = job.body["status"]
    assert status["stages"] == stages
    assert status["progress"] == progress
    assert status["plan"]["finetuneTokens"] == upgrade.left[2]["plan"]["finetuneTokens"]


@pytest.mark.parametrize(
    ("field", "refusal"),
    [
        ({"pretrain": {"activationCheckpointing": True}}, "Unsupported value: true"),
        ({"pretrain": {"activationCheckpointing": "full"}}, "pretrain cannot be changed"),
        ({"data": {"filter": {"minWords": 1}}}, "data cannot be changed"),
    ],
    ids=str,
)
def test_of_an_earlier_job_the_policy_alone_can_be_changed(
    upgrade: _Upgrade, field: Json, refusal: str
) -> None:
    job = upgrade.releases[1].job
    with pytest.raises(ApiRefusal, match=refusal):
        job.patch({"spec": field})
    job.set_policy(activeDeadlineSeconds=86400)


def test_the_operator_takes_them_to_their_ends_where_they_run(
    upgrade: _Upgrade, cluster: NodelessCluster, tmp_path: Path
) -> None:
    cluster.ray.endless = ("evaluate-0",)
    with running_warm_operator(cluster.operator_kubeconfig, tmp_path, pollSeconds=0.1):
        for release, before, left in zip(
            upgrade.releases, upgrade.before, upgrade.left, strict=True
        ):
            status = release.job.wait_for_stage(Stage.EVALUATE, StageState.RUNNING)
            assert release.running.ray_clusters == before.ray_clusters
            assert release.running.pods == before.pods
            run, old = status.stage(Stage.PRETRAIN).run, left["stages"][2]
            assert run.attempt is not None
            assert run.attempt.submission_id == old["submissionId"]
            assert run.start_time == old["startTime"]
            assert run.failures.model_dump() == old["failures"]
        cluster.ray.endless = ()
        for release in upgrade.releases:
            release.job.wait_for_phase(Phase.SUCCEEDED)
    for release in upgrade.releases:
        attempt = release.job.status.stage(Stage.FINETUNE).run.attempt
        assert attempt is not None
        package = cluster.ray.package_of[attempt.submission_id]
        config = json.loads(zipfile.ZipFile(BytesIO(package)).read(RUN_CONFIG_FILE))
        assert config["version"] == "v1"


def test_a_way_back_and_forth_loses_nothing(upgrade: _Upgrade, cluster: NodelessCluster) -> None:
    job = upgrade.releases[0].job
    before = job.body
    bring_back_definition(cluster.client)
    wait_until(lambda: "runs" not in job.body["status"]["stages"][0])
    replace_definition(cluster.client, job_definition())
    wait_until(lambda: "runs" in job.body["status"]["stages"][0])
    assert job.body == before
