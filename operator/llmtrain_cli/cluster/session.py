"""Connection, namespace and error messages of all commands for a cluster."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Annotated, TypeVar

import typer
import yaml
from kubernetes.config import ConfigException, list_kube_config_contexts

from llmtrain_cli.exits import INTERRUPTED, JOB_FAILED, WRONG_INPUT, CommandError
from llmtrain_cli.manifest import ManifestError
from llmtrain_cli.text import echo
from llmtrain_clients.http import UnreachableError
from llmtrain_clients.kubernetes_api import KubernetesApi, KubernetesError
from llmtrain_clients.ray_jobs import RayJobsError

Result = TypeVar("Result")
JobName = Annotated[str, typer.Argument(help="The job's name.")]
Namespace = Annotated[
    str | None, typer.Option("--namespace", "-n", help="Of the job; the context's by default.")
]
# What the Kubernetes library raises for a damaged kubeconfig, or a file that it names.
_DAMAGED = (OSError, ValueError, TypeError, LookupError, AttributeError, yaml.YAMLError)


def in_cluster(work: Callable[[KubernetesApi], Awaitable[Result]]) -> Result:
    """Run an operation on a cluster; an error is printed in one line, and ends the program.

    Args:
        work: the operation; it gets a client of the cluster that kubectl would use.
    """
    try:
        return asyncio.run(_with_api(work))
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except ManifestError as error:
        message, code = str(error), WRONG_INPUT
    except CommandError as error:
        message, code = str(error), error.exit_code
    except KubernetesError as error:
        message, code = _message(error), JOB_FAILED
    except (RayJobsError, UnreachableError) as error:
        message, code = str(error), JOB_FAILED
    echo(message, err=True)
    raise typer.Exit(code)


async def _with_api(work: Callable[[KubernetesApi], Awaitable[Result]]) -> Result:
    async with AsyncExitStack() as stack:
        try:
            api = await stack.enter_async_context(KubernetesApi())
        except _DAMAGED as error:
            message = f"the kubeconfig cannot be used (KUBECONFIG, ~/.kube/config): {error}"
            raise CommandError(message) from error
        return await work(api)


def _message(error: KubernetesError) -> str:
    if error.status == HTTPStatus.UNAUTHORIZED:
        return "the API server does not know you (401 Unauthorized); log in to the cluster again"
    if error.reason == "Unreachable":
        cause = error.__cause__
        return f"the API server cannot be reached: {cause or type(cause).__name__}"
    return str(error)


def chosen_namespace(namespace: str | None, manifest: str | None = None) -> str:
    """The namespace: as named, or else the manifest's, or else the context's."""
    if namespace or manifest:
        return namespace or manifest or ""
    try:
        _, active = list_kube_config_contexts()
    except ConfigException:
        return "default"  # in a Pod
    return str(active["context"].get("namespace") or "default")
