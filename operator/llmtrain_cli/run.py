"""`llmtrain run`: runs a job on this machine."""

import asyncio
import os
import signal
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from llmtrain.errors import ManifestError
from llmtrain.local.closed_files import UMASK
from llmtrain.local.lock import WorkspaceError, workspace_lock
from llmtrain.local.places import PlaceError, home_folder, place
from llmtrain.local.state import RunState, StateError
from llmtrain.manifest import load_manifest
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.status import JobStatus
from llmtrain_api.workspace import Workspace
from llmtrain_cli.arguments import ManifestFile
from llmtrain_cli.conclusion import conclude
from llmtrain_cli.exits import JOB_FAILED, WRONG_INPUT
from llmtrain_cli.local.display import RunDisplay
from llmtrain_cli.local.executor import LocalExecutor
from llmtrain_cli.local.inputs import Inputs, InputsChangedError
from llmtrain_cli.local.machine import fit, this_machine
from llmtrain_cli.local.provided import NotProvidedError, require_provided
from llmtrain_cli.local.ray_head import LOOPBACK, RayStartError, free_ports
from llmtrain_cli.text import say
from llmtrain_lifecycle.settings import Settings


def run(
    file: ManifestFile,
    workspace: Annotated[
        Path | None, typer.Option(help="Folder for all results; runs/NAME by default.")
    ] = None,
    *,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Remove the results of an earlier run first.")
    ] = False,
    price_per_hour: Annotated[
        float,
        typer.Option(min=0, max=1_000_000, help="What this machine costs, in US dollars an hour."),
    ] = 0.0,
    inputs: Annotated[
        Path | None,
        typer.Option(help="Folder that relative paths start from; the manifest's by default."),
    ] = None,
) -> None:
    """Run a job on this machine; the same command resumes a stopped job."""
    console = Console()
    os.umask(UMASK)
    try:
        job = load_manifest(file)
        require_provided(job.spec, os.environ)
        root = place(workspace or Path("runs") / job.metadata.name)
        code = _run(
            job,
            Workspace(root),
            place(inputs) if inputs else place(file).parent,
            fresh=fresh,
            usd_per_hour=Decimal(str(price_per_hour)),
            console=console,
        )
    except (
        ManifestError,
        PlaceError,
        StateError,
        InputsChangedError,
        NotProvidedError,
        WorkspaceError,
    ) as error:
        raise _refused(str(error), WRONG_INPUT) from None
    except RayStartError as error:
        raise _refused(str(error), JOB_FAILED) from None
    except OSError as error:  # such as a disk that is full
        where = f"{error.filename}: " if error.filename else ""
        raise _refused(f"{where}{error.strerror or error}", JOB_FAILED) from None
    raise typer.Exit(code)


def _refused(message: str, code: int) -> typer.Exit:
    say(Console(stderr=True), message, "red")
    return typer.Exit(code)


def _run(
    job: LLMTrainingJob,
    workspace: Workspace,
    folder: Path,
    *,
    fresh: bool,
    usd_per_hour: Decimal,
    console: Console,
) -> int:
    with workspace_lock(workspace.private) as lock:
        state = RunState(workspace)
        if fresh:
            state.clear()
        stored = state.open(job)
        inputs = Inputs(job.spec, workspace, folder=folder, home=home_folder())
        inputs.require_unchanged(state.begun(stored.status))
        machine = this_machine()
        fitted = fit(job.spec, machine)
        if fitted.note:
            say(console, fitted.note)
        with RunDisplay(job, console) as display:
            executor = LocalExecutor(
                stored,
                state=state,
                settings=Settings(
                    workspace=str(workspace.root),
                    inputs=str(folder),
                    home=str(home_folder()),
                    max_workers=fitted.num_workers,
                    use_gpus=fitted.use_gpus,
                    one_cluster=True,
                    progress_host=LOOPBACK,
                    progress_port=free_ports(1)[0],
                    first_backoff_seconds=1.0,
                    usd_per_hour=usd_per_hour,
                ),
                inputs=inputs,
                display=display,
                lock=lock,
                cpus=machine.cpus,
            )
            status = asyncio.run(_until_end(executor, display))
    return conclude(job, status, workspace, console)


async def _until_end(executor: LocalExecutor, display: RunDisplay) -> JobStatus | None:
    """Run to the end; the first signal asks the stage to stop, the second leaves at once."""
    task = asyncio.create_task(executor.run())
    asked = False

    def stop() -> None:
        nonlocal asked
        if asked:
            task.cancel()
            return
        asked = True
        display.say("Stopping after a checkpoint; once more to stop at once.")
        executor.request_stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        return await task
    except asyncio.CancelledError:
        return None
