"""`llmtrain run` on a real Ray and a real DeepSpeed: the whole pipeline, kills, single stages."""

import signal
import subprocess
from pathlib import Path

import pytest
from support.local_run import (
    LLMTRAIN,
    LocalRun,
    run_to_the_end,
    small_spec,
    step_records,
    write_corpus,
    write_manifest,
)
from support.strangers_folder import strangers_folder, what_ran

from llmtrain_api.records import EvaluationReport
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("local")
    write_corpus(folder)
    return folder


@pytest.fixture(scope="module")
def uninterrupted(folder: Path) -> Workspace:
    """The workspace of a run that nobody disturbed."""
    manifest = write_manifest(folder, small_spec())
    code, output = run_to_the_end(manifest, folder / "uninterrupted")
    assert code == 0, output
    assert "bitsPerByte" in output
    assert "llmtrain chat" in output
    return Workspace(folder / "uninterrupted")


def test_the_pipeline_ends_in_an_evaluated_model(uninterrupted: Workspace, tmp_path: Path) -> None:
    report = EvaluationReport.model_validate_json(uninterrupted.evaluation_report.read_bytes())
    measured = {(result.model, result.name): result.value for result in report.results}
    assert measured["pretrained", "bitsPerByte"] < 4
    assert [gate.passed for gate in report.gates] == [True]
    assert {generation.model for generation in report.generations} == {"pretrained", "finetuned"}
    stranger = strangers_folder(tmp_path / "downloads")
    answer = subprocess.run(
        [LLMTRAIN, "chat", str(uninterrupted.export), "--ask", "Who lives?"],
        capture_output=True,
        text=True,
        check=True,
        cwd=stranger,
    )
    assert answer.stdout.strip()
    assert what_ran(stranger) == []


def test_logs_of_a_run_without_trouble_have_no_traceback(uninterrupted: Workspace) -> None:
    logs = [uninterrupted.log(stage, 0) for stage in Stage]
    assert [log.name for log in logs if "Traceback" in log.read_text()] == []


def test_kills_change_nothing(folder: Path, uninterrupted: Workspace) -> None:
    """A worker that just starts, one, a driver, Ray, the run, then Ctrl-C: the steps are the same.

    The manifest has nearly a megabyte here, for it names the same file over and over.
    """
    sections = ("compute", "data", "tokenizer", "model", "pretrain", "policy")
    spec = {key: small_spec()[key] for key in sections}
    paths = [f"{'./' * (200 + number)}documents.jsonl" for number in range(256)]
    spec["data"]["sources"] = [{"files": {"paths": [*paths], "format": "jsonl"}} for _ in range(5)]
    manifest = write_manifest(folder, spec, name="killed")
    with LocalRun(manifest, folder / "killed") as run:
        run.wait_for_process("RayTrainWorker")
        run.kill("RayTrainWorker")
        run.wait_for_step(40)
        run.kill("RayTrainWorker")
        run.wait_for_step(110)
        run.kill("-m llmtrain_trainer")
        run.wait_for_step(160)
        run.kill("gcs_server")
        run.wait_for_step(210)

    reached = max(record["step"] for record in run.records())
    with LocalRun(manifest, folder / "killed") as again:
        again.wait_for_step(reached + 20)
        again.process.send_signal(signal.SIGINT)
        code, output = again.wait()
    assert code == 130, output
    assert "Stopping after a checkpoint" in output

    code, output = run_to_the_end(manifest, folder / "killed")
    assert code == 0, output
    killed = Workspace(folder / "killed")
    assert step_records(killed) == step_records(uninterrupted)
    pretrained, expected = (
        (workspace.model("pretrained") / "model.safetensors").read_bytes()
        for workspace in (killed, uninterrupted)
    )
    assert pretrained == expected


def test_ranks_start_before_the_first_stage_that_trains_and_live_on(
    uninterrupted: Workspace,
) -> None:
    for stage in (Stage.PRETRAIN, Stage.FINETUNE, Stage.EVALUATE):
        log = uninterrupted.log(stage, 0).read_text()
        assert "RayTrainWorker" in log
        assert "TrainController" not in log


def test_kills_of_a_warm_group_change_nothing(folder: Path, uninterrupted: Workspace) -> None:
    """Its keeper between two stages, then its controller and the driver of the second stage.

    After the first of them the second stage runs in processes of its own.
    """
    manifest = write_manifest(folder, small_spec(), name="warm")
    with LocalRun(manifest, folder / "warm") as run:
        run.wait_for_log(Stage.FINETUNE)
        run.kill("ray::Keeper")
        run.wait_for_step(15, Stage.FINETUNE)
        run.kill("ray::TrainController")
        run.wait_for_step(25, Stage.FINETUNE)
        run.kill("-m llmtrain_trainer")
        code, output = run.wait()
    assert code == 0, output
    killed = Workspace(folder / "warm")
    assert "TrainController" in killed.log(Stage.FINETUNE, 0).read_text()
    assert step_records(killed, Stage.FINETUNE) == step_records(uninterrupted, Stage.FINETUNE)
    finetuned, expected = (
        (workspace.model("finetuned") / "model.safetensors").read_bytes()
        for workspace in (killed, uninterrupted)
    )
    assert finetuned == expected


def test_a_stop_before_the_first_step_waits_for_none(folder: Path) -> None:
    with LocalRun(write_manifest(folder, small_spec()), folder / "early") as run:
        run.wait_for_log(Stage.PRETRAIN, "Connected to Ray")
        run.process.send_signal(signal.SIGINT)
        code, output = run.wait()
    assert code == 130, output
    assert run.records() == []
    assert "stopped before its first step" in run.workspace.log(Stage.PRETRAIN, 0).read_text()


def test_a_finished_run_is_shown_again_and_not_repeated(
    folder: Path, uninterrupted: Workspace
) -> None:
    before = uninterrupted.evaluation_report.stat().st_mtime_ns
    code, output = run_to_the_end(write_manifest(folder, small_spec()), uninterrupted.root)
    assert code == 0
    assert "bitsPerByte" in output
    assert uninterrupted.evaluation_report.stat().st_mtime_ns == before


def test_another_manifest_may_not_use_the_workspace(folder: Path, uninterrupted: Workspace) -> None:
    spec = small_spec() | {"seed": 5}
    code, output = run_to_the_end(write_manifest(folder, spec, name="other"), uninterrupted.root)
    assert code == 2
    assert "changed: metadata.name, spec.seed" in output
    assert "--fresh" in output


def test_only_data_and_tokenizer(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    spec = {key: small_spec()[key] for key in ("compute", "data", "tokenizer")}
    workspace = Workspace(tmp_path / "tokens")
    code, output = run_to_the_end(write_manifest(tmp_path, spec), workspace.root)
    assert code == 0, output
    assert (workspace.tokens / "train" / "index.json").is_file()
    assert not (workspace.root / "models").exists()

    with (tmp_path / "documents.jsonl").open("a") as documents:
        documents.write('{"text": "one more"}\n')
    more = spec | {key: small_spec()[key] for key in ("model", "pretrain")}
    code, output = run_to_the_end(write_manifest(tmp_path, more), workspace.root)
    assert code == 2
    assert "the stage data has read are not what they were" in output
    assert "documents.jsonl (changed)" in output


def test_only_finetune_on_an_existing_model(folder: Path, uninterrupted: Workspace) -> None:
    finetune = small_spec()["finetune"] | {"method": "lora", "lora": {"rank": 4, "alpha": 8}}
    spec = {
        "compute": small_spec()["compute"],
        "model": {"initFrom": str(uninterrupted.model("pretrained"))},
        "finetune": finetune,
    }
    code, output = run_to_the_end(write_manifest(folder, spec, name="chat"), folder / "chat")
    assert code == 0, output
    workspace = Workspace(folder / "chat")
    losses = [r["loss"] for r in step_records(workspace, Stage.FINETUNE) if "loss" in r]
    assert losses
    model = workspace.model("finetuned")
    assert (model / "model.safetensors").is_file()
    assert not list(model.glob("adapter*"))  # the adapters are merged: plain transformers loads it


def test_only_evaluate_and_a_gate_that_is_not_met(folder: Path, uninterrupted: Workspace) -> None:
    spec = {
        "model": {"initFrom": str(uninterrupted.export)},
        "evaluate": {
            "data": {
                "sources": [{"files": {"paths": ["documents.jsonl"], "format": "jsonl"}}],
                "steps": [{"unicode": {}}, {"length": {"minWords": 5}}, {"exactDedup": {}}],
            },
            "gates": [{"metric": "bitsPerByte", "max": 0.001}],
        },
    }
    code, output = run_to_the_end(write_manifest(folder, spec, name="gate"), folder / "gate")
    assert code == 1
    assert "bitsPerByte" in output
    assert "not met" in output
    assert "Traceback" not in output


def test_broken_data_is_said_with_its_line(folder: Path) -> None:
    lines = (folder / "documents.jsonl").read_text().splitlines()
    lines[6] = '{"text": "never closed'
    (folder / "broken.jsonl").write_text("\n".join(lines))
    spec = {key: small_spec()[key] for key in ("compute", "data")}
    spec["data"]["sources"][0]["files"]["paths"] = ["broken.jsonl"]
    code, output = run_to_the_end(write_manifest(folder, spec, name="broken"), folder / "broken")
    assert code == 1
    assert "broken.jsonl" in output
    assert "line 7" in output or ":7" in output
    assert "Traceback" not in output


def test_a_workspace_holds_one_run_at_a_time(folder: Path) -> None:
    manifest = write_manifest(folder, small_spec())
    with LocalRun(manifest, folder / "busy") as first:
        while not (first.workspace.private / "run.json").exists():
            assert first.process.poll() is None
        code, output = LocalRun(manifest, folder / "busy").wait()
        assert code == 2
        assert f"in use by another run (process {first.process.pid})" in output
