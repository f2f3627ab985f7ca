"""The report's page: all that there is, what is not there by name, and no markup from data."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from support.job_harness import NOW
from support.report_workspace import run, write_finished_run

from llmtrain_api.stages import Stage
from llmtrain_api.status import Condition, ConditionStatus, Phase, Progress
from llmtrain_api.workspace import Workspace
from llmtrain_cli.exits import WRONG_INPUT
from llmtrain_cli.report.command import report
from llmtrain_cli.report.page import render
from llmtrain_cli.report.reading import Unavailable
from llmtrain_cli.report.sources import read_sources
from llmtrain_cli.report.views.summary import plan_rows
from llmtrain_lifecycle.status_text import write_time

_SECTIONS = (
    "stages",
    "plan",
    "time",
    "bill",
    "curves",
    "data",
    "tokenizer",
    "evaluation",
    "generations",
    "repeat",
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return write_finished_run(tmp_path)


def test_shows_what_the_workspace_holds(workspace: Workspace) -> None:
    page = render(read_sources(workspace, run()))
    assert all(f'id="{name}"' in page for name in _SECTIONS)
    for shown in ("1,234", "2.3456", "0.0123", "not met", "20,480", "Loss, pretrain", "2.05K/s"):
        assert shown in page


def test_the_links_between_workers_are_shown_where_they_were_measured(
    workspace: Workspace,
) -> None:
    finished = run()
    assert "bus bandwidth" not in render(read_sources(workspace, finished))
    progress = Progress(
        percent=100,
        stage=Stage.EXPORT,
        stage_percent=100,
        bus_bandwidth=4e10,
        slowest_link_bandwidth=1.2e9,
        slowest_rank=3,
        slowest_node="node-7",
    )
    measured = replace(finished, status=finished.status.replace(progress=progress))
    page = render(read_sources(workspace, measured))
    assert "<dt>bus bandwidth</dt><dd>40 GB/s</dd>" in page
    assert "<dt>slowest link</dt><dd>1.2 GB/s, rank 3 on node-7</dd>" in page


def test_the_funnel_says_how_many_documents_are_left(workspace: Workspace) -> None:
    page = render(read_sources(workspace, run()))
    assert "3,087 of 4,321 documents are left, 1,234 dropped" in page
    assert 'width="71.442%"' in page


def test_the_micro_batch_is_shown_as_planned_and_as_it_came(workspace: Workspace) -> None:
    rows = plan_rows(run(), read_sources(workspace, run()))
    assert not isinstance(rows, Unavailable)
    row = next(each for each in rows if each.quantity == "micro batch")
    assert (row.planned, row.came) == ("8", "16")


def test_what_became_of_each_source_is_shown(workspace: Workspace) -> None:
    shown = render(read_sources(workspace, run()))
    assert "gopher minWords 1,234" in shown
    assert '<td>Latin<td class="number">4,321<td class="number">3,087<td' in shown
    assert '<td class="number">1,323<td class="number">100.0%' in shown
    assert '<td class="number">17</tr>' in shown


def test_lengths_and_scores_are_drawn(workspace: Workspace) -> None:
    shown = render(read_sources(workspace, run()))
    assert '<td>512 to 1,023<td class="number">2<td class="drawn"><svg' in shown
    assert '<td>0.3 to 0.35<td class="number">2<td class="drawn"><svg' in shown


def test_the_tokenizer_is_shown_beside_the_other_one(workspace: Workspace) -> None:
    page = render(read_sources(workspace, run()))
    assert "50,257" in page
    assert "56,789" in page
    assert '<td class="number">4.20<td class="number">2.10</tr>' in page


def test_clusters_of_alike_documents_are_shown_with_the_one_that_stays(
    workspace: Workspace,
) -> None:
    shown = render(read_sources(workspace, run()))
    row = '<td>1,025 to 2,048<td class="number">1<td class="number">1,765</tr>'
    assert row in shown
    assert "1,765 documents; this one stays" in shown
    assert "similarity 0.92" in shown


def test_copies_of_training_documents_are_shown_by_way(workspace: Workspace) -> None:
    shown = render(read_sources(workspace, run()))
    counts = "".join(f'<td class="number">{count}' for count in ("3,080", "3,074", "59"))
    assert f"<tr><td>randomSwap{counts}<td>unchanged 6</tr>" in shown
    assert "3,074 changed copies to train on, 59 bytes" in shown
    assert "Examples of randomSwap" in shown


def test_lines_that_were_taken_out_are_shown_by_their_frequency(workspace: Workspace) -> None:
    shown = render(read_sources(workspace, run()))
    assert "6,180 that stand in documents before were taken out, 33,988 bytes" in shown
    assert "in 1,618 documents; the first keeps it" in shown


def test_scores_are_shown_with_a_document_of_each_range(workspace: Workspace) -> None:
    shown = render(read_sources(workspace, run()))
    assert "Scores of classifier" in shown
    assert '<td>0.75 to 0.8<td class="number">2' in shown
    assert '<p class="who">0.761, from ' in shown


def test_misspelled_words_are_shown_with_the_right_ones(workspace: Workspace) -> None:
    shown = render(read_sources(workspace, run()))
    assert "271 words, 8,281 times in all, would be corrected." in shown
    assert '<td class="number">1,605<td>receive</tr>' in shown


def test_groups_of_people_are_shown_with_the_share_of_negative_sentences(
    workspace: Workspace,
) -> None:
    shown = render(read_sources(workspace, run()))
    assert "he 1,732, she 1,414, they 2,236" in shown
    for row in (("all", "31,415", "926", "2.9%"), ("gender: women", "1,810", "181", "10.0%")):
        name, *figures = row
        cells = "".join(f'<td class="number">{figure}' for figure in figures)
        assert f"<tr><td>{name}{cells}</tr>" in shown


def test_evaluation_questions_in_training_texts_are_shown(workspace: Workspace) -> None:
    shown = render(read_sources(workspace, run()))
    counts = "".join(f'<td class="number">{count}' for count in ("2,718", "281", "0", "2,817"))
    assert f"<tr><td>quiz<td>conversations{counts}<td>left out</tr>" in shown


def test_a_stopped_job_says_why(workspace: Workspace) -> None:
    stopped = run(Phase.SUSPENDED)
    condition = Condition(
        type="Suspended",
        status=ConditionStatus.TRUE,
        reason="Suspended",
        message="the budget is spent",
        observed_generation=1,
        last_transition_time=write_time(NOW),
    )
    status = stopped.status.replace(conditions=(condition,))
    page = render(read_sources(workspace, replace(stopped, status=status)))
    assert "<b>Suspended</b>: the budget is spent" in page


def test_the_warnings_of_a_stage_that_is_done_are_shown(workspace: Workspace) -> None:
    finished = run()
    stages = tuple(
        stage.replace(message=f"{stage.name.value} <warned>") for stage in finished.status.stages
    )
    status = finished.status.replace(stages=stages)
    page = render(read_sources(workspace, replace(finished, status=status)))
    assert all(f"{stage.name.value} &lt;warned&gt;" in page for stage in stages)


def test_text_from_data_is_never_markup(workspace: Workspace) -> None:
    page = render(read_sources(workspace, run()))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 4


def test_needs_no_other_file(workspace: Workspace) -> None:
    page = render(read_sources(workspace, run()))
    assert "default-src 'none'" in page
    assert '<link rel="stylesheet' not in page
    assert " src=" not in page


def test_a_report_of_another_version_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace(tmp_path)
    workspace.private.mkdir()
    (workspace.private / "run.json").write_text('{"uid": "u", "job": {}}')
    page = tmp_path / "report.html"
    page.write_text("losses and costs")
    with pytest.raises(typer.Exit) as refused:
        report(tmp_path, output=None, status=None)
    assert (refused.value.exit_code, page.read_text()) == (WRONG_INPUT, "losses and costs")
    assert "is left as it is" in capsys.readouterr().err
    other = tmp_path / "other.html"
    report(tmp_path, output=other, status=None)
    assert other.exists()


def test_names_what_is_missing_or_damaged(workspace: Workspace) -> None:
    workspace.data_report.write_text("{")
    workspace.evaluation_report.unlink()
    with workspace.metrics(Stage.PRETRAIN).open("a") as metrics:
        metrics.write('{"step": 2')
    page = render(read_sources(workspace, run(Phase.RUNNING)))
    assert "data/report.json cannot be understood" in page
    assert "evaluation/report.json is not in the workspace" in page
    assert "metrics/finetune.jsonl is not in the workspace" in page
    assert "Loss, pretrain" in page
    assert "the run goes on" in page


@pytest.mark.parametrize("phase", [Phase.SUSPENDED, Phase.SUCCEEDED, Phase.FAILED])
def test_only_a_running_job_goes_on(tmp_path: Path, phase: Phase) -> None:
    assert "the run goes on" not in render(read_sources(Workspace(tmp_path), run(phase)))


def test_stages_that_the_job_does_not_have_are_not_missed(workspace: Workspace) -> None:
    whole = run()
    alone = whole.job.spec.replace(pretrain=None, finetune=None, evaluate=None, export=None)
    page = render(read_sources(workspace, replace(whole, job=whole.job.replace(spec=alone))))
    headings = re.findall("<h2>(.*?)</h2>", page)
    assert "Data" in headings
    assert not {"Training", "Evaluation", "What the models write", "The plan and what came"} & {
        *headings
    }
