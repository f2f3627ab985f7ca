"""What Ray tells of an attempt's log: all of it, for as long as the attempt's cluster lives."""

from llmtrain_api.names import submission_id
from llmtrain_api.status import JobStatus
from llmtrain_cli.cluster.attempts import Attempt
from llmtrain_clients import paths
from llmtrain_clients.http import UnreachableError
from llmtrain_clients.kubernetes_api import Json, KubernetesApi
from llmtrain_clients.ray_connector import RayConnector
from llmtrain_clients.ray_jobs import RayJobsError


class RayLogs:
    """The logs of a namespace's jobs.

    Args:
        api: of the cluster.
    """

    def __init__(self, api: KubernetesApi) -> None:
        self._api, self._reach = api, RayConnector(api, None)

    async def read(self, body: Json, status: JobStatus, attempt: Attempt) -> str | None:
        """All that an attempt has printed; None where no Ray cluster that lives knows it.

        Args:
            body: the job.
            status: of the job.
            attempt: which.

        Raises:
            UnreachableError: the attempt is at work, and its cluster's head does not answer.
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
        return None  # the cluster is on its way out

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
