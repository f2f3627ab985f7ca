"""What a finished run has to show."""

from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from llmtrain_api.results import EvaluationReport
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, StageState
from llmtrain_api.workspace import Workspace
from llmtrain_cli.local.display import duration
from llmtrain_operator.core.timestamps import read_time


def show_results(status: JobStatus, workspace: Workspace, console: Console) -> None:
    """Print the evaluation, what the models write, and what to do next."""
    report = _report(workspace)
    if report is not None and report.results:
        console.print(_results_table(report))
    if report is not None and report.generations:
        console.print(_generations_table(report))
    if status.start_time and status.completion_time:
        took = read_time(status.completion_time) - read_time(status.start_time)
        console.print(_summary(took.total_seconds(), status), highlight=False)
    model = _model_folder(status, workspace)
    if model is not None:
        console.print(f"The model is in {model}. Talk to it: llmtrain chat {model}", soft_wrap=True)


def _summary(seconds: float, status: JobStatus) -> str:
    parts = [f"Took {duration(seconds)}"]
    if status.goodput is not None:
        parts.append(f"{status.goodput.runtime_ratio:.0%} of it productive")
    if status.cost is not None:
        parts.append(f"{status.cost.spent_usd} USD, {status.cost.wasted_usd} USD of it wasted")
    return ", ".join(parts) + "."


def _report(workspace: Workspace) -> EvaluationReport | None:
    try:
        return EvaluationReport.model_validate_json(workspace.evaluation_report.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _results_table(report: EvaluationReport) -> Table:
    table = Table(title="Evaluation", title_justify="left")
    for header in ("model", "metric"):
        table.add_column(header)
    for header in ("value", "± standard error"):
        table.add_column(header, justify="right")
    table.add_column("gate")
    last = report.results[-1].model
    gates = {gate.metric: gate for gate in report.gates}
    for result in report.results:
        gate = gates.get(result.name) if result.model == last else None
        verdict = "" if gate is None else "[green]met" if gate.passed else "[red]not met"
        error = "" if result.standard_error is None else f"{result.standard_error:.4f}"
        table.add_row(result.model, result.name, f"{result.value:.4f}", error, verdict)
    return table


def _generations_table(report: EvaluationReport) -> Table:
    table = Table(title="What the models write", title_justify="left", show_lines=True)
    for header in ("prompt", "model", "text"):
        table.add_column(header)
    for generation in report.generations:
        table.add_row(generation.prompt, generation.model, generation.text.strip())
    return table


def _model_folder(status: JobStatus, workspace: Workspace) -> Path | None:
    """The newest model of the line that is there; None where none is."""
    folders = {
        Stage.EXPORT: workspace.export,
        Stage.FINETUNE: workspace.model("finetuned"),
        Stage.PRETRAIN: workspace.model("pretrained"),
    }
    done = (stage for stage in folders if status.stage(stage).state is StageState.SUCCEEDED)
    return next((folders[stage] for stage in done), None)
