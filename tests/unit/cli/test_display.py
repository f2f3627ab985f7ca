"""What `llmtrain run` shows while it runs."""

import io

import pytest
from rich.console import Console
from support.job_harness import job_of

from llmtrain_api.stages import Stage
from llmtrain_api.status import Attempt, JobStatus, Progress, StageRun, StageState, StageStatus
from llmtrain_cli.local.display import RunDisplay, run_view

NOW = "2026-01-31T11:50:00Z"


@pytest.mark.parametrize("terminal", [True, False])
def test_the_warnings_of_a_finished_stage_are_shown_once_and_as_they_are(*, terminal: bool) -> None:
    file = io.StringIO()
    message = "[red]minWords[/] dropped 118 of 120 documents\n3 rows were skipped"
    data = StageStatus(
        name=Stage.DATA, runs=(StageRun(state=StageState.SUCCEEDED, message=message),)
    )
    status = JobStatus(stages=(data,))
    console = Console(file=file, force_terminal=terminal, width=300, no_color=True)
    with RunDisplay(job_of("data", "tokenizer"), console) as display:
        display.show(status)
        display.show(status)
    shown = file.getvalue()
    assert shown.count("data: warning: [red]minWords[/] dropped 118 of 120 documents") == 1
    assert shown.count("data: warning: 3 rows were skipped") == 1


def test_the_micro_batch_in_use_is_shown() -> None:
    progress = Progress(percent=5, stage=Stage.PRETRAIN, stage_percent=5, micro_batch_size=24)
    attempt = Attempt(number=0, submission_id="it", start_time=NOW)
    running = StageRun(state=StageState.RUNNING, attempt=attempt, start_time=NOW)
    stage = StageStatus(name=Stage.PRETRAIN, runs=(running,))
    file = io.StringIO()
    view = run_view(job_of(), JobStatus(stages=(stage,), progress=progress))
    Console(file=file, width=300).print(view)
    assert "micro batch 24" in file.getvalue()
