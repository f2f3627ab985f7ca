"""`llmtrain submit`, `status`, `suspend`, `resume` and `cancel`, as a person calls them."""

import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.cluster.api_client import ApiClient, Json
from support.cluster.binaries import binary
from support.cluster.control_plane import running_api_server
from support.cluster.jobs import JOBS, full_pipeline_job, with_change
from support.command_line import CommandLine
from support.limited_user import kubeconfig_of
from support.nodeless_cluster import NodelessCluster
from support.nodeless_job import wait_until
from support.restricted_jobs import (
    delete_jobs,
    make_ended_job,
    make_job,
    restricted_operator,
)

from llmtrain_api.manifest import parse_job
from llmtrain_api.names import RUN_CONFIG_FILE
from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageState

_COMMANDS = ("status", "logs", "suspend", "resume", "cancel")


@pytest.fixture(scope="module", autouse=True)
def _operator(cluster: NodelessCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with restricted_operator(cluster, tmp_path_factory.mktemp("operator")):
        yield


@pytest.fixture(autouse=True)
def _no_job_outlives_its_test(cluster: NodelessCluster) -> Iterator[None]:
    yield
    delete_jobs(cluster)


@pytest.fixture
def llmtrain(cluster: NodelessCluster, tmp_path: Path) -> CommandLine:
    return CommandLine(cluster.kubeconfig, tmp_path)


def _manifest(folder: Path, body: Json) -> Path:
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump(body))
    return path


def test_submit_starts_a_job_once(
    cluster: NodelessCluster, llmtrain: CommandLine, tmp_path: Path
) -> None:
    cluster.ray.endless = ("data-0",)
    manifest = _manifest(tmp_path, full_pipeline_job("submitted"))
    started = llmtrain.run("submit", manifest)
    assert (started.code, started.err) == (0, "")
    assert "llmtrain logs submitted -n default --follow" in started.out
    before = cluster.client.request("GET", f"{JOBS}/submitted")["metadata"]["uid"]
    again = llmtrain.run("submit", manifest)
    assert again.code == 2
    assert "submitted is in namespace default already" in again.err
    assert cluster.client.request("GET", f"{JOBS}/submitted")["metadata"]["uid"] == before


def test_a_manifest_of_a_megabyte_reaches_the_driver_whole(
    cluster: NodelessCluster, llmtrain: CommandLine, tmp_path: Path
) -> None:
    cluster.ray.endless = ("data-0",)
    sources = [
        {"files": {"paths": [f"{n:03}{'x' * 960}.txt" for n in range(256)], "format": "text"}}
        for _ in range(4)
    ]
    manifest = _manifest(
        tmp_path, with_change(full_pipeline_job("long"), "spec.data.sources", sources)
    )
    assert 0.95 < manifest.stat().st_size / 2**20 < 1

    started = llmtrain.run("submit", manifest)

    assert (started.code, started.err) == (0, "")
    wait_until(lambda: _state_of(cluster, "long", Stage.DATA) == StageState.RUNNING)
    body = cluster.client.request("GET", f"{JOBS}/long")
    assert len(json.dumps(body["status"])) < 10_000
    attempt = JobStatus.model_validate(body["status"]).stage(Stage.DATA).run.attempt
    assert attempt is not None
    with zipfile.ZipFile(io.BytesIO(cluster.ray.package_of[attempt.submission_id])) as package:
        config = RunConfig.model_validate_json(package.read(RUN_CONFIG_FILE))
    assert config.data == parse_job(yaml.safe_load(manifest.read_text())).spec.data


def _state_of(cluster: NodelessCluster, name: str, stage: Stage) -> StageState:
    status = cluster.client.request("GET", f"{JOBS}/{name}").get("status", {})
    return JobStatus.model_validate(status).stage(stage).state


def test_submit_names_the_wrong_field_before_it_asks_a_cluster(tmp_path: Path) -> None:
    wrong = with_change(full_pipeline_job("wrong"), "spec.tokenizer.vocabularySize", 1)
    manifest = _manifest(tmp_path, wrong)
    refused = CommandLine(None, tmp_path).run("submit", manifest)
    assert refused.code == 2
    assert f"{manifest}: spec.tokenizer.vocabularySize" in refused.err


def test_submit_refuses_a_home_folder_that_no_cluster_has(tmp_path: Path) -> None:
    job = with_change(full_pipeline_job("home"), "spec.tokenizer", {"pretrained": "~/tokenizer"})
    manifest = _manifest(tmp_path, job)
    refused = CommandLine(None, tmp_path).run("submit", manifest)
    assert refused.code == 2
    assert f"{manifest}: ~/tokenizer: a cluster has no home folder" in refused.err


def test_submit_into_a_namespace_that_is_not_there(llmtrain: CommandLine, tmp_path: Path) -> None:
    refused = llmtrain.run(
        "submit", _manifest(tmp_path, full_pipeline_job("lost")), "-n", "nowhere"
    )
    assert (refused.code, refused.err) == (1, 'namespaces "nowhere" not found\n')


def test_status_shows_where_a_job_stands(
    cluster: NodelessCluster, llmtrain: CommandLine, tmp_path: Path
) -> None:
    make_job(cluster, "standing").wait_for_phase(Phase.SUCCEEDED)
    (tmp_path / "standing").mkdir()  # of a run on this machine
    shown = llmtrain.run("status", "standing", "-n", "default")
    assert shown.code == 0
    assert all(word in shown.out for word in ("standing", "data", "tokenizer", "Succeeded"))
    output = llmtrain.run("status", "standing", "-n", "default", "-o", "json")
    assert json.loads(output.out)["phase"] == "Succeeded"


def test_the_commands_are_a_plugin_of_kubectl(
    cluster: NodelessCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", plugins, prepend=os.pathsep)
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    asked = _kubectl("llmtrain", "status", "nobody", "--namespace", "default")
    assert asked.returncode == 2
    assert "there is no job nobody in namespace default" in asked.stderr
    assert "Usage: kubectl llmtrain status" in _kubectl("llmtrain", "status", "--help").stdout


def _kubectl(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [binary("kubectl"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", _COMMANDS)
def test_an_unknown_job(llmtrain: CommandLine, command: str) -> None:
    unknown = llmtrain.run(command, "nobody")
    assert (unknown.code, unknown.out) == (2, "")
    assert "there is no job nobody in namespace default" in unknown.err
    no_name = llmtrain.run(command, "No body?")
    assert (no_name.code, no_name.out) == (2, "")
    assert "no job has the name 'No body?'" in no_name.err


def test_suspend_and_resume(cluster: NodelessCluster, llmtrain: CommandLine) -> None:
    cluster.ray.endless = ("data-0", "data-1")
    job = make_job(cluster, "paused")
    job.wait_for_stage(Stage.DATA, StageState.RUNNING)
    idle = llmtrain.run("resume", "paused")
    assert (idle.code, idle.err) == (2, "paused is not suspended\n")
    stopped = llmtrain.run("suspend", "paused")
    assert (stopped.code, stopped.err) == (0, "")
    assert "`llmtrain resume paused` goes on" in stopped.out
    job.wait_for_phase(Phase.SUSPENDED)
    assert llmtrain.run("resume", "paused").code == 0
    job.wait_until(lambda status: status.stage(Stage.DATA).run.next_attempt == 2)
    job.wait_for_stage(Stage.DATA, StageState.RUNNING)


def test_what_cannot_be_suspended_or_resumed(
    cluster: NodelessCluster, llmtrain: CommandLine
) -> None:
    job = make_ended_job(cluster, "over")
    for command in ("suspend", "resume"):
        final = llmtrain.run(command, "over")
        assert (final.code, final.err) == (2, "over has ended (Succeeded), which is final\n")
    assert not job.body["spec"].get("policy", {}).get("suspend")


def test_cancel_removes_a_job(cluster: NodelessCluster, llmtrain: CommandLine) -> None:
    cluster.ray.endless = ("data-0",)
    make_job(cluster, "unwanted").wait_for_stage(Stage.DATA, StageState.RUNNING)
    removed = llmtrain.run("cancel", "unwanted")
    assert (removed.code, removed.err) == (0, "")
    assert "unwanted is removed; its workspace stays." in removed.out
    assert "unwanted" not in _jobs(cluster)


def test_cancel_lets_a_checkpoint_be_committed_first(
    cluster: NodelessCluster, llmtrain: CommandLine
) -> None:
    cluster.ray.endless = ("data-0",)
    job = make_job(cluster, "careful")
    job.wait_for_stage(Stage.DATA, StageState.RUNNING)
    cluster.proxy.writes.clear()
    removed = llmtrain.run("cancel", "careful", "--checkpoint")
    assert (removed.code, removed.err) == (0, "")
    writes = [(method, path.rpartition("/")[2]) for method, path in cluster.proxy.writes]
    stop, delete = writes.index(("POST", "stop")), writes.index(("DELETE", "careful"))
    assert ("PUT", "status") in writes[stop:delete], "the operator saw it stop"
    assert "careful" not in _jobs(cluster)


def test_cancel_waits_for_a_checkpoint_no_longer_than_its_timeout(
    cluster: NodelessCluster, llmtrain: CommandLine
) -> None:
    cluster.ray.endless = cluster.ray.stubborn = ("data-0",)
    job = make_job(cluster, "stubborn")
    job.wait_for_stage(Stage.DATA, StageState.RUNNING)
    late = llmtrain.run("cancel", "stubborn", "--checkpoint", "--timeout-seconds", "1")
    assert late.code == 1
    assert "it has not stopped within 1 s; stubborn still stops after a checkpoint" in late.err
    assert "`llmtrain resume stubborn` lets it go on" in late.err
    assert job.body["spec"]["policy"]["suspend"] is True, "it is there, and stops when it can"

    with llmtrain.running("cancel", "stubborn", "--checkpoint") as waiting:
        waiting.wait_until(lambda: "Waiting" in waiting.out)
        waiting.interrupt()
        interrupted = waiting.wait()
    assert interrupted.code == 130
    assert "`llmtrain resume stubborn` lets it go on" in interrupted.err
    assert job.body["spec"]["policy"]["suspend"] is True


def _jobs(cluster: NodelessCluster) -> set[str]:
    items = cluster.client.request("GET", JOBS)["items"]
    return {job["metadata"]["name"] for job in items}


@pytest.mark.parametrize("command", _COMMANDS)
def test_a_cluster_named_by_the_options_of_kubectl(
    cluster: NodelessCluster, tmp_path: Path, command: str
) -> None:
    both = tmp_path / "kubeconfig"
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["clusters"].append({"name": "far", "cluster": {"server": "http://127.0.0.1:1"}})
    user = config["users"][0]["name"]
    config["contexts"].append({"name": "far", "context": {"cluster": "far", "user": user}})
    near, config["current-context"] = config["current-context"], "far"
    both.write_text(yaml.safe_dump(config))
    options = ("--kubeconfig", str(both), "--context", near)
    found = CommandLine(None, tmp_path).run(command, "lost", *options)
    assert found.code == 2
    assert found.err.startswith("there is no job lost in namespace default")


@pytest.mark.parametrize("command", _COMMANDS)
def test_who_has_no_rights(cluster: NodelessCluster, tmp_path: Path, command: str) -> None:
    user, like = f"nobody-{command}", cluster.kubeconfig
    kubeconfig = kubeconfig_of(cluster.client, user, [], like=like, folder=tmp_path)
    refused = CommandLine(kubeconfig, tmp_path).run(command, "secret")
    assert (refused.code, refused.out) == (1, "")
    assert f'{user}" cannot get resource "llmtrainingjobs"' in refused.err


def test_a_cluster_without_llmtrain(bare: ApiClient, tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    bare.write_kubeconfig(kubeconfig)
    llmtrain = CommandLine(kubeconfig, tmp_path)
    manifest = _manifest(tmp_path, full_pipeline_job("early"))
    for arguments in (["submit", manifest], *([command, "early"] for command in _COMMANDS)):
        refused = llmtrain.run(*arguments)
        output = "the cluster does not know LLMTrainingJobs: install llmtrain on it first\n"
        assert (refused.code, refused.out, refused.err) == (1, "", output)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    with running_api_server(tmp_path_factory.mktemp("bare")) as client:
        yield client


def _of_cluster(**fields: str) -> dict[str, Any]:
    return {"clusters": [{"name": "test", "cluster": fields}]}


def test_no_kubeconfig(tmp_path: Path) -> None:
    for kubeconfig in (None, tmp_path / "missing"):
        refused = CommandLine(kubeconfig, tmp_path).run("status", "lost")
        assert (refused.code, refused.out) == (1, "")
        assert "no cluster is known (KUBECONFIG, ~/.kube/config)" in refused.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"current-context": "typo"}, "Expected object with name typo"),
        (_of_cluster(server="http://127.0.0.1:1"), "cannot be reached: Cannot connect to host"),
        (
            _of_cluster(server="https://127.0.0.1:1", **{"certificate-authority-data": "Zm9v"}),
            "the kubeconfig cannot be used",
        ),
        ({"users": [{"name": "test", "user": {"token": "old"}}]}, "the API server does not know"),
    ],
)
def test_a_wrong_kubeconfig(
    cluster: NodelessCluster, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(yaml.safe_load(cluster.kubeconfig.read_text()) | change))
    refused = CommandLine(kubeconfig, tmp_path).run("status", "lost")
    assert refused.code in {1, 2}
    assert refused.out == ""
    assert words in refused.err


def test_a_kubeconfig_that_is_no_yaml(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("clusters: [")
    refused = CommandLine(kubeconfig, tmp_path).run("status", "lost")
    assert (refused.code, refused.out) == (2, "")
    assert "the kubeconfig cannot be used" in refused.err
