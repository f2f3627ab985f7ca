"""`llmtrain data preview`: what the data stage would do to the first documents."""

import json
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from llmtrain.errors import ManifestError
from llmtrain.local.places import PlaceError, home_folder, place
from llmtrain.manifest import load_manifest
from llmtrain_api.data_report import DataPreview
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.named_paths import with_home
from llmtrain_api.run_config import RunConfig, Workers
from llmtrain_cli.arguments import ManifestFile
from llmtrain_cli.exits import JOB_FAILED, WRONG_INPUT
from llmtrain_cli.preview_view import preview_view
from llmtrain_cli.text import echo

data = typer.Typer(no_args_is_help=True, help="Look at a job's data.")


class PreviewOutput(StrEnum):
    """Format of the preview."""

    TABLE = "table"
    JSON = "json"


@data.callback()
def _data() -> None:
    """Look at a job's data."""


@data.command()
def preview(
    file: ManifestFile,
    documents: Annotated[
        int,
        typer.Option(min=1, max=1_000_000, help="Documents to read, shared among the sources."),
    ] = 1000,
    inputs: Annotated[
        Path | None,
        typer.Option(help="Folder that relative paths start from; the manifest's by default."),
    ] = None,
    output: Annotated[
        PreviewOutput, typer.Option("--output", "-o", help="table or json.")
    ] = PreviewOutput.TABLE,
) -> None:
    """Show what a job's steps do to its first documents; nothing is started or stored."""
    try:
        job = load_manifest(file)
        folder = place(inputs) if inputs else place(file).parent
    except (ManifestError, PlaceError) as error:
        echo(str(error), err=True)
        raise typer.Exit(WRONG_INPUT) from None
    if job.spec.data is None:
        echo(f"{file}: spec.data: missing; the job has no documents to look at", err=True)
        raise typer.Exit(WRONG_INPUT)
    found = _preview(job, folder, documents)
    if output is PreviewOutput.JSON:
        typer.echo(json.dumps(found.model_dump(mode="json", exclude_none=True), indent=2))
    else:
        Console().print(preview_view(found, name=job.metadata.name))


def _preview(job: LLMTrainingJob, inputs: Path, num_documents: int) -> DataPreview:
    """The preview, made by the trainer in a process of its own."""
    with TemporaryDirectory(prefix="llmtrain-") as folder:
        config = RunConfig(
            job_name=job.metadata.name,
            job_uid="",
            stage=job.spec.stages[0],
            attempt=0,
            seed=job.spec.seed,
            workspace=folder,
            inputs=str(inputs),
            workers=Workers(count=1, cpus=1, gpus=0),
            progress_host="127.0.0.1",
            progress_port=1,  # nothing is served
            **with_home(job.spec, str(home_folder())).all_sections(),
        )
        path = Path(folder) / "config.json"
        path.write_text(config.model_dump_json(), encoding="utf-8")
        command = [sys.executable, "-P", "-m", "llmtrain_trainer.preview", str(path)]
        command += ["--documents", str(num_documents)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:  # the trainer has said why
        raise typer.Exit(WRONG_INPUT if done.returncode == WRONG_INPUT else JOB_FAILED)
    try:
        return DataPreview.model_validate_json(done.stdout)
    except ValidationError as error:
        raise AssertionError("trainer and command line are of one version") from error
