"""What all commands for a cluster share: where it is, which namespace, and how faults are told."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from kubernetes.config import ConfigException, list_kube_config_contexts
from pydantic import ValidationError

from llmtrain_api.status import JobStatus
from llmtrain_cli.exits import JOB_FAILED, WRONG_INPUT
from llmtrain_cli.manifest import ManifestError
from llmtrain_operator.io import paths
from llmtrain_operator.io.http import UnreachableError
from llmtrain_operator.io.kubernetes_api import Json, KubernetesApi, KubernetesError
from llmtrain_operator.io.ray_jobs import RayJobsError

Result = TypeVar("Result")
JobName = Annotated[str, typer.Argument(help="The job's name.")]
Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Of the job; the context's by default.")
]


class NoSuchJobError(Exception):
    """There is no job of this name."""


def in_cluster(work: Callable[[KubernetesApi], Awaitable[Result]]) -> Result:
    """Do something with a cluster; a fault is told in one line, and ends the program.

    Args:
        work: gets a client of the cluster that kubectl would speak to.
    """
    try:
        return asyncio.run(_with_api(work))
    except (ManifestError, NoSuchJobError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(WRONG_INPUT) from None
    except (KubernetesError, RayJobsError, UnreachableError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(JOB_FAILED) from None


async def _with_api(work: Callable[[KubernetesApi], Awaitable[Result]]) -> Result:
    async with KubernetesApi() as api:
        return await work(api)


def chosen_namespace(namespace: str | None, manifest: str | None = None) -> str:
    """The namespace that was named, else the manifest's, else the context's."""
    if namespace or manifest:
        return namespace or manifest or ""
    try:
        _, active = list_kube_config_contexts()
    except ConfigException:
        return "default"  # in a Pod, or no cluster at all, which the client will say
    return str(active["context"].get("namespace") or "default")


async def read_job(api: KubernetesApi, namespace: str, name: str) -> tuple[Json, JobStatus]:
    """A job and its status.

    Raises:
        NoSuchJobError: there is none of this name.
    """
    body = await api.get(paths.jobs(namespace, name))
    if body is None:
        message = f"there is no job {name} in namespace {namespace}; `kubectl get ltj -A` lists all"
        raise NoSuchJobError(message)
    try:
        return body, JobStatus.model_validate(body.get("status", {}))
    except ValidationError:
        message = f"the status of {name} was written by another version of llmtrain"
        raise NoSuchJobError(message) from None
