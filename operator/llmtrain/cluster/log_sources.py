"""The two places of an attempt's log: Ray, while its cluster lives, and the workspace."""

from functools import partial
from http import HTTPStatus
from pathlib import Path

from llmtrain.attempts import Attempt
from llmtrain.cluster.connection import cluster_errors
from llmtrain.cluster.reader_pod import LARGEST_BYTES, reader_image, reader_pod
from llmtrain.cluster.resources import find_job
from llmtrain.cluster.short_pod import run_pod
from llmtrain.errors import ClusterError, LogError, RayError, RayUnreachableError
from llmtrain.jobs import Job, Remark
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.names import WORKSPACE_PATH, submission_id
from llmtrain_api.status import JobStatus, StageState
from llmtrain_api.workspace import Workspace
from llmtrain_clients import paths
from llmtrain_clients.http import UnreachableError
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_clients.kubernetes_errors import KubernetesError
from llmtrain_clients.ray_connector import RayConnector
from llmtrain_clients.ray_jobs import RayJobsError
from llmtrain_lifecycle.builders.workspace import claim_name

_IN_PODS = Path(WORKSPACE_PATH)
_ASSIGNS_USERS = "security context constraint"
"""Words with which OpenShift refuses a Pod with a fixed user."""


class ClusterLogs:
    """Logs of a job on a cluster.

    Args:
        api: client of the cluster.
        job: the job.
        image: image of the Pod that reads the workspace; None for the job's own, if that is known.
        remark: takes remarks about the logs.
    """

    def __init__(self, api: KubernetesApi, job: Job, *, image: str | None, remark: Remark) -> None:
        assert job.namespace is not None, "it is on a cluster"
        self.name = job.name
        self._api, self._job, self._image, self._remark = api, job, image, remark
        self._namespace = job.namespace
        self._reach = RayConnector(api, None)

    async def look(self) -> JobStatus | None:
        """The job's status now; None if the job was removed.

        Raises:
            ClusterError: the API server refuses, or cannot be reached.
        """
        with cluster_errors():
            found = await find_job(self._api, self._namespace, self.name)
        return found.status if found is not None and found.uid == self._job.uid else None

    async def read(self, status: JobStatus, attempt: Attempt) -> str | None:
        """The whole log of an attempt; None if no live Ray cluster has it.

        Raises:
            RayUnreachableError: the attempt runs, and its cluster's head does not answer.
            RayError: Ray refuses.
            ClusterError: the API server refuses, or cannot be reached.
        """
        with cluster_errors():
            try:
                return await self._read(status, attempt)
            except (UnreachableError, RayJobsError) as error:
                unreachable = error if isinstance(error, UnreachableError) else error.__cause__
                if not isinstance(unreachable, UnreachableError):
                    raise
                if attempt.is_at_work(status):
                    raise RayUnreachableError(str(unreachable)) from None
        return None  # the cluster is being deleted

    async def _read(self, status: JobStatus, attempt: Attempt) -> str | None:
        if status.cluster is None:
            return None
        cluster = await self._api.get(paths.ray_clusters(self._namespace, status.cluster.name))
        if cluster is None:
            return None
        meta = cluster["metadata"]
        head = await self._reach.head(self._namespace, meta["name"], meta["uid"])
        submission = submission_id(self.name, self._job.uid, attempt.stage, attempt.number)
        if await head.jobs.get(submission) is None:
            return None
        return await head.jobs.logs(submission)

    async def read_kept(self, attempt: Attempt) -> str:
        """The end of an ended attempt's log, from the workspace.

        Raises:
            LogError: the log cannot be read; the message says where it is.
            ClusterError: the API server cannot be reached.
        """
        job = self._job.manifest
        file = Workspace(_IN_PODS).log(attempt.stage, attempt.number)
        place = _place(job, file)
        try:
            with cluster_errors():
                image = self._image or await reader_image(self._api, self._namespace, job)
                self._remark(f"A Pod reads {place}.")
                text = await self._tail(file, image)
        except ClusterError as error:
            if not error.status:
                raise
            raise _not_read(place, str(error)) from error
        except LogError as error:
            raise _not_read(place, str(error)) from error
        if len(text.encode()) >= LARGEST_BYTES:
            self._remark(f"That was the end of it, {LARGEST_BYTES >> 20} MiB.")
        return text

    async def _tail(self, file: Path, image: str) -> str:
        """The end of a file in the workspace, by a Pod."""
        body = partial(reader_pod, self._job.manifest, self._job.uid, file, image=image)
        run = partial(run_pod, self._api, self._namespace, remark=self._remark)
        try:
            return await run(body())
        except KubernetesError as error:
            if _ASSIGNS_USERS not in str(error):
                raise
        return await run(body(fixed_user=False))

    async def read_whole(self, status: JobStatus, attempt: Attempt) -> str:
        """The log of an attempt, from Ray or from the workspace.

        Raises:
            LogError: the log cannot be read; the message says where it is.
            ClusterError: the API server refuses, or cannot be reached.
        """
        text = await self._from_ray(status, attempt)
        if text is not None:
            return text
        state = status.stage(attempt.stage).state
        if attempt.is_at_work(status) and state is StageState.STARTING:
            self._remark(f"{attempt} has printed nothing yet.")
            return ""
        return await self.read_kept(attempt)

    async def _from_ray(self, status: JobStatus, attempt: Attempt) -> str | None:
        """The log from Ray; None if Ray does not have it, or the user may not read it."""
        try:
            return await self.read(status, attempt)
        except ClusterError as error:
            if not isinstance(error, RayError) and error.status != HTTPStatus.FORBIDDEN:
                raise
            self._remark(f"Ray cannot be asked: {error}")
        return None

    def advice(self, attempt: Attempt) -> str:
        """How to read the end of a log whose Ray cluster was deleted too soon."""
        command = f"llmtrain logs {self.name} -n {self._namespace}"
        options = f"--stage {attempt.stage} --attempt {attempt.number}"
        return f"`{command} {options}` reads all of it"


def _place(job: LLMTrainingJob, file: Path) -> str:
    claim = job.spec.workspace.persistent_volume_claim
    folder = Path(claim.sub_path if claim and claim.sub_path else "")
    return f"{folder / file.relative_to(_IN_PODS)} in the claim {claim_name(job)}"


def _not_read(place: str, why: str) -> LogError:
    return LogError(f"{why}\nThe log is {place}.")
