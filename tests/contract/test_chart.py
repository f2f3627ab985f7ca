"""What the chart renders to: a real API server takes it, whatever its main values are."""

import os
import subprocess
from itertools import product
from pathlib import Path

import pytest
from support.chart import rendered_chart
from support.cluster.api_client import ApiClient
from support.cluster.binaries import binary
from support.repository import ROOT

_NAMESPACES = ("llmtrain-system", "team-a", "team-b")
_NODES = '{"nodeSelector": {"spot": "true"}, "tolerations": [{"key": "spot"}]}'


@pytest.fixture(scope="module")
def kubeconfig(api_server: ApiClient, tmp_path_factory: pytest.TempPathFactory) -> Path:
    for name in _NAMESPACES:
        api_server.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    path = tmp_path_factory.mktemp("kubectl") / "kubeconfig"
    api_server.write_kubeconfig(path)
    return path


def apply(kubeconfig: Path, *what: str, text: str = "") -> "subprocess.CompletedProcess[str]":
    """Have the API server look at objects, without keeping them; unknown fields are faults."""
    return subprocess.run(
        [binary("kubectl"), "apply", "--dry-run=server", "--validate=strict", *what],
        env=os.environ | {"KUBECONFIG": str(kubeconfig)},
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "values",
    list(
        product(
            ("podLabels.team=a", "namespaces={team-a,team-b}"),
            ("networkPolicy.create=true", "networkPolicy.create=false"),
            ("crds.install=true", "crds.install=false"),
            ("image.pullPolicy=Always", "imagePullSecrets={registry}"),
            ("metrics.enabled=true", "prices.resources.cpuUsdPerHour=0.04"),
            ("image.tag=main", f"image.tag=1@sha256:{'0' * 64}"),
        )
    ),
    ids=" ".join,
)
def test_every_combination_of_values_is_accepted(kubeconfig: Path, values: tuple[str, ...]) -> None:
    applied = apply(kubeconfig, "--filename=-", text=rendered_chart(*values))
    assert applied.returncode == 0, applied.stderr
    assert "deployment.apps/llmtrain" in applied.stdout
    assert ("clusterrole." in applied.stdout) == ("namespaces" not in values[0])


def test_settings_reach_the_operator(kubeconfig: Path) -> None:
    text = rendered_chart(json_values=(f"trainer.spot={_NODES}",))
    assert apply(kubeconfig, "--filename=-", text=text).returncode == 0
    assert "spot:\n      nodeSelector:" in text


def test_a_wrong_value_is_refused_by_name() -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        rendered_chart("trainer.graceSeconds=soon")
    assert "graceSeconds" in refused.value.stderr


def test_those_without_helm_get_the_same() -> None:
    committed = (ROOT / "manifests" / "operator" / "operator.yaml").read_text()
    assert committed == rendered_chart()


def test_kustomize_users_get_a_namespace_and_an_operator(kubeconfig: Path) -> None:
    applied = apply(kubeconfig, f"--kustomize={ROOT / 'manifests' / 'operator'}")
    assert applied.returncode == 0, applied.stderr
    assert "namespace/llmtrain-system" in applied.stdout
