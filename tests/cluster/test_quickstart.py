"""The README's promise: one manifest applied, an evaluated model got back, and all of it seen."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cluster.images import TRAINER
from support.cluster.node import Node
from support.cluster.pods import pod, run_pod
from support.cluster.volumes import make_volume
from support.cluster_jobs import NAMESPACE
from support.llmtrain_release import NAMESPACE as OPERATOR_NAMESPACE
from support.llmtrain_release import helm, kubectl
from support.prometheus import Prometheus, running_prometheus, through_api_server
from support.promql import queries, rules
from support.repository import ROOT

pytestmark = [pytest.mark.node, pytest.mark.timeout(2700)]

_TRAINERS = "quickstart-trainers-1-head-svc:progress"
_FIRES_IN_PROMTOOL = {rule["alert"] for rule in rules() if "alert" in rule}


@pytest.fixture
def prometheus(llmtrain: Node, tmp_path: Path) -> Iterator[Prometheus]:
    """Reads the operator, and the driver of the job's trainers while there is one."""
    operator = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/services/llmtrain:metrics/proxy/metrics"
    driver = f"/api/v1/namespaces/{NAMESPACE}/services/{_TRAINERS}/proxy/metrics"
    of_driver = through_api_server("driver", llmtrain.kubeconfig, driver)
    of_driver["static_configs"][0]["labels"] = {"namespace": NAMESPACE}
    scrapes = [through_api_server("operator", llmtrain.kubeconfig, operator), of_driver]
    with running_prometheus(tmp_path, scrapes) as running:
        yield running


def test_a_manifest_becomes_a_model_that_a_pod_can_use(
    llmtrain: Node, prometheus: Prometheus
) -> None:
    make_volume(llmtrain, "quickstart-workspace", size="20Gi")
    manifest = str(ROOT / "manifests" / "quickstart.yaml")
    job = ("llmtrainingjob/quickstart", f"--namespace={NAMESPACE}")
    kubectl(llmtrain, "apply", f"--namespace={NAMESPACE}", f"--filename={manifest}")
    budget = '{"spec": {"policy": {"budget": {"maxUsd": 1000}}}}'
    kubectl(llmtrain, "patch", *job, "--type=merge", f"--patch={budget}")
    kubectl(llmtrain, "wait", *job, "--for=condition=Succeeded", "--timeout=40m")
    columns = kubectl(llmtrain, "get", "ltj", "quickstart", f"--namespace={NAMESPACE}")
    assert "Succeeded" in columns
    _every_query_had_data(prometheus)
    rest = ("get", "rayclusters", f"--namespace={NAMESPACE}", "--output=name")
    llmtrain.wait_until(lambda: not kubectl(llmtrain, *rest))

    ask = pod("chat", TRAINER, ["python", "-m", "llmtrain_trainer.chat", "/workspace/export"])
    ask["spec"]["containers"][0]["command"] += ["--ask", "What does os.path.join do?"]
    ask["spec"]["containers"][0]["volumeMounts"] = [{"name": "it", "mountPath": "/workspace"}]
    claim = {"claimName": "quickstart-workspace"}
    ask["spec"]["volumes"] = [{"name": "it", "persistentVolumeClaim": claim}]
    assert run_pod(llmtrain, NAMESPACE, ask, within_seconds=300).strip()


def test_the_release_passes_its_own_test(llmtrain: Node) -> None:
    assert "Succeeded" in helm(llmtrain, "test", "llmtrain")


_MAY_BE_SILENT = {"llmtrain-job: Other values"}
"""Shows what a stage logs under names of its own; those of the quickstart log nothing more."""


def _every_query_had_data(prometheus: Prometheus) -> None:
    """Whether some time in the job's life each panel and record had something to show."""
    chosen = {"$namespace": NAMESPACE, "$name": "quickstart"}
    silent = []
    for query in queries():
        expr = query.expr
        for variable, value in chosen.items():
            expr = expr.replace(variable, value)
        if query.place in _FIRES_IN_PROMTOOL | _MAY_BE_SILENT:
            continue
        if not prometheus.ever(expr):
            silent.append(f"{query.place}: {expr}")
    assert silent == []
