"""`llmtrain status`: where a run stands."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from llmtrain_api.workspace import Workspace
from llmtrain_cli.exits import WRONG_INPUT
from llmtrain_cli.local.display import run_view
from llmtrain_cli.local.state import RunState, StateError


class StatusOutput(StrEnum):
    """How the status is written."""

    TABLE = "table"
    JSON = "json"


def status(
    workspace: Annotated[Path, typer.Argument(help="The run's folder, such as runs/quickstart.")],
    output: Annotated[
        StatusOutput, typer.Option("--output", "-o", help="table or json.")
    ] = StatusOutput.TABLE,
) -> None:
    """Show where the run in a workspace stands."""
    try:
        stored = RunState(Workspace(workspace.resolve())).read()
    except StateError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_INPUT) from None
    if stored is None:
        typer.echo(f"{workspace}: no run there; start one with `llmtrain run`", err=True)
        raise typer.Exit(WRONG_INPUT)
    if output is StatusOutput.JSON:
        typer.echo(stored.status.model_dump_json(indent=2, exclude_none=True))
        return
    console = Console()
    console.print(run_view(stored.job, stored.status))
    condition = next((c for c in stored.status.conditions if c.status == "True"), None)
    if condition is not None and condition.message:
        console.print(condition.message, highlight=False, markup=False)
