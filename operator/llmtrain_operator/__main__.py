"""The operator: `python -m llmtrain_operator --settings FILE`."""

from pathlib import Path
from typing import Annotated

import typer

from llmtrain_operator.runtime.run import run_operator
from llmtrain_operator.runtime.settings import SettingsError, read_settings

_WRONG_INPUT = 2


def main(
    settings: Annotated[Path, typer.Option(help="YAML file with the operator's settings.")],
    liveness: Annotated[
        str, typer.Option(help="Where the liveness probe is served.")
    ] = "http://0.0.0.0:8080/healthz",
) -> None:
    """Reconcile LLMTrainingJobs until SIGTERM."""
    try:
        read = read_settings(settings)
    except SettingsError as error:
        typer.echo(error, err=True)
        raise typer.Exit(_WRONG_INPUT) from None
    run_operator(read, liveness=liveness)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
