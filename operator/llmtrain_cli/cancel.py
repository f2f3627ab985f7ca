"""`llmtrain cancel`: a job is stopped and removed; its workspace stays."""

import asyncio
from typing import Annotated

import typer

from llmtrain_api.status import Phase
from llmtrain_cli.cluster.session import (
    JobName,
    Namespace,
    chosen_namespace,
    in_cluster,
    read_job,
)
from llmtrain_operator.io import paths
from llmtrain_operator.io.kubernetes_api import KubernetesApi

_LOOK_SECONDS = 1.0


def cancel(
    name: JobName,
    namespace: Namespace = None,
    *,
    checkpoint: Annotated[
        bool, typer.Option("--checkpoint", help="Let it commit a checkpoint first.")
    ] = False,
) -> None:
    """Stop a job and remove it from the cluster; what lies in its workspace stays."""

    async def remove(api: KubernetesApi) -> None:
        where = chosen_namespace(namespace)
        body, status = await read_job(api, where, name)
        if checkpoint and not status.phase.terminal:
            typer.echo("Waiting for a checkpoint.")
            await api.merge(paths.jobs(where, name), {"spec": {"policy": {"suspend": True}}})
            while not (status.phase.terminal or status.phase is Phase.SUSPENDED):
                await asyncio.sleep(_LOOK_SECONDS)
                body, status = await read_job(api, where, name)
        await api.delete(paths.jobs(where, name), uid=body["metadata"]["uid"])
        typer.echo(f"{name} is removed; its workspace stays.")

    in_cluster(remove)
