"""`llmtrain status`: the state of a run."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from llmtrain.jobs import condition_message
from llmtrain.local.state import RunState, StateError
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.status import JobStatus
from llmtrain_api.workspace import Workspace
from llmtrain_cli.arguments import Context, Kubeconfig, Namespace, Target
from llmtrain_cli.exits import WRONG_INPUT
from llmtrain_cli.local.display import run_view
from llmtrain_cli.text import echo, say


class StatusOutput(StrEnum):
    """Format of the status."""

    TABLE = "table"
    JSON = "json"


def status(
    run: Annotated[
        str, typer.Argument(help="A run's folder, such as runs/quickstart, or a job on a cluster.")
    ],
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    output: Annotated[
        StatusOutput, typer.Option("--output", "-o", help="table or json.")
    ] = StatusOutput.TABLE,
) -> None:
    """Show the state of a run: of a local one by its folder, or of a job on a cluster."""
    target = Target(namespace, context, kubeconfig)
    on_this_machine = not target.is_named and (Path(run).is_dir() or "/" in run)
    if not target.is_named and Path(run).is_file():
        echo(
            f"{run}: it is a file; name the run's folder, such as runs/quickstart, which "
            "`llmtrain run` names after the job, or a job on a cluster",
            err=True,
        )
        raise typer.Exit(WRONG_INPUT)
    job, status = _of_folder(Path(run)) if on_this_machine else _of_cluster(run, target)
    if output is StatusOutput.JSON:
        typer.echo(status.model_dump_json(indent=2, exclude_none=True))
        return
    console = Console()
    console.print(run_view(job, status))
    if message := condition_message(status):
        say(console, message)


def _of_folder(workspace: Path) -> tuple[LLMTrainingJob, JobStatus]:
    try:
        stored = RunState(Workspace(workspace.resolve())).read()
    except StateError as error:
        echo(str(error), err=True)
        raise typer.Exit(WRONG_INPUT) from None
    if stored is None:
        echo(f"{workspace}: no run there; start one with `llmtrain run`", err=True)
        raise typer.Exit(WRONG_INPUT)
    return stored.job, stored.status


def _of_cluster(name: str, target: Target) -> tuple[LLMTrainingJob, JobStatus]:
    from llmtrain.cluster.backend import ClusterJobs
    from llmtrain_cli.session import in_cluster

    async def read(jobs: ClusterJobs) -> tuple[LLMTrainingJob, JobStatus]:
        job = await jobs.get(name)
        return job.manifest, job.status

    return in_cluster(read, target)
