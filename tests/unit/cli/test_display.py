"""What `llmtrain run` shows while it runs."""

import io

import pytest
from rich.console import Console
from support.job_harness import job_of

from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, StageRun, StageState, StageStatus
from llmtrain_cli.local.display import RunDisplay


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
