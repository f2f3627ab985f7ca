"""Prints the results of a finished run."""

import shlex
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from llmtrain_api.cost import Cost
from llmtrain_api.goodput import Goodput
from llmtrain_api.records import EvaluationReport, GateResult
from llmtrain_api.status import JobStatus, StageState
from llmtrain_api.workspace import Workspace
from llmtrain_cli.text import plain, say, short_duration


def show_results(status: JobStatus, workspace: Workspace, console: Console) -> None:
    """Print the evaluation, the models' texts, and the next steps."""
    report = _report(workspace)
    if report is not None and report.results:
        console.print(_results_table(report))
    if report is not None and report.generations:
        console.print(_generations_table(report))
    if status.completion_time and status.goodput is not None:
        say(console, _summary(status.goodput, status.cost))
    model = _model_folder(status, workspace)
    if model is not None:
        command = f"llmtrain chat {shlex.quote(str(model))}"
        say(console, f"The model is in {model}. Talk to it: {command}")


def _summary(goodput: Goodput, cost: Cost | None) -> str:
    seconds = goodput.seconds.total - goodput.seconds.suspended  # without the time between two runs
    parts = [f"Took {short_duration(seconds)}", f"{goodput.runtime_ratio:.0%} of it productive"]
    if cost is not None:
        parts.append(f"{cost.spent_usd} USD, {cost.wasted_usd} USD of it wasted")
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
        verdict = _verdict(gate)
        error = "" if result.standard_error is None else f"{result.standard_error:.4f}"
        table.add_row(
            plain(result.model), plain(result.name), f"{result.value:.4f}", error, verdict
        )
    return table


def _generations_table(report: EvaluationReport) -> Table:
    table = Table(title="What the models write", title_justify="left", show_lines=True)
    for header in ("prompt", "model", "text"):
        table.add_column(header)
    for generation in report.generations:
        cells = (generation.prompt, generation.model, generation.text.strip())
        table.add_row(*map(plain, cells))
    return table


def _verdict(gate: GateResult | None) -> Text:
    if gate is None:
        return Text()
    return Text("met", "green") if gate.passed else Text("not met", "red")


def _model_folder(status: JobStatus, workspace: Workspace) -> Path | None:
    """The newest existing model of the pipeline; None if there is none."""
    done = (stage.name for stage in status.stages if stage.state is StageState.SUCCEEDED)
    folders = [folder for stage in done if (folder := workspace.model_of(stage)) is not None]
    return folders[-1] if folders else None
