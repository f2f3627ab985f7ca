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


def _shown(progress: Progress) -> str:
    """The view of a run whose pretrain stage runs."""
    attempt = Attempt(number=0, submission_id="it", start_time=NOW)
    running = StageRun(state=StageState.RUNNING, attempt=attempt, start_time=NOW)
    stage = StageStatus(name=Stage.PRETRAIN, runs=(running,))
    file = io.StringIO()
    view = run_view(job_of(), JobStatus(stages=(stage,), progress=progress))
    Console(file=file, width=300).print(view)
    return file.getvalue()


def test_the_micro_batch_in_use_is_shown() -> None:
    progress = Progress(percent=5, stage=Stage.PRETRAIN, stage_percent=5, micro_batch_size=24)
    shown = _shown(progress)
    assert "micro batch 24" in shown
    assert "links" not in shown


def test_the_links_are_shown_with_the_slowest_worker_and_its_node() -> None:
    progress = Progress(
        percent=5,
        stage=Stage.PRETRAIN,
        stage_percent=5,
        bus_bandwidth=38.25e9,
        slowest_link_bandwidth=1.2e9,
    )
    line = "links: 38.2 GB/s over all workers, the slowest 1.2 GB/s"
    assert _shown(progress).splitlines()[-1] == line
    slow = progress.replace(slowest_rank=3, slowest_node="node-7")
    assert _shown(slow).splitlines()[-1] == f"{line}; slowest worker: rank 3 on node node-7"
