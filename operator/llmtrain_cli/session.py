"""The connection and the error messages of all commands for jobs on a cluster."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from llmtrain.cluster.backend import ClusterJobs
from llmtrain.errors import LLMTrainError
from llmtrain_cli.arguments import Target
from llmtrain_cli.exits import INTERRUPTED, exit_code
from llmtrain_cli.text import echo

Result = TypeVar("Result")


def in_cluster(
    work: Callable[[ClusterJobs], Awaitable[Result]],
    target: Target,
    *,
    reader_image: str | None = None,
) -> Result:
    """Run an operation on a cluster; an error is printed in one line, and ends the program.

    Args:
        work: the operation; it gets the jobs of the cluster.
        target: the cluster, and the namespace of the jobs.
        reader_image: image of the Pod that reads a log of the workspace.
    """

    async def on_jobs() -> Result:
        jobs = ClusterJobs(
            namespace=target.namespace,
            kubeconfig=target.kubeconfig,
            context=target.context,
            reader_image=reader_image,
        )
        async with jobs:
            return await work(jobs)

    try:
        return asyncio.run(on_jobs())
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except LLMTrainError as error:
        echo(str(error), err=True)
        raise typer.Exit(exit_code(error)) from None
