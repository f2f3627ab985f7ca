"""An attempt's log as its driver keeps it in the workspace, where a Pod reads it."""

from pathlib import Path

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.names import WORKSPACE_PATH
from llmtrain_api.workspace import Workspace
from llmtrain_cli.cluster.attempts import Attempt
from llmtrain_cli.cluster.errors import CommandError
from llmtrain_cli.cluster.jobs import manifest_of
from llmtrain_cli.cluster.reader_image import reader_image
from llmtrain_cli.cluster.reader_pod import LARGEST_BYTES, reader_pod
from llmtrain_cli.cluster.short_pod import run_pod
from llmtrain_cli.exits import JOB_FAILED
from llmtrain_cli.text import echo
from llmtrain_clients.kubernetes_api import Json, KubernetesApi, KubernetesError
from llmtrain_lifecycle.builders.workspace import claim_name

_IN_PODS = Path(WORKSPACE_PATH)


async def read_kept_log(
    api: KubernetesApi, body: Json, attempt: Attempt, *, image: str | None
) -> str:
    """The end of an attempt's log, from the workspace.

    Args:
        api: of the cluster.
        body: the job.
        attempt: which.
        image: of the Pod; None for the job's own, as far as that is known.

    Raises:
        CommandError: it cannot be read so; the message says where it lies.
        KubernetesError: the API server cannot be reached.
    """
    job, meta = manifest_of(body), body["metadata"]
    file = Workspace(_IN_PODS).log(attempt.stage, attempt.number)
    place = _place(job, file)
    try:
        image = image or await reader_image(api, meta["namespace"], job)
        echo(f"A Pod reads {place}.", err=True)
        text = await run_pod(
            api, meta["namespace"], reader_pod(job, meta["uid"], file, image=image)
        )
    except KubernetesError as error:
        if not error.status:
            raise
        raise _not_read(place, str(error)) from error
    except CommandError as error:
        raise _not_read(place, str(error)) from error
    if len(text.encode()) >= LARGEST_BYTES:
        echo(f"That was the end of it, {LARGEST_BYTES >> 20} MiB.", err=True)
    return text


def _place(job: LLMTrainingJob, file: Path) -> str:
    claim = job.spec.workspace.persistent_volume_claim
    folder = Path(claim.sub_path if claim and claim.sub_path else "")
    return f"{folder / file.relative_to(_IN_PODS)} in the claim {claim_name(job)}"


def _not_read(place: str, why: str) -> CommandError:
    return CommandError(f"{why}\nThe log is {place}.", JOB_FAILED)
