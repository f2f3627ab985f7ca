"""`llmtrain report`: the report of a run, as a web page."""

import json
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from llmtrain.local.closed_files import open_closed
from llmtrain.local.state import RunState, StateError
from llmtrain_api.manifest import parse_job
from llmtrain_api.names import API_VERSION, KIND
from llmtrain_api.upgrade.spec import upgraded_spec
from llmtrain_api.upgrade.status import stored_status
from llmtrain_api.workspace import Workspace
from llmtrain_cli.exits import JOB_FAILED, WRONG_INPUT
from llmtrain_cli.report.page import render
from llmtrain_cli.report.reading import Unavailable
from llmtrain_cli.report.sources import Run, read_sources
from llmtrain_cli.text import echo

REPORT_NAME = "report.html"


def report(
    workspace: Annotated[Path, typer.Argument(help="A run's folder, such as runs/quickstart.")],
    output: Annotated[
        Path | None, typer.Option(help="File to write; WORKSPACE/report.html by default.")
    ] = None,
    status: Annotated[
        Path | None,
        typer.Option(help="For a job on a cluster: what `kubectl get -o json` prints of it."),
    ] = None,
) -> None:
    """Write a run's report: one HTML page that needs no network and no other file."""
    if not workspace.is_dir():
        echo(f"{workspace}: no such folder", err=True)
        raise typer.Exit(WRONG_INPUT)
    root = Workspace(workspace.resolve())
    run = _run_of_folder(root, output) if status is None else _run_of_cluster(status)
    try:
        path = write_report(root, run, output)
    except OSError as error:
        echo(f"{output or workspace}: {error.strerror}", err=True)
        raise typer.Exit(JOB_FAILED) from None
    echo(str(path))


def write_report(workspace: Workspace, run: Run | Unavailable, output: Path | None = None) -> Path:
    """Write the page; returns its path.

    Raises:
        OSError: the page cannot be written.
    """
    page = render(read_sources(workspace, run))
    if output is not None:
        output.write_text(page, encoding="utf-8")
        return output
    path = workspace.root / REPORT_NAME
    with open_closed(path) as file:
        file.write(page.encode())
    return path


def _run_of_folder(workspace: Workspace, output: Path | None) -> Run | Unavailable:
    try:
        stored = RunState(workspace).read()
    except StateError as error:
        earlier = workspace.root / REPORT_NAME
        if output is None and earlier.exists():  # made when the run could still be read
            echo(
                f"{earlier} is left as it is, since a new one would hold less: {error}. "
                "For a report of what can be read name another file: --output FILE",
                err=True,
            )
            raise typer.Exit(WRONG_INPUT) from None
        return Unavailable(str(error))
    if stored is None:
        return Unavailable(
            "the workspace does not say which job it is of; on a cluster, give --status"
        )
    return Run(stored.job, stored.status)


def _run_of_cluster(path: Path) -> Run:
    try:
        body = json.loads(path.read_bytes())
        metadata = {key: body["metadata"][key] for key in ("name", "namespace")}
        document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata}
        job = parse_job(document | {"spec": upgraded_spec(body["spec"])})
        uid = body["metadata"].get("uid", "")
        return Run(job, stored_status(body.get("status", {}), metadata["name"], uid))
    except OSError as error:
        fault = error.strerror
    except (ValueError, KeyError, TypeError, RecursionError, ValidationError):
        fault = "should hold one LLMTrainingJob, as `kubectl get llmtrainingjob NAME -o json` gives"
    echo(f"{path}: {fault}", err=True)
    raise typer.Exit(WRONG_INPUT)
