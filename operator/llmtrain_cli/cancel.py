"""`llmtrain cancel`: a job is stopped and removed; its workspace stays."""

import asyncio
import time
from typing import Annotated

import typer

from llmtrain.cluster.backend import ClusterJobs
from llmtrain.errors import WaitTimeoutError
from llmtrain.jobs import Job
from llmtrain_cli.arguments import Context, JobName, Kubeconfig, Namespace, Target
from llmtrain_cli.session import in_cluster
from llmtrain_cli.text import echo

_LOOK_SECONDS = 1.0


def cancel(
    name: JobName,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    timeout_seconds: Annotated[
        int, typer.Option(min=1, help="How long to wait for that checkpoint.")
    ] = 600,
    *,
    checkpoint: Annotated[
        bool, typer.Option("--checkpoint", help="Let it commit a checkpoint first.")
    ] = False,
) -> None:
    """Stop a job and remove it from the cluster; what lies in its workspace stays."""

    async def remove(jobs: ClusterJobs) -> None:
        job = await jobs.get(name)
        if checkpoint and not job.has_stopped:
            await jobs.suspend(name)
            await _wait_for_checkpoint(jobs, job, timeout_seconds)
        await jobs.delete(job)
        echo(f"{name} is removed; its workspace stays.")

    in_cluster(remove, Target(namespace, context, kubeconfig))


async def _wait_for_checkpoint(jobs: ClusterJobs, job: Job, timeout_seconds: int) -> None:
    """Wait until a stopping job has stopped or is gone.

    Raises:
        WaitTimeoutError: the job has not stopped within the timeout.
    """
    name = job.name
    as_it_stands = (
        f"{name} still stops after a checkpoint, and is not removed: "
        f"`llmtrain cancel {name}` removes it, `llmtrain resume {name}` lets it go on"
    )
    echo(f"Waiting until {name} has stopped after a checkpoint.")
    deadline = time.monotonic() + timeout_seconds
    try:
        while True:
            found = await jobs.find(name)
            if found is None or found.uid != job.uid or found.has_stopped:
                return
            if time.monotonic() > deadline:
                late = f"it has not stopped within {timeout_seconds} s; {as_it_stands}"
                raise WaitTimeoutError(late)
            await asyncio.sleep(_LOOK_SECONDS)
    except asyncio.CancelledError:  # Ctrl-C
        echo(as_it_stands, err=True)
        raise
