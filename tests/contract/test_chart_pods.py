"""What the chart says of Pods fits the Pods: its own, and those that KubeRay makes for jobs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support.chart import rendered_chart
from support.cluster.api_client import ApiClient, Json
from support.job_harness import UID, job_of
from support.kuberay import running_kuberay
from support.network_policies import Pod, reaches, selects

from llmtrain_api.names import JOB_LABEL, PROGRESS_PORT, cluster_name
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import ClusterStatus
from llmtrain_lifecycle.builders.network_policy import network_policy
from llmtrain_lifecycle.builders.ray_cluster import ray_cluster
from llmtrain_lifecycle.settings import PodSettings
from llmtrain_operator.runtime.settings import read_settings

_OPERATOR, _JOBS = "llmtrain-system", "team"
_JOBS_API, _METRICS = 8265, 8080
_PORTS = {_JOBS_API, PROGRESS_PORT, _METRICS, 6379, 34567}
"""Ports of Ray's nodes: those used from outside of the cluster, and some of the others."""
_MONITORED = "metrics.enabled=true,metrics.podMonitors=true"
_STRANGER, _SCRAPER = Pod(_JOBS), Pod("monitoring")


@pytest.fixture(scope="module")
def pods(api_server: ApiClient, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pod]:
    """The Pods of a job, by the kind of their Ray node."""
    job, group = job_of(), StageGroup.TRAINERS
    name = cluster_name(job.metadata.name, group, 0)
    status = ClusterStatus(name=name, group=group, generation=0)
    body = ray_cluster(job, UID, status, PodSettings(image="trainer:1", ray_version="2.60.0"))
    api_server.request("POST", "/api/v1/namespaces", {"metadata": {"name": _JOBS}})
    kubeconfig = tmp_path_factory.mktemp("kuberay") / "kubeconfig"
    api_server.write_kubeconfig(kubeconfig)

    def made() -> dict[str, Pod]:
        items = api_server.request("GET", f"/api/v1/namespaces/{_JOBS}/pods")["items"]
        return {
            each["metadata"]["labels"]["ray.io/node-type"]: Pod.of(_JOBS, each) for each in items
        }

    with running_kuberay(kubeconfig, api_server) as manager:
        api_server.request("POST", f"/apis/ray.io/v1/namespaces/{_JOBS}/rayclusters", body)
        manager.wait_until(lambda: made().keys() == {"head", "worker"})
    return made()


def _objects(kind: str, *values: str, json_values: tuple[str, ...] = ()) -> Iterator[Json]:
    # The definition would take longer to read than all the rest.
    text = rendered_chart(*values, "crds.install=false", json_values=json_values, with_tests=True)
    for document in yaml.safe_load_all(text):
        if document["kind"] == kind:
            document["metadata"].setdefault("namespace", _OPERATOR)
            yield document


def _operator(*values: str) -> Pod:
    (deployment,) = _objects("Deployment", *values)
    return Pod.of(_OPERATOR, deployment["spec"]["template"])


def _policies(path: Path, *values: str, json_values: tuple[str, ...] = ()) -> list[Json]:
    """The chart's own policies, and the one that the operator makes with the chart's settings."""
    (settings,) = (
        each
        for each in _objects("ConfigMap", *values, json_values=json_values)
        if "settings.yaml" in each["data"]
    )
    file = path / "settings.yaml"
    file.write_text(settings["data"]["settings.yaml"])
    network = read_settings(file).pods.network
    assert network is not None
    policy = network_policy(job_of(), UID, network)
    policy["metadata"]["namespace"] = _JOBS
    return [*_objects("NetworkPolicy", *values, json_values=json_values), policy]


def _open(policies: list[Json], source: Pod, target: Pod) -> set[int]:
    """The ports of a Ray node that a Pod reaches."""
    return {port for port in _PORTS if reaches(policies, source, target, port)}


@pytest.mark.parametrize("where", [f"namespaces={{{_JOBS}}}", "podLabels.team=a"])
def test_the_monitors_find_the_ports_that_there_are(pods: dict[str, Pod], where: str) -> None:
    everything = {"operator": _operator(_MONITORED), **pods}
    found = {}
    for monitor in _objects("PodMonitor", _MONITORED, where):
        spec, home = monitor["spec"], monitor["metadata"]["namespace"]
        places = spec.get("namespaceSelector", {"matchNames": [home]})
        (endpoint,) = spec["podMetricsEndpoints"]
        found[monitor["metadata"]["name"]] = {
            name: pod.ports.get(endpoint["port"])
            for name, pod in everything.items()
            if (places.get("any") or pod.namespace in places["matchNames"])
            and selects(spec["selector"], pod.labels)
        }
    assert found == {
        "llmtrain": {"operator": 9090},
        "llmtrain-drivers": {"head": PROGRESS_PORT},
        "llmtrain-ray": {"head": _METRICS, "worker": _METRICS},
    }


@pytest.mark.parametrize("where", ["podLabels.team=a", f"namespaces={{{_JOBS}}}"])
def test_a_job_is_reached_by_itself_and_the_operator(
    pods: dict[str, Pod], tmp_path: Path, where: str
) -> None:
    policies, head = _policies(tmp_path, where), pods["head"]
    assert _open(policies, _operator(), head) == {_JOBS_API, PROGRESS_PORT}
    assert _open(policies, pods["worker"], head) == _PORTS
    assert _open(policies, head, pods["worker"]) == _PORTS
    elsewhere, other_job = Pod("other", head.labels), Pod(_JOBS, head.labels | {JOB_LABEL: "b"})
    for nobody in (_STRANGER, _SCRAPER, elsewhere, other_job, Pod(_JOBS, _operator().labels)):
        assert _open(policies, nobody, head) == set()


@pytest.mark.parametrize("values", ["metrics.enabled=true", "metrics.podMonitors=true"])
def test_prometheus_reaches_what_it_reads(
    pods: dict[str, Pod], tmp_path: Path, values: str
) -> None:
    policies = _policies(tmp_path, values)
    assert _open(policies, _SCRAPER, pods["head"]) == {PROGRESS_PORT, _METRICS}
    only = f"networkPolicy.metricsFrom={_peers('prometheus')}"
    policies = _policies(tmp_path, values, json_values=(only,))
    assert _open(policies, _SCRAPER, pods["head"]) == set()
    assert _open(policies, Pod("prometheus"), pods["head"]) == {PROGRESS_PORT, _METRICS}


def _peers(namespace: str) -> str:
    """All Pods of a namespace, as JSON."""
    labels = {"kubernetes.io/metadata.name": namespace}
    return json.dumps([{"namespaceSelector": {"matchLabels": labels}}])


def test_the_dashboard_is_open_to_those_who_are_named(pods: dict[str, Pod], tmp_path: Path) -> None:
    value = f"networkPolicy.dashboardFrom={_peers('kube-system')}"
    policies = _policies(tmp_path, json_values=(value,))
    assert _open(policies, Pod("kube-system"), pods["head"]) == {_JOBS_API}
    assert _open(policies, Pod("kube-public"), pods["head"]) == set()


def test_a_job_goes_out_to_anywhere_or_where_it_is_let(
    pods: dict[str, Pod], tmp_path: Path
) -> None:
    head, worker, store = pods["head"], pods["worker"], Pod("storage")
    assert reaches(_policies(tmp_path), worker, store, 9000)
    rules = json.dumps([{"to": json.loads(_peers("storage")), "ports": [{"port": 9000}]}])
    bounded = _policies(tmp_path, json_values=(f"networkPolicy.jobEgress={rules}",))
    assert reaches(bounded, worker, store, 9000)
    assert reaches(bounded, worker, Pod("kube-system"), 53, "UDP")
    assert not reaches(bounded, worker, store, 9001)
    assert not reaches(bounded, worker, Pod("elsewhere"), 9000)
    assert _open(bounded, worker, head) == _PORTS


def test_the_operator_goes_out_to_what_it_asks(pods: dict[str, Pod], tmp_path: Path) -> None:
    policies, operator = _policies(tmp_path), _operator()
    elsewhere = Pod("kube-system")
    for port in (443, 6443, 8443):
        assert reaches(policies, operator, elsewhere, port)
    for protocol in ("UDP", "TCP"):
        assert reaches(policies, operator, elsewhere, 53, protocol)
    assert _open(policies, operator, pods["head"]) == {_JOBS_API, PROGRESS_PORT}
    assert _open(policies, operator, pods["worker"]) == set()
    assert not reaches(policies, operator, elsewhere, 80)
    of_other_jobs = _policies(tmp_path, "namespaces={team-b}")
    assert _open(of_other_jobs, operator, pods["head"]) == set()


def test_the_operator_is_asked_by_helm_test_and_prometheus_alone() -> None:
    (test,) = _objects("Pod")
    operator, tester = _operator("metrics.enabled=true"), Pod.of(_OPERATOR, test)
    without, with_metrics = (
        list(_objects("NetworkPolicy", f"metrics.enabled={value}")) for value in ("false", "true")
    )
    health, metrics = operator.ports["health"], operator.ports["metrics"]
    assert reaches(without, tester, operator, health)
    assert not reaches(with_metrics, _SCRAPER, operator, health)
    assert reaches(with_metrics, _SCRAPER, operator, metrics)
    assert not reaches(without, _SCRAPER, operator, metrics)


def test_nothing_is_limited_where_nobody_asks_for_it() -> None:
    value = "networkPolicy.create=false"
    assert list(_objects("NetworkPolicy", value)) == []
    (settings,) = _objects("ConfigMap", value)
    assert "network" not in yaml.safe_load(settings["data"]["settings.yaml"])
