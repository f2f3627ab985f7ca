"""`llmtrain validate`: checks manifests."""

from pathlib import Path
from typing import Annotated

import typer

from llmtrain.errors import ManifestError
from llmtrain.manifest import load_manifest
from llmtrain_cli.exits import WRONG_INPUT
from llmtrain_cli.text import echo


def validate(
    files: Annotated[list[Path], typer.Argument(help="Manifests of LLMTrainingJobs.")],
) -> None:
    """Check manifests as the API server would; nothing is started."""
    wrong = False
    for file in files:
        try:
            job = load_manifest(file)
        except ManifestError as error:
            wrong = True
            echo(str(error), err=True)
        else:
            echo(f"{file}: {job.metadata.name} is valid: {', '.join(job.spec.stages)}")
    if wrong:
        raise typer.Exit(WRONG_INPUT)
