"""The report's table of sources that were mixed by weights."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.report_workspace import SCRIPT, run, write_finished_run

from llmtrain_api.spec.data import Data
from llmtrain_api.stages import Stage
from llmtrain_api.tokenizer_report import SourceTokens, TokenizerReport
from llmtrain_api.workspace import Workspace
from llmtrain_cli.report.page import render
from llmtrain_cli.report.sources import Run, read_sources


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace of two sources, with 10 and 100 sequences of 64 tokens."""
    workspace = write_finished_run(tmp_path / "mixed")
    report = TokenizerReport.model_validate_json(workspace.tokenizer_report.read_text())
    sources = (
        SourceTokens(name=SCRIPT, train_tokens=10 * 64 + 1),
        SourceTokens(name="pythonDocs", train_tokens=100 * 64 + 50),
    )
    workspace.tokenizer_report.write_text(report.replace(sources=sources).model_dump_json())
    with workspace.metrics(Stage.PRETRAIN).open("a") as file:
        file.write('{"step": 19, "loss": 4.2, "sourceTokens": [1216, 18240]}\n')
        file.write('{"step": 20, "loss": 4.1, "sourceTokens": [1280, 19200]}\n')
        file.write('{"step": 20, "validationLoss": 4.1}\n')
    return workspace


def mixed_run() -> Run:
    """A run whose first source has a sixteenth of the weight, and a cap."""
    finished = run()
    sources = [
        {"files": {"paths": ["a"], "format": "text"}, "weight": 0.1, "maxEpochs": 2.5},
        {"pythonDocs": {}, "weight": 1.5},
    ]
    data = Data.model_validate({"sources": sources})
    job = finished.job
    return replace(finished, job=job.replace(spec=job.spec.replace(data=data)))


def test_shares_and_epochs_of_the_newest_step_are_shown(workspace: Workspace) -> None:
    page = render(read_sources(workspace, mixed_run()))
    number = '<td class="number">'
    for name, *cells in (
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "6.25%", "6.25%", "1,280", "2.00 of 2.5"),
        ("pythonDocs", "93.75%", "93.75%", "19,200", "3.00"),
    ):
        assert f"<tr><td>{name}{''.join(number + cell for cell in cells)}</tr>" in page


def test_a_run_without_weights_has_no_such_table(workspace: Workspace, tmp_path: Path) -> None:
    assert "Sources, pretrain" in render(read_sources(workspace, mixed_run()))
    plain = write_finished_run(tmp_path / "plain")
    assert "Sources, pretrain" not in render(read_sources(plain, run()))


def test_shares_without_the_tokens_report_say_so(workspace: Workspace) -> None:
    workspace.tokenizer_report.unlink()
    page = render(read_sources(workspace, mixed_run()))
    assert '<h3>Sources, pretrain</h3>\n<p class="missing">Not shown: tokens/report.json' in page
