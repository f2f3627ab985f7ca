"""What others have written reaches the terminal as text, and does nothing there."""

import io
from pathlib import Path

import pytest
from rich.console import Console
from support.local_run import small_spec, write_manifest

from llmtrain.manifest import load_manifest
from llmtrain_api.goodput import Goodput, Seconds
from llmtrain_api.records import EvaluationReport, GateResult, Generation
from llmtrain_api.stages import Stage
from llmtrain_api.status import (
    EvaluationResult,
    JobStatus,
    Phase,
    StageRun,
    StageState,
    StageStatus,
)
from llmtrain_api.visible import visible
from llmtrain_api.workspace import Workspace
from llmtrain_cli.conclusion import conclude
from llmtrain_cli.local.display import RunDisplay
from llmtrain_cli.local.results import show_results

_EVIL = "[/INST] [bold]x[/bold] \x1b]0;title\x07\x1b]52;c;cm0=\x07\x9b2J\u202e"
_SHOWN = r"[/INST] [bold]x[/bold] \x1b]0;title\x07\x1b]52;c;cm0=\x07\x9b2J\u202e"


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=200, color_system="truecolor")


def _printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (_EVIL, _SHOWN),
        ("a\tb\nc", "a\tb\nc"),
        ("10 %\r20 %\r\n", "10 %\n20 %\n"),
        ("\x1b[36m(worker)\x1b[0m step", "(worker) step"),
        ("\x1b[2J\x1b[1;1H", r"\x1b[2J\x1b[1;1H"),
        ("grüße 你好 👍", "grüße 你好 👍"),
    ],
)
def test_control_characters_are_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_stage_s_message_is_shown_as_it_is(
    tmp_path: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the run goes, and when it has failed; the folder's name has brackets too."""
    monkeypatch.chdir(tmp_path)
    job = load_manifest(write_manifest(tmp_path, small_spec()))
    stage = StageStatus(
        name=Stage.DATA, runs=(StageRun(state=StageState.FAILED, reason="Bad", message=_EVIL),)
    )
    status = JobStatus(phase=Phase.FAILED, stages=(stage,))
    piped = Console(file=io.StringIO(), width=80)
    RunDisplay(job, piped).show(status)
    assert _printed(piped).splitlines() == [f"data      Failed      0 %  {_SHOWN}"]

    workspace = Workspace(tmp_path / "runs [x] [/y]")
    workspace.root.mkdir(parents=True)
    assert conclude(job, status, workspace, console) == 1
    assert _SHOWN in _printed(console)
    assert f"The report is in {workspace.root / 'report.html'}." in _printed(console)
    assert "\x1b]" not in _printed(console)


def test_what_models_write_and_prompts_ask_is_shown_as_it_is(
    tmp_path: Path, console: Console
) -> None:
    workspace = Workspace(tmp_path)
    report = EvaluationReport(
        results=(EvaluationResult(name="[red]acc[/red]", model="pretrained", value=1),),
        generations=(Generation(model="pretrained", prompt=_EVIL, text=_EVIL),),
        gates=(GateResult(metric="[red]acc[/red]", value=1, passed=True),),
    )
    workspace.evaluation_report.parent.mkdir()
    workspace.evaluation_report.write_text(report.model_dump_json())
    show_results(JobStatus(), workspace, console)
    assert _printed(console).count(_SHOWN) == 2
    assert "[red]acc[/red]" in _printed(console)
    assert "\x1b]" not in _printed(console)


def test_the_time_between_two_runs_is_not_what_it_took(tmp_path: Path, console: Console) -> None:
    goodput = Goodput(
        runtime_ratio=0.5,
        seconds=Seconds(productive=40, start_up=40, suspended=3600),
        observed_time="2026-01-01T02:00:00Z",
    )
    status = JobStatus(
        start_time="2026-01-01T00:00:00Z",
        completion_time="2026-01-01T02:00:00Z",
        goodput=goodput,
    )
    show_results(status, Workspace(tmp_path), console)
    assert "Took 1 min 20 s" in _printed(console)
