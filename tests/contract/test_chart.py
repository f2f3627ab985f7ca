"""What the chart renders to: a real API server takes it, whatever its main values are."""

import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from support.chart import install_manifest, lint_chart, rendered_chart
from support.cluster.api_client import ApiClient
from support.cluster.binaries import binary
from support.pairwise import pairwise
from support.prometheus_operator import make_definitions
from support.repository import ROOT
from support.schemas import complaints, write_schemas

from llmtrain_lifecycle.money.prices import Prices
from llmtrain_operator.runtime.settings import OperatorSettings

_NAMESPACES = ("llmtrain-system", "team-a", "team-b")
_NODES = '{"nodeSelector": {"spot": "true"}, "tolerations": [{"key": "spot"}]}'
_MONITORING = ",".join(
    f"metrics.{name}=true" for name in ("enabled", "podMonitors", "rules", "dashboards")
)
_PEERS = ",".join(
    f"networkPolicy.{name}.ipBlock.cidr=10.0.0.0/28"
    for name in ("dashboardFrom[0]", "metricsFrom[0]", "jobEgress[0].to[0]")
)
_CHOICES = (
    ("podLabels.team=a", "namespaces={team-a,team-b}"),
    (_PEERS, "networkPolicy.create=false"),
    ("allowed.images={registry.example/}", "crds.install=false"),
    ("image.pullPolicy=Always", "imagePullSecrets={registry}"),
    ("metrics.enabled=true", "prices.resources.cpuUsdPerHour=0.04", _MONITORING),
    ("replicas=1", "replicas=2"),
    ("openshift=false", "openshift=true"),
    ("rbac.aggregate=true", "rbac.aggregate=false"),
    ("nameOverride=train", "fullnameOverride=trainer"),
    ("global.imageRegistry=registry.example/mirror", f"image.digest=sha256:{'0' * 64}"),
    ("serviceAccount.annotations.a=b", "serviceAccount.name=cloud"),
    ("caBundle.configMap=authorities", "extraEnv[0].name=A"),
    ("commonLabels.team=a", "operator.logFormat=json"),
    ("image.tag=main", f"image.tag=1@sha256:{'0' * 64}"),
)

_EXAMPLES = ROOT / "charts" / "llmtrain" / "examples"


@pytest.fixture(scope="module")
def server(api_server: ApiClient) -> ApiClient:
    """An API server with all that the chart's objects need."""
    for name in _NAMESPACES:
        api_server.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    make_definitions(api_server)
    return api_server


@pytest.fixture(scope="module")
def kubeconfig(server: ApiClient, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kubectl") / "kubeconfig"
    server.write_kubeconfig(path)
    return path


@pytest.fixture(scope="module")
def schemas(server: ApiClient, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("schemas")
    write_schemas(server, folder, awaited={"PodMonitor", "PrometheusRule"})
    return folder


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


@pytest.mark.parametrize("values", pairwise(_CHOICES), ids=" ".join)
def test_every_pair_of_values_is_accepted(
    kubeconfig: Path, schemas: Path, values: tuple[str, ...]
) -> None:
    text = rendered_chart(*values)
    assert complaints(text, schemas) == ""
    applied = apply(kubeconfig, "--filename=-", text=text)
    assert applied.returncode == 0, applied.stderr
    assert "deployment.apps/" in applied.stdout
    roles = [line for line in applied.stdout.splitlines() if line.startswith("clusterrole.")]
    assert any("-jobs-" not in role for role in roles) == ("namespaces" not in values[0])


@pytest.mark.parametrize("value", [value for choice in _CHOICES for value in choice])
def test_each_value_alone_makes_objects_of_their_kinds(schemas: Path, value: str) -> None:
    assert complaints(rendered_chart(value), schemas) == ""


@pytest.mark.parametrize("path", sorted(_EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_values_for_a_kind_of_cluster_are_accepted(
    kubeconfig: Path, schemas: Path, path: Path
) -> None:
    text = rendered_chart(files=(path,))
    assert complaints(text, schemas) == ""
    applied = apply(kubeconfig, "--filename=-", text=text)
    assert applied.returncode == 0, applied.stderr
    (settings,) = (
        yaml.safe_load(each["data"]["settings.yaml"])
        for each in yaml.safe_load_all(text)
        if each["kind"] == "ConfigMap" and "settings.yaml" in each["data"]
    )
    assert OperatorSettings.model_validate(settings).profiles


@pytest.mark.parametrize("field", ["automountServiceAccountToken", "policyTypes", "sourceLabels"])
def test_a_field_that_its_kind_does_not_have_would_be_seen(schemas: Path, field: str) -> None:
    text = rendered_chart(_MONITORING)
    assert field in text
    assert f"'{field}s' not allowed" in complaints(text.replace(field, f"{field}s"), schemas)


@pytest.mark.parametrize("values", [(), [choice[-1] for choice in _CHOICES]], ids=["own", "other"])
def test_helm_finds_no_fault(values: tuple[str, ...]) -> None:
    lint_chart(*values)


def test_what_helm_test_runs_is_accepted(kubeconfig: Path, schemas: Path) -> None:
    text = rendered_chart(with_tests=True)
    assert complaints(text, schemas) == ""
    assert "pod/llmtrain-test" in apply(kubeconfig, "--filename=-", text=text).stdout


def test_settings_reach_the_operator(kubeconfig: Path) -> None:
    text = rendered_chart(json_values=(f"trainer.spot={_NODES}",))
    assert apply(kubeconfig, "--filename=-", text=text).returncode == 0
    assert "spot:\n      nodeSelector:" in text


def test_decimals_may_be_set_on_the_command_line() -> None:
    """`helm --set` makes texts of all numbers but whole ones."""
    text = rendered_chart(
        "trainer.profiles.a.leastBandwidthRatio=0.25",
        "trainer.cpuOvercommit=1.5",
        "operator.pollSeconds=2.5",
        "operator.resyncSeconds=99.5",
    )
    (document,) = (
        each["data"]["settings.yaml"]
        for each in yaml.safe_load_all(text)
        if each["kind"] == "ConfigMap" and "settings.yaml" in each["data"]
    )
    settings = OperatorSettings.model_validate(yaml.safe_load(document))
    assert settings.profiles["a"].least_bandwidth_ratio == 0.25
    assert settings.cpu_overcommit == 1.5
    assert (settings.poll_seconds, settings.resync_seconds) == (2.5, 99.5)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("replicas=0", "/replicas"),
        ("trainer.graceSeconds=soon", "/trainer/graceSeconds"),
        ("networkPolicy.apiServerPorts={0}", "/networkPolicy/apiServerPorts/0"),
        ("namespaces={123}", "/namespaces/0"),
        ("podLabels.team=1", "/podLabels/team"),
        ("nodeSelector.spot=true", "/nodeSelector/spot"),
        ("image.tag=1", "/image/tag"),
        ("image.repository=a b", "/image/repository"),
        ("imagePullSecrets={A}", "/imagePullSecrets/0"),
        ("metrics.runbooksUrl=javascript:", "/metrics/runbooksUrl"),
        ("allowed.images=registry", "/allowed/images"),
        ("trainer.permitted.labels={}", "/trainer/permitted/labels/0"),
        ("trainer.profiles.a.resources.cpu=1", "/trainer/profiles/a/resources"),
        ("trainer.profiles.a.hostNetwork=true", "/trainer/profiles/a"),
        ("trainer.profiles.a.usdPerHour=much", "/trainer/profiles/a/usdPerHour"),
        ("trainer.profiles.a.leastBandwidthRatio=1.5", "/trainer/profiles/a/leastBandwidthRatio"),
        ("trainer.cpuOvercommit=0.5", "/trainer/cpuOvercommit"),
        ("operator.pollSeconds=300.5", "/operator/pollSeconds"),
        ("operator.resyncSeconds=0.5", "/operator/resyncSeconds"),
        ("trainer.permitted.serviceAccounts[0].token=true", "/trainer/permitted/serviceAccounts/0"),
        ("metrics.rules=true", "/metrics/enabled"),  # the alert for an absent operator never ends
    ],
)
def test_a_wrong_value_is_refused_by_name(value: str, path: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        rendered_chart(value)
    assert f"'{path}'" in refused.value.stderr


def test_those_without_helm_get_the_same() -> None:
    committed = (ROOT / "manifests" / "operator" / "operator.yaml").read_text()
    assert committed == install_manifest()


_ODD_NAMES = ("123", "1e3", "true", "null", "0x1f")
"""Names that Kubernetes takes, and that YAML takes for something else."""
_ODD_TEXTS = ("yes", "~", "", "1_000", "a: b", "a #b", "'", '"', "{{ .Values }}", "- a", "& *", "é")
_STRINGS = {f"key-{number}": text for number, text in enumerate(_ODD_TEXTS)}


@pytest.mark.parametrize("name", _ODD_NAMES)
def test_strings_stay_strings(kubeconfig: Path, server: ApiClient, name: str) -> None:
    """Whatever YAML would take them for: as names of release and namespace, and in every value."""
    priority = {"metadata": {"name": name}, "value": 1}
    server.request("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", priority)
    server.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    values = {
        "image": {"repository": name, "tag": name},
        "imagePullSecrets": [name],
        "namespaces": [name],
        "priorityClassName": name,
        "podLabels": {"a": name, "app.kubernetes.io/component": name},
        "podAnnotations": _STRINGS | {"llmtrain.io/settings": name},
        "nodeSelector": {"a": name},
        "trainer": {
            "image": name,
            "imagePullSecrets": [name],
            "gpuResource": name,
            "spot": {"nodeSelector": {"a": name}, "tolerations": [{"key": name, "value": name}]},
            "profiles": {
                "a": {"annotations": {"a": name}, "affinity": {"a": name}},
                name: {"environment": [{"name": "A", "value": name}], "usdPerHour": 2.5},
            },
            "permitted": {"serviceAccounts": [{"name": name}], "labels": [name, "a: b"]},
        },
        "allowed": {key: [name, *_ODD_TEXTS[3:]] for key in ("images", "claims", "tolerations")},
        "metrics": {"labels": {"a": name}},
        "prices": {"nodes": [{"instanceType": name, "usdPerHour": 1}]},
    }
    given = tuple(f"{key}={json.dumps(value)}" for key, value in values.items())
    text = rendered_chart(json_values=given, with_tests=True, release=name, namespace=name)
    applied = apply(kubeconfig, "--filename=-", f"--namespace={name}", text=text)
    assert applied.returncode == 0, applied.stderr
    objects = {each["kind"]: each for each in yaml.safe_load_all(text)}
    template = objects["Deployment"]["spec"]["template"]
    assert template["metadata"]["labels"] == {
        "app.kubernetes.io/name": "llmtrain",
        "app.kubernetes.io/instance": name,
        "app.kubernetes.io/component": "operator",
        "a": name,
    }
    assert _STRINGS.items() <= template["metadata"]["annotations"].items()
    assert template["metadata"]["annotations"]["llmtrain.io/settings"] != name
    settings = yaml.safe_load(objects["ConfigMap"]["data"]["settings.yaml"])
    assert OperatorSettings.model_validate(settings).namespaces == (name,)
    assert settings["spot"] == values["trainer"]["spot"]
    assert values["trainer"]["permitted"].items() <= settings["permitted"].items()
    first, second = values["trainer"]["profiles"].values()
    assert settings["profiles"] == {"a": first, name: {"environment": second["environment"]}}
    prices = yaml.safe_load(objects["ConfigMap"]["data"]["prices.yaml"])
    assert Prices.model_validate(prices).profiles == {name: Decimal("2.5")}


def test_all_images_come_from_another_registry() -> None:
    text = rendered_chart(
        "global.imageRegistry=registry.example:5000/mirror", f"image.digest=sha256:{'1' * 64}"
    )
    operator = f"registry.example:5000/mirror/llmtrain/operator@sha256:{'1' * 64}"
    assert f'image: "{operator}"' in text
    assert "image: registry.example:5000/mirror/llmtrain/trainer:0.2.0" in text
    assert "ghcr.io" not in text


def test_openshift_chooses_the_users() -> None:
    text = rendered_chart("openshift=true", with_tests=True)
    assert "runAsUser" not in text
    assert "fixedUser: false" in text
    assert "runAsUser: 1000" in rendered_chart()


def test_what_helm_test_runs_runs_where_the_operator_does() -> None:
    values = {
        "imagePullSecrets": ["registry"],
        "nodeSelector": {"pool": "system"},
        "tolerations": [{"key": "system", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "high",
        "podLabels": {"app.kubernetes.io/component": "test"},
    }
    given = tuple(f"{key}={json.dumps(value)}" for key, value in values.items())
    text = rendered_chart(json_values=given, with_tests=True)
    objects = {each["kind"]: each for each in yaml.safe_load_all(text)}
    operator, test = objects["Deployment"]["spec"]["template"], objects["Pod"]
    placed = ("imagePullSecrets", "nodeSelector", "tolerations", "affinity", "priorityClassName")
    for field in (*placed, "securityContext"):
        assert test["spec"][field] == operator["spec"][field]
    selector = objects["Deployment"]["spec"]["selector"]["matchLabels"]
    assert selector.items() <= operator["metadata"]["labels"].items()
    assert not selector.items() <= test["metadata"]["labels"].items()


def test_kustomize_users_get_a_namespace_and_an_operator(kubeconfig: Path) -> None:
    applied = apply(kubeconfig, f"--kustomize={ROOT / 'manifests' / 'operator'}")
    assert applied.returncode == 0, applied.stderr
    for made in ("namespace/llmtrain-system", "deployment.apps/llmtrain", "llmtrainingjobs."):
        assert made in applied.stdout
