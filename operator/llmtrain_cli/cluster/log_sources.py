"""The two places of an attempt's log: Ray, while its cluster lives, and the workspace."""

from pathlib import Path

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.names import WORKSPACE_PATH, submission_id
from llmtrain_api.status import JobStatus
from llmtrain_api.workspace import Workspace
from llmtrain_cli.cluster.attempts import Attempt
from llmtrain_cli.cluster.jobs import manifest_of
from llmtrain_cli.cluster.reader_pod import LARGEST_BYTES, reader_image, reader_pod
from llmtrain_cli.cluster.short_pod import run_pod
from llmtrain_cli.exits import JOB_FAILED, CommandError
from llmtrain_cli.text import echo
from llmtrain_clients import paths
from llmtrain_clients.http import UnreachableError
from llmtrain_clients.kubernetes_api import Json, KubernetesApi, KubernetesError
from llmtrain_clients.ray_connector import RayConnector
from llmtrain_clients.ray_jobs import RayJobsError
from llmtrain_lifecycle.builders.workspace import claim_name


class RayLogs:
    """Logs of the jobs in a namespace, read from Ray.

    Args:
        api: client of the cluster.
    """

    def __init__(self, api: KubernetesApi) -> None:
        self._api, self._reach = api, RayConnector(api, None)

    async def read(self, body: Json, status: JobStatus, attempt: Attempt) -> str | None:
        """The whole log of an attempt; None if no live Ray cluster has it.

        Args:
            body: the job as the API server has it.
            status: the job's status.
            attempt: the attempt.

        Raises:
            UnreachableError: the attempt runs, and its cluster's head does not answer.
            RayJobsError: Ray refuses.
            KubernetesError: the API server refuses, or cannot be reached.
        """
        try:
            return await self._read(body, status, attempt)
        except (UnreachableError, RayJobsError) as error:
            unreachable = error if isinstance(error, UnreachableError) else error.__cause__
            if not isinstance(unreachable, UnreachableError):
                raise
            if attempt.is_at_work(status):
                raise unreachable from None
        return None  # the cluster is being deleted

    async def _read(self, body: Json, status: JobStatus, attempt: Attempt) -> str | None:
        job = body["metadata"]
        if status.cluster is None:
            return None
        cluster = await self._api.get(paths.ray_clusters(job["namespace"], status.cluster.name))
        if cluster is None:
            return None
        meta = cluster["metadata"]
        head = await self._reach.head(job["namespace"], meta["name"], meta["uid"])
        submission = submission_id(job["name"], job["uid"], attempt.stage, attempt.number)
        if await head.jobs.get(submission) is None:
            return None
        return await head.jobs.logs(submission)


_IN_PODS = Path(WORKSPACE_PATH)


async def read_kept_log(
    api: KubernetesApi, body: Json, attempt: Attempt, *, image: str | None
) -> str:
    """The end of an attempt's log, from the workspace.

    Args:
        api: client of the cluster.
        body: the job as the API server has it.
        attempt: the attempt.
        image: image of the Pod; None for the job's own image, if that is known.

    Raises:
        CommandError: the log cannot be read; the message says where it is.
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
