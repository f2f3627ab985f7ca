"""The `llmtrain` command. A subcommand is imported when it is called, for a short start-up time."""

import importlib
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

# Name: the module with the function of that name, and its description in the overview.
_COMMANDS = {
    "run": ("llmtrain_cli.run", "Run a job on this machine, or go on with one."),
    "plan": ("llmtrain_cli.plan", "Say what a job would take, before it starts."),
    "validate": ("llmtrain_cli.validate", "Check manifests."),
    "data": ("llmtrain_cli.data", "Look at a job's data before it starts."),
    "status": ("llmtrain_cli.status", "Show where a run stands."),
    "report": ("llmtrain_cli.report.command", "Write a run's report as one HTML page."),
    "submit": ("llmtrain_cli.submit", "Start a job on a cluster."),
    "logs": ("llmtrain_cli.logs", "Print what a job on a cluster prints."),
    "suspend": ("llmtrain_cli.suspend", "Stop a job on a cluster after a checkpoint."),
    "resume": ("llmtrain_cli.suspend", "Go on with a job that was suspended."),
    "cancel": ("llmtrain_cli.cancel", "Stop a job on a cluster and remove it."),
    "chat": ("llmtrain_cli.chat", "Talk to a model."),
    "serve": ("llmtrain_cli.serve", "Serve a model over OpenAI's API."),
    "crd": ("llmtrain_cli.crd", "Print the CustomResourceDefinition."),
}


_TAKE_A_MANIFEST = frozenset({"run", "plan", "validate", "data", "submit"})
_FILE_FLAGS = ("-f", "--filename")


def build_app(arguments: list[str]) -> typer.Typer:
    """The command line; only the command in the arguments is loaded.

    Args:
        arguments: without the program's name.
    """
    app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
    app.callback()(_llmtrain)
    for name, (module, text) in _COMMANDS.items():
        called = arguments[:1] == [name]
        command = getattr(importlib.import_module(module), name) if called else _only_listed
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name, help=None if called else text)(command)
    return app


def main() -> None:
    """Run the command line."""
    arguments = with_plain_files(sys.argv[1:])
    build_app(arguments)(arguments, prog_name=_name(Path(sys.argv[0]).name))


def _name(program: str) -> str:
    """The command as its user writes it: kubectl finds plugins by the names of their programs."""
    return program.replace("-", " ") if program.startswith("kubectl-") else "llmtrain"


def with_plain_files(arguments: list[str]) -> list[str]:
    """Arguments with FILE in place of `-f FILE`, the option of kubectl.

    Args:
        arguments: without the program's name.
    """
    if not arguments or arguments[0] not in _TAKE_A_MANIFEST:
        return arguments
    plain = [argument for argument in arguments if argument not in _FILE_FLAGS]
    return [argument.removeprefix("--filename=") for argument in plain]


def _only_listed() -> None:
    """Stand in the overview for a command that is not loaded."""


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - typer's own way to call it
    if wanted:
        typer.echo(version("llmtrain"))
        raise typer.Exit


def _llmtrain(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """From raw text to an evaluated chat model, with one manifest."""
