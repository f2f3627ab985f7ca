"""`llmtrain chat`: talk to a model."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer


def chat(
    folder: Annotated[
        Path, typer.Argument(help="A Hugging Face folder, such as runs/NAME/export.")
    ],
    ask: Annotated[str | None, typer.Option(help="Ask one question, and leave.")] = None,
) -> None:
    """Talk to a model in the terminal."""
    command = [sys.executable, "-m", "llmtrain_trainer.chat", str(folder)]
    if ask is not None:
        command += ["--ask", ask]
    raise typer.Exit(subprocess.run(command, check=False).returncode)
