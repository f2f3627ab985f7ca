"""Reads jobs from the API server."""

from pydantic import ValidationError

from llmtrain_api import names
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_api.status import JobStatus
from llmtrain_cli.exits import JOB_FAILED, CommandError
from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import Json, KubernetesApi


async def read_job(api: KubernetesApi, namespace: str, name: str) -> tuple[Json, JobStatus]:
    """A job and its status.

    Raises:
        CommandError: there is no job with this name, or another version has written it.
    """
    found = await find_job(api, namespace, name)
    if found is None:
        await demand_llmtrain(api)
        message = f"there is no job {name} in namespace {namespace}; `kubectl get ltj -A` lists all"
        raise CommandError(message)
    return found


async def find_job(api: KubernetesApi, namespace: str, name: str) -> tuple[Json, JobStatus] | None:
    """A job and its status; None if there is no job with this name.

    Raises:
        CommandError: another version has written it, or no job can have this name.
    """
    if not names.is_job_name(name):
        message = f"no job has the name {name!r}: lower-case letters, digits and hyphens make one"
        raise CommandError(message)
    body = await api.get(paths.jobs(namespace, name))
    if body is None:
        return None
    try:
        return body, JobStatus.model_validate(body.get("status", {}))
    except ValidationError:
        raise _of_another_version(name, "status") from None


def manifest_of(body: Json) -> LLMTrainingJob:
    """The manifest of a job from the API server.

    Raises:
        CommandError: it was written by another version.
    """
    meta = body["metadata"]
    metadata = {"name": meta["name"], "namespace": meta["namespace"]}
    manifest = {"apiVersion": names.API_VERSION, "kind": names.KIND, "metadata": metadata}
    try:
        return parse_job({**manifest, "spec": body["spec"]})
    except ValidationError:
        raise _of_another_version(meta["name"], "spec") from None


async def demand_llmtrain(api: KubernetesApi) -> None:
    """Check that the cluster has the LLMTrainingJob resource.

    Raises:
        CommandError: the cluster does not have it.
    """
    if await api.get(f"/apis/{names.API_VERSION}") is None:
        message = "the cluster does not know LLMTrainingJobs: install llmtrain on it first"
        raise CommandError(message, JOB_FAILED)


def _of_another_version(name: str, part: str) -> CommandError:
    return CommandError(f"the {part} of {name} was written by another version of llmtrain")
