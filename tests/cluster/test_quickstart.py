"""The README's promise: one manifest applied, an evaluated model got back."""

import pytest
from support.cluster.images import TRAINER
from support.cluster.node import Node
from support.cluster.pods import pod, run_pod
from support.cluster.volumes import make_volume
from support.cluster_jobs import NAMESPACE
from support.llmtrain_release import helm, kubectl
from support.repository import ROOT

pytestmark = [pytest.mark.node, pytest.mark.timeout(2700)]


def test_a_manifest_becomes_a_model_that_a_pod_can_use(llmtrain: Node) -> None:
    make_volume(llmtrain, "quickstart-workspace", size="20Gi")
    manifest = str(ROOT / "manifests" / "quickstart.yaml")
    kubectl(llmtrain, "apply", f"--namespace={NAMESPACE}", f"--filename={manifest}")
    kubectl(
        llmtrain,
        "wait",
        f"--namespace={NAMESPACE}",
        "--for=condition=Succeeded",
        "--timeout=40m",
        "llmtrainingjob/quickstart",
    )
    columns = kubectl(llmtrain, "get", "ltj", "quickstart", f"--namespace={NAMESPACE}")
    assert "Succeeded" in columns
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
