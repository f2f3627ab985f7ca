"""`llmtrain cancel`: a job is stopped and removed; its workspace stays."""

import asyncio
import time
from typing import Annotated

import typer

from llmtrain_cli.cluster.attempts import has_stopped
from llmtrain_cli.cluster.jobs import find_job, read_job
from llmtrain_cli.cluster.session import JobName, Namespace, chosen_namespace, in_cluster
from llmtrain_cli.exits import JOB_FAILED, CommandError
from llmtrain_cli.suspend import set_suspend
from llmtrain_cli.text import echo
from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import Json, KubernetesApi

_LOOK_SECONDS = 1.0


def cancel(
    name: JobName,
    namespace: Namespace = None,
    timeout_seconds: Annotated[
        int, typer.Option(min=1, help="How long to wait for that checkpoint.")
    ] = 600,
    *,
    checkpoint: Annotated[
        bool, typer.Option("--checkpoint", help="Let it commit a checkpoint first.")
    ] = False,
) -> None:
    """Stop a job and remove it from the cluster; what lies in its workspace stays."""

    async def remove(api: KubernetesApi) -> None:
        where = chosen_namespace(namespace)
        body, status = await read_job(api, where, name)
        if checkpoint and not has_stopped(status):
            await set_suspend(api, where, name, suspend=True)
            await _wait_for_checkpoint(api, body, timeout_seconds)
        await api.delete(paths.jobs(where, name), uid=body["metadata"]["uid"])
        echo(f"{name} is removed; its workspace stays.")

    in_cluster(remove)


async def _wait_for_checkpoint(api: KubernetesApi, body: Json, timeout_seconds: int) -> None:
    """Wait until a stopping job has stopped or is gone.

    Raises:
        CommandError: the job has not stopped within the timeout.
    """
    name, where, uid = (body["metadata"][key] for key in ("name", "namespace", "uid"))
    as_it_stands = (
        f"{name} still stops after a checkpoint, and is not removed: "
        f"`llmtrain cancel {name}` removes it, `llmtrain resume {name}` lets it go on"
    )
    echo(f"Waiting until {name} has stopped after a checkpoint.")
    deadline = time.monotonic() + timeout_seconds
    try:
        while True:
            found = await find_job(api, where, name)
            if found is None or found[0]["metadata"]["uid"] != uid or has_stopped(found[1]):
                return
            if time.monotonic() > deadline:
                late = f"it has not stopped within {timeout_seconds} s; {as_it_stands}"
                raise CommandError(late, JOB_FAILED)
            await asyncio.sleep(_LOOK_SECONDS)
    except asyncio.CancelledError:  # Ctrl-C
        echo(as_it_stands, err=True)
        raise
