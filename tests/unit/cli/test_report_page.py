"""The report's page: all that there is, what is not there by name, and no markup from data."""

from pathlib import Path

import pytest
from support.local_run import small_spec

from llmtrain_api.data_report import Amount, DataReport, Example, StepReport
from llmtrain_api.manifest import parse_job
from llmtrain_api.results import EvaluationReport, GateResult, Generation
from llmtrain_api.stages import Stage
from llmtrain_api.status import EvaluationResult, JobStatus, Phase
from llmtrain_api.workspace import Workspace
from llmtrain_cli.report.page import render
from llmtrain_cli.report.sources import Run, read_sources

_SCRIPT = "<script>alert(1)</script>"
_SECTIONS = ("stages", "plan", "curves", "data", "evaluation", "generations", "repeat")


def _run(phase: Phase = Phase.SUCCEEDED) -> Run:
    document = {
        "apiVersion": "llmtrain.io/v1alpha1",
        "kind": "LLMTrainingJob",
        "metadata": {"name": "small"},
        "spec": small_spec(),
    }
    return Run(parse_job(document), JobStatus(phase=phase))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A finished pretraining, a data report and an evaluation, with markup in every text."""
    workspace = Workspace(tmp_path)
    lines = [f'{{"step": {n}, "loss": {6 - n / 10}, "seconds": 0.5}}\n' for n in range(1, 21)]
    lines.append('{"step": 20, "validationLoss": 4.1, "validationBitsPerByte": 2.2}\n')
    example = Example(source=_SCRIPT, rule="minWords", excerpt=_SCRIPT)
    step = StepReport(
        name="filter.length",
        came_in=Amount(documents=4321, bytes=90),
        dropped=Amount(documents=1234, bytes=30),
        examples=(example,),
    )
    data = DataReport(sources={}, steps=(step,), train=Amount(), validation=Amount())
    evaluation = EvaluationReport(
        results=(
            EvaluationResult(
                name="bitsPerByte", model="pretrained", value=2.3456, standard_error=0.0123
            ),
        ),
        generations=(Generation(model="pretrained", prompt=_SCRIPT, text=_SCRIPT),),
        gates=(GateResult(metric="bitsPerByte", value=2.3456, max=2.0, passed=False),),
    )
    for path, text in (
        (workspace.metrics(Stage.PRETRAIN), "".join(lines)),
        (workspace.data_report, data.model_dump_json()),
        (workspace.evaluation_report, evaluation.model_dump_json()),
    ):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return workspace


def test_shows_what_the_workspace_holds(workspace: Workspace) -> None:
    page = render(read_sources(workspace, _run()))
    assert all(f'id="{name}"' in page for name in _SECTIONS)
    for shown in ("1,234", "2.3456", "0.0123", "not met", "20,480", "Loss, pretrain", "2.05K/s"):
        assert shown in page


def test_text_from_data_is_never_markup(workspace: Workspace) -> None:
    page = render(read_sources(workspace, _run()))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 4


def test_needs_no_other_file(workspace: Workspace) -> None:
    page = render(read_sources(workspace, _run()))
    assert "default-src 'none'" in page
    assert '<link rel="stylesheet' not in page
    assert " src=" not in page


def test_names_what_is_missing_or_damaged(workspace: Workspace) -> None:
    workspace.data_report.write_text("{")
    workspace.evaluation_report.unlink()
    with workspace.metrics(Stage.PRETRAIN).open("a") as metrics:
        metrics.write('{"step": 2')
    page = render(read_sources(workspace, _run(Phase.RUNNING)))
    assert "data/report.json cannot be understood" in page
    assert "evaluation/report.json is not in the workspace" in page
    assert "metrics/finetune.jsonl is not in the workspace" in page
    assert "Loss, pretrain" in page
    assert "the run goes on" in page


@pytest.mark.parametrize("phase", [Phase.SUSPENDED, Phase.SUCCEEDED, Phase.FAILED])
def test_only_a_running_job_goes_on(tmp_path: Path, phase: Phase) -> None:
    assert "the run goes on" not in render(read_sources(Workspace(tmp_path), _run(phase)))
