"""`llmtrain suspend` and `llmtrain resume`: a job without compute, and with it again."""

import typer

from llmtrain_cli.cluster.session import (
    JobName,
    Namespace,
    chosen_namespace,
    in_cluster,
    read_job,
)
from llmtrain_operator.io import paths
from llmtrain_operator.io.kubernetes_api import KubernetesApi


def suspend(name: JobName, namespace: Namespace = None) -> None:
    """Stop a job after a checkpoint; it holds no compute until it is resumed."""
    _set_suspend(name, namespace, suspend=True)
    typer.echo(f"{name} stops after a checkpoint; `llmtrain resume {name}` goes on from there.")


def resume(name: JobName, namespace: Namespace = None) -> None:
    """Go on with a job that was suspended."""
    _set_suspend(name, namespace, suspend=False)
    typer.echo(f"{name} goes on from its newest checkpoint.")


def _set_suspend(name: str, namespace: str | None, *, suspend: bool) -> None:
    async def change(api: KubernetesApi) -> None:
        where = chosen_namespace(namespace)
        await read_job(api, where, name)
        await api.merge(paths.jobs(where, name), {"spec": {"policy": {"suspend": suspend}}})

    in_cluster(change)
