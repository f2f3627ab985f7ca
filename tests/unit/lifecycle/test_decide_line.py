"""The line of stages, one pass after another, when nothing goes wrong."""

import pytest
from support.passes import GENERATION, NOW, SETTINGS, UID, Passes

from llmtrain_api.exit_codes import Outcome
from llmtrain_api.stages import Stage, StageGroup
from llmtrain_api.status import EvaluationResult, Phase, StageState
from llmtrain_lifecycle.decision import DeleteCluster, EnsureCluster, Submit
from llmtrain_lifecycle.run_config import render_run_config
from llmtrain_lifecycle.status_text import write_time


def _run_stage(passes: Passes, outcome: Outcome | None = None) -> str:
    """Run the stage that the job is at, pass by pass; its submission id."""
    name = passes.stage.name
    recorded = passes.make()
    assert recorded.actions == ()
    assert recorded.requeue_after_seconds == 0
    assert passes.stage.state is StageState.STARTING
    submission_id = passes.stage.submission_id
    assert submission_id == f"line-01234567-{name}-0"

    submitted = passes.make()
    config = render_run_config(passes.job, UID, name, 0, SETTINGS)
    assert submitted.actions == (Submit(submission_id, config),)
    assert passes.stage.submission_id == submission_id

    passes.submission = passes.running()
    assert passes.make().actions == ()
    assert passes.stage.state is StageState.RUNNING
    assert passes.status.phase is Phase.RUNNING

    passes.end(outcome=outcome)
    assert passes.make().requeue_after_seconds == 0
    assert passes.status.stage(name).state is StageState.SUCCEEDED
    assert passes.status.stage(name).completion_time == write_time(passes.now)
    passes.submission = None
    return submission_id


def test_the_whole_line_pass_by_pass() -> None:
    passes = Passes()
    passes.cluster_ready = False
    assert passes.make().actions == (EnsureCluster(passes.cluster_name, StageGroup.ALL),)
    assert passes.status.phase is Phase.PENDING
    passes.cluster_ready = True

    measured = EvaluationResult(name="bitsPerByte", model="finetuned", value=1.5)
    outcome = Outcome(reason="Completed", message="", evaluation=(measured,))
    ids = []
    for stage in Stage:
        assert passes.stage.name is stage
        assert passes.status.phase is (Phase.RUNNING if ids else Phase.PENDING)
        ids.append(_run_stage(passes, outcome if stage is Stage.EVALUATE else None))
        passes.wait(60)
    assert len(set(ids)) == 6

    passes.make()
    assert passes.status.phase is Phase.SUCCEEDED
    assert passes.status.completion_time == write_time(passes.now)
    assert passes.status.start_time == write_time(NOW)
    assert passes.status.evaluation == (measured,)
    assert passes.status.observed_generation == GENERATION
    assert passes.make().actions == (DeleteCluster(passes.cluster_name),)


def test_warnings_of_a_stage_that_succeeded_stay_in_its_status() -> None:
    passes = Passes("data", "tokenizer")
    warnings = ("minWords dropped 118 of 120 documents", "3 rows were skipped")
    _run_stage(passes, Outcome(reason="Completed", message="", warnings=warnings))
    assert passes.status.stage(Stage.DATA).message == "\n".join(warnings)
    _run_stage(passes)
    assert passes.status.stage(Stage.TOKENIZER).message is None


@pytest.mark.parametrize("stages", [("data",), ("data", "tokenizer"), ("evaluate", "export")])
def test_only_stages_whose_section_is_in_the_spec_are_run(stages: tuple[str, ...]) -> None:
    passes = Passes(*stages)
    for _ in stages:
        _run_stage(passes)
    passes.make()
    assert passes.status.phase is Phase.SUCCEEDED
    assert tuple(stage.name for stage in passes.status.stages) == stages


def test_a_pass_whose_status_was_lost_submits_the_same_attempt_again() -> None:
    passes = Passes("data")
    passes.make()
    first = passes.look()
    assert passes.look() == first
    assert isinstance(first.actions[0], Submit)


def test_no_stage_is_recorded_before_its_cluster_takes_submissions() -> None:
    passes = Passes("data")
    passes.cluster_ready = False
    assert isinstance(passes.make().actions[0], EnsureCluster)
    for _ in range(3):
        assert passes.make().actions == (EnsureCluster(passes.cluster_name, StageGroup.ALL),)
        assert passes.stage.state is StageState.PENDING
