"""Reads jobs from the API server."""

from pydantic import ValidationError

from llmtrain.errors import ClusterError, JobNotFoundError, OtherVersionError
from llmtrain.jobs import Job, require_job_name, written_by_another
from llmtrain_api import names
from llmtrain_api.upgrade.spec import upgraded_spec
from llmtrain_api.upgrade.status import stored_status
from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import Json, KubernetesApi


async def read_job(api: KubernetesApi, namespace: str, name: str) -> Job:
    """A job.

    Raises:
        JobNotFoundError: there is no job with this name.
        OtherVersionError: another version has written its status.
        ClusterError: the cluster does not have the resource.
    """
    found = await find_job(api, namespace, name)
    if found is None:
        await demand_llmtrain(api)
        message = f"there is no job {name} in namespace {namespace}; `kubectl get ltj -A` lists all"
        raise JobNotFoundError(message)
    return found


async def find_job(api: KubernetesApi, namespace: str, name: str) -> Job | None:
    """A job; None if there is no job with this name.

    Raises:
        JobNotFoundError: no job can have this name.
        OtherVersionError: another version has written its status.
    """
    require_job_name(name)
    body = await api.get(paths.jobs(namespace, name))
    return None if body is None else as_job(body)


def as_job(body: Json) -> Job:
    """A job from the API server.

    Raises:
        OtherVersionError: another version has written its status.
    """
    metadata = body["metadata"]
    try:
        status = stored_status(body.get("status", {}), metadata["name"], metadata["uid"])
    except ValidationError:
        raise OtherVersionError(written_by_another("status", metadata["name"])) from None
    return Job(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata["uid"],
        generation=metadata.get("generation", 1),
        status=status,
        document=upgraded_spec(body["spec"]),
    )


async def demand_llmtrain(api: KubernetesApi) -> None:
    """Check that the cluster has the LLMTrainingJob resource.

    Raises:
        ClusterError: the cluster does not have it.
    """
    if await api.get(f"/apis/{names.API_VERSION}") is None:
        raise ClusterError(
            "the cluster does not know LLMTrainingJobs: install llmtrain on it first"
        )
