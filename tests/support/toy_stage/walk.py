"""Takes a job with the toy stage through both sides of llmtrain that know it by its row alone.

Run in a process whose llmtrain has the toy stage.

    python walk.py FOLDER
"""

import sys
from pathlib import Path

from support.job_harness import SETTINGS, UID, JobHarness

from llmtrain.local.changes import blocking_changes
from llmtrain.local.state import RunState
from llmtrain_api.crd import custom_resource_definition
from llmtrain_api.exit_codes import Outcome
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.stages import Stage, StageGroup
from llmtrain_api.status import EvaluationResult, Phase
from llmtrain_api.workspace import Workspace
from llmtrain_cli.report.page import render
from llmtrain_cli.report.sources import Run, read_sources
from llmtrain_lifecycle.decision import Submit
from llmtrain_lifecycle.run_config import render_run_config
from llmtrain_lifecycle.time_left import remaining_seconds
from llmtrain_planner.plan import PlanOptions, plan_job
from llmtrain_trainer import __main__ as driver
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.stage import StageContext

TOY = Stage("toy")
SOURCES = {"sources": [{"pythonDocs": {}}]}


def job(**toy: object) -> LLMTrainingJob:
    """A job of the stages data and toy."""
    spec = {"data": SOURCES, "toy": {"word": "ox"} | toy}
    head = {"apiVersion": "llmtrain.io/v1alpha1", "kind": "LLMTrainingJob"}
    return LLMTrainingJob.model_validate(head | {"metadata": {"name": "line"}, "spec": spec})


def contract() -> None:
    """The resource and the rules have the stage."""
    spec = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"][
        "properties"
    ]["spec"]
    assert spec["properties"]["toy"]["properties"]["word"]["maxLength"] == 64
    assert any("has(self.toy)" in rule["rule"] for rule in spec["x-kubernetes-validations"])
    assert job().spec.stages == (Stage("data"), TOY)
    assert TOY.group is StageGroup.CPUS


def operator() -> JobHarness:
    """The state machine runs the stage; progress, time and status have it."""
    harness = JobHarness()
    harness.job = job()
    percents = []
    for stage in harness.job.spec.stages:
        assert harness.stage.name is stage
        recorded = harness.reconcile()
        assert recorded.actions == ()
        submitted = harness.reconcile()
        config = render_run_config(harness.job, UID, stage, 0, SETTINGS)
        assert submitted.actions == (Submit(f"line-01234567-{stage}-0", config),)
        harness.submission = harness.running()
        harness.reconcile(progress=harness.report(50))
        assert stage in remaining_seconds(harness.status, harness.now)
        percents.append(harness.status.progress.percent)
        lines = EvaluationResult(name="lines", model="toy", value=3)
        measured = (lines,) if stage is TOY else ()
        harness.end(outcome=Outcome(reason="Completed", message="", evaluation=measured))
        harness.reconcile()
        harness.submission = None
        harness.wait(60)
    # Data weighs 5, and the toy 15: half of the one, then the one and half of the other.
    assert percents == [12.5, 62.5], percents
    harness.reconcile()
    assert harness.status.phase is Phase.SUCCEEDED
    assert harness.status.evaluation[0].name == "lines"
    return harness


def command_line(harness: JobHarness, folder: Path) -> None:
    """Plan, report and the rules of going on have the stage."""
    workspace = Workspace(folder)
    assert plan_job(harness.job.spec, PlanOptions()).stages == ()
    page = render(read_sources(workspace, Run(harness.job, harness.status)))
    assert "toy" in page
    begun = {Stage("data")}
    assert not blocking_changes(job(), job(word="cow"), begun)
    assert [each.field for each in blocking_changes(job(), job(word="cow"), {TOY})] == [
        "spec.toy.word"
    ]
    assert not blocking_changes(job(), job(color="red"), {TOY})


def trainer(folder: Path) -> None:
    """The driver makes the product once for the same inputs, and anew for others."""

    def lines(**toy: object) -> tuple[int, int]:
        config = render_run_config(job(**toy), UID, TOY, 0, SETTINGS)
        config = config.replace(workspace=str(folder))
        tracker = ProgressTracker(config)
        result = driver._in_thread(StageContext(config, tracker), lambda: tracker.has_begun)
        assert tracker.report.percent == 100
        words = folder / "toy" / "words.txt"
        return int(result.evaluation[0].value), words.stat().st_ino

    count, file = lines()
    assert count == 3
    assert lines() == (3, file)
    assert lines(color="red") == (3, file)
    count, other = lines(times=4)
    assert count == 4
    assert other != file
    RunState(Workspace(folder)).clear()
    assert not (folder / "toy").exists()


if __name__ == "__main__":
    root = Path(sys.argv[1])
    contract()
    command_line(operator(), root)
    trainer(root)
