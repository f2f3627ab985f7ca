"""Arguments that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

ManifestFile = Annotated[Path, typer.Argument(help="The manifest of an LLMTrainingJob.")]
JobName = Annotated[str, typer.Argument(help="The job's name.")]
Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Of the job; the context's by default.")
]
