"""The pipeline, one reconcile after another, without failures."""

import pytest
from support.job_harness import GENERATION, NOW, SETTINGS, UID, JobHarness

from llmtrain_api.exit_codes import Outcome
from llmtrain_api.stages import Stage, StageGroup
from llmtrain_api.status import EvaluationResult, Phase, StageState
from llmtrain_lifecycle.decision import DeleteCluster, EnsureCluster, Submit
from llmtrain_lifecycle.run_config import render_run_config
from llmtrain_lifecycle.status_text import write_time


def _run_stage(harness: JobHarness, outcome: Outcome | None = None) -> str:
    """Run the stage that the job is at, pass by pass; its submission id."""
    name = harness.stage.name
    recorded = harness.reconcile()
    assert recorded.actions == ()
    assert recorded.requeue_after_seconds == 0
    assert harness.stage.state is StageState.STARTING
    submission_id = harness.attempt.submission_id
    assert submission_id == f"line-01234567-{name}-0"

    submitted = harness.reconcile()
    config = render_run_config(harness.job, UID, name, 0, SETTINGS)
    assert submitted.actions == (Submit(submission_id, config),)
    assert harness.attempt.submission_id == submission_id

    harness.submission = harness.running()
    assert harness.reconcile().actions == ()
    assert harness.stage.state is StageState.RUNNING
    assert harness.status.phase is Phase.RUNNING

    harness.end(outcome=outcome)
    assert harness.reconcile().requeue_after_seconds == 0
    assert harness.status.stage(name).state is StageState.SUCCEEDED
    assert harness.status.stage(name).completion_time == write_time(harness.now)
    harness.submission = None
    return submission_id


def test_the_whole_pipeline_reconcile_by_reconcile() -> None:
    harness = JobHarness()
    harness.cluster_ready = False
    assert harness.reconcile().actions == (EnsureCluster(harness.cluster_name, StageGroup.ALL),)
    assert harness.status.phase is Phase.PENDING
    harness.cluster_ready = True

    measured = EvaluationResult(name="bitsPerByte", model="finetuned", value=1.5)
    outcome = Outcome(reason="Completed", message="", evaluation=(measured,))
    ids = []
    for stage in Stage:
        assert harness.stage.name is stage
        assert harness.status.phase is (Phase.RUNNING if ids else Phase.PENDING)
        ids.append(_run_stage(harness, outcome if stage is Stage.EVALUATE else None))
        harness.wait(60)
    assert len(set(ids)) == 6

    harness.reconcile()
    assert harness.status.phase is Phase.SUCCEEDED
    assert harness.status.completion_time == write_time(harness.now)
    assert harness.status.start_time == write_time(NOW)
    assert harness.status.evaluation == (measured,)
    assert harness.status.observed_generation == GENERATION
    assert harness.reconcile().actions == (DeleteCluster(harness.cluster_name),)


def test_warnings_of_a_stage_that_succeeded_stay_in_its_status() -> None:
    harness = JobHarness("data", "tokenizer")
    warnings = ("minWords dropped 118 of 120 documents", "3 rows were skipped")
    _run_stage(harness, Outcome(reason="Completed", message="", warnings=warnings))
    assert harness.status.stage(Stage.DATA).run.message == "\n".join(warnings)
    _run_stage(harness)
    assert harness.status.stage(Stage.TOKENIZER).run.message is None


@pytest.mark.parametrize("stages", [("data",), ("data", "tokenizer"), ("evaluate", "export")])
def test_only_stages_whose_section_is_in_the_spec_are_run(stages: tuple[str, ...]) -> None:
    harness = JobHarness(*stages)
    for _ in stages:
        _run_stage(harness)
    harness.reconcile()
    assert harness.status.phase is Phase.SUCCEEDED
    assert tuple(stage.name for stage in harness.status.stages) == stages


def test_a_pass_whose_status_was_lost_submits_the_same_attempt_again() -> None:
    harness = JobHarness("data")
    harness.reconcile()
    first = harness.preview()
    assert harness.preview() == first
    assert isinstance(first.actions[0], Submit)


def test_no_stage_is_recorded_before_its_cluster_takes_submissions() -> None:
    harness = JobHarness("data")
    harness.cluster_ready = False
    assert isinstance(harness.reconcile().actions[0], EnsureCluster)
    for _ in range(3):
        assert harness.reconcile().actions == (EnsureCluster(harness.cluster_name, StageGroup.ALL),)
        assert harness.stage.state is StageState.PENDING
