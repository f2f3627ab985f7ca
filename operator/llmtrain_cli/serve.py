"""`llmtrain serve`: a model over OpenAI's API, on this machine."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def serve(
    folder: Annotated[
        Path, typer.Argument(help="A Hugging Face folder, such as runs/NAME/export.")
    ],
    host: Annotated[
        str, typer.Option(help="Address to listen on; whoever reaches it may use the model.")
    ] = "localhost",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
) -> None:
    """Serve a model over OpenAI's API, until Ctrl-C."""
    command = [sys.executable, "-P", "-m", "llmtrain_trainer.serve", str(folder)]
    command += ["--host", host, "--port", str(port)]
    os.execv(sys.executable, command)  # noqa: S606 - a list that we build; there is no shell
