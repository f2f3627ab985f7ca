"""The image of a Pod that reads a job's workspace."""

from llmtrain_api import names
from llmtrain_api.job import LLMTrainingJob
from llmtrain_cli.cluster.errors import CommandError
from llmtrain_cli.exits import JOB_FAILED
from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import Json, KubernetesApi, KubernetesError

_OURS = f"{names.MANAGED_BY_LABEL}={names.MANAGED_BY}"


async def reader_image(api: KubernetesApi, namespace: str, job: LLMTrainingJob) -> str:
    """The job's image, else one that a Pod of the namespace has: a node has pulled it.

    Raises:
        CommandError: none is known.
    """
    if job.spec.image:
        return job.spec.image
    try:
        pods = (await api.list(paths.pods(namespace), label=_OURS)).items
    except KubernetesError:
        pods = []  # whoever asks may not list them
    own_first = sorted(pods, key=lambda pod: _job(pod) != job.metadata.name)
    if not own_first:
        message = "no image is known to read it with: name one that has `tail`, by `--image`"
        raise CommandError(message, JOB_FAILED)
    image: str = own_first[0]["spec"]["containers"][0]["image"]
    return image


def _job(pod: Json) -> str | None:
    name: str | None = pod["metadata"]["labels"].get(names.JOB_LABEL)
    return name
