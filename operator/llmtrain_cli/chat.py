"""`llmtrain chat`: talk to a model."""

import os
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
    command = [sys.executable, "-P", "-m", "llmtrain_trainer.chat", str(folder)]
    if ask is not None:
        command += ["--ask", ask]
    # The conversation replaces this process, so that Ctrl-C reaches it and ends only the answer.
    os.execv(sys.executable, command)  # noqa: S606 - a list that we build; there is no shell
