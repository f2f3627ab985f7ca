"""The chart, installed by helm on a real API server: what jobs may ask for, and its definition."""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.chart import CHART, helm_on
from support.cluster.api_client import ApiClient, ApiRefusal, Json
from support.cluster.control_plane import running_api_server
from support.cluster.jobs import full_pipeline_job

_ALLOWED: dict[str, list[str]] = {
    "images": ["registry.example/team/"],
    "claims": ["models"],
    "storageClasses": ["fast"],
    "priorityClasses": [],
    "tolerations": ["gpu"],
}
_WITHIN_SECONDS = 60
_LOOK_SECONDS = 0.1
_MERGE = "application/merge-patch+json"


@dataclass(frozen=True)
class Release:
    """A server on which helm works.

    Attributes:
        client: with all rights.
        kubeconfig: the same for helm.
    """

    client: ApiClient
    kubeconfig: Path

    def helm(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run helm."""
        return helm_on(self.kubeconfig, "llmtrain-system", *arguments)

    def create(self, spec: Json, namespace: str = "team-a", *, dry_run: bool = True) -> None:
        """Create a job; with `dry_run` only have the server look at it."""
        body = full_pipeline_job("asking")
        body["spec"] |= spec
        query = "?dryRun=All" if dry_run else ""
        self.client.request("POST", _jobs(namespace) + query, body)


def _jobs(namespace: str) -> str:
    return f"/apis/llmtrain.io/v1alpha1/namespaces/{namespace}/llmtrainingjobs"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """The chart for two namespaces, with limits."""
    folder = tmp_path_factory.mktemp("release")
    with running_api_server(folder) as client:
        for name in ("llmtrain-system", "team-a", "team-b"):
            client.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        made = Release(client, folder / "kubeconfig")
        client.write_kubeconfig(made.kubeconfig)
        installed = made.helm(
            *("install", "llmtrain", str(CHART)),
            "--set=namespaces={team-a,team-b}",
            f"--set-json=allowed={json.dumps(_ALLOWED)}",
        )
        assert installed.returncode == 0, installed.stderr
        _wait_until_enforced(made)
        yield made


def _wait_until_enforced(release: Release) -> None:
    """A definition is served, and a policy in force, a moment after it is accepted."""
    deadline = time.monotonic() + _WITHIN_SECONDS
    while time.monotonic() < deadline:
        try:
            release.create({"image": "elsewhere:1"})
        except ApiRefusal as refusal:
            if "this cluster allows" in refusal.message:
                return
        time.sleep(_LOOK_SECONDS)
    raise AssertionError("nothing is refused")


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"image": "registry.example/team/trainer:2"},
        {"workspace": {"persistentVolumeClaim": {"claimName": "models", "subPath": "a"}}},
        {"workspace": {"storageClassName": "fast"}},
        {"volumes": [{"name": "a", "claimName": "models"}]},
        {"compute": {kind: {"tolerations": [{"key": "gpu"}]} for kind in ("head", "trainers")}},
    ],
    ids=str,
)
def test_what_is_allowed_is_accepted(release: Release, spec: Json) -> None:
    for namespace in ("team-a", "team-b"):
        release.create(spec, namespace)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"image": "registry.example/other:1"},
            "spec.image: this cluster allows images that begin with: registry.example/team/;",
        ),
        (
            {"workspace": {"persistentVolumeClaim": {"claimName": "secrets-of-others"}}},
            "spec.workspace.persistentVolumeClaim: this cluster allows claims: models;",
        ),
        (
            {"volumes": [{"name": n, "claimName": n} for n in ("models", "secrets-of-others")]},
            "spec.volumes: this cluster allows claims: models;",
        ),
        (
            {"workspace": {"storageClassName": "costly"}},
            "spec.workspace.storageClassName: this cluster allows storage classes: fast;",
        ),
        (
            {"policy": {"priorityClassName": "system-node-critical"}},
            "spec.policy.priorityClassName: this cluster allows priority classes: none;",
        ),
        *(
            (
                {"compute": {kind: {"tolerations": [{"key": "gpu"}, {"key": "control-plane"}]}}},
                "spec.compute.*.tolerations: this cluster allows tolerations with the keys: gpu;",
            )
            for kind in ("head", "trainers", "cpus")
        ),
    ],
    ids=str,
)
def test_more_is_refused_at_once_by_name(release: Release, spec: Json, message: str) -> None:
    for namespace in ("team-a", "team-b"):
        with pytest.raises(ApiRefusal) as refused:
            release.create(spec, namespace)
        assert message in refused.value.message
        assert "(the chart's value allowed." in refused.value.message


def test_a_job_cannot_ask_for_more_later(release: Release) -> None:
    release.create({}, dry_run=False)
    path = f"{_jobs('team-a')}/asking"

    def change(policy: dict[str, Any]) -> None:
        release.client.request("PATCH", path, {"spec": {"policy": policy}}, content=_MERGE)

    change({"suspend": True})
    with pytest.raises(ApiRefusal, match="priority classes"):
        change({"priorityClassName": "high"})
    release.client.request("DELETE", path)


def test_what_a_release_left_is_taken_over_by_another(release: Release) -> None:
    """As docs/kubernetes.md says: the definition stays, and so do the jobs."""
    release.create({}, dry_run=False)
    assert release.helm("uninstall", "llmtrain").returncode == 0
    again = ("install", "training", str(CHART))
    refused = release.helm(*again)
    assert "invalid ownership metadata" in refused.stderr
    taken = release.helm(*again, "--take-ownership")
    assert taken.returncode == 0, taken.stderr
    jobs = release.client.request("GET", _jobs("team-a"))["items"]
    assert [job["metadata"]["name"] for job in jobs] == ["asking"]
    assert release.helm("upgrade", *again[1:]).returncode == 0
