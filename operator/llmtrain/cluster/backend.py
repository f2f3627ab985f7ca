"""The jobs of a namespace on a cluster."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from llmtrain.attempts import AttemptSelector
from llmtrain.cluster.connection import cluster_errors, connected, namespace_of_context
from llmtrain.cluster.log_sources import ClusterLogs
from llmtrain.cluster.resources import as_job, demand_llmtrain, find_job, read_job
from llmtrain.errors import JobExistsError, JobStateError, ManifestError
from llmtrain.follow import read_logs
from llmtrain.jobs import Job, Remark, condition_message
from llmtrain.manifest import require_no_home
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.stages import Stage
from llmtrain_api.status import Phase
from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import KubernetesApi
from llmtrain_clients.kubernetes_errors import KubernetesError


class ClusterJobs:
    """The jobs of a namespace; an asynchronous context manager.

    Each method raises a `ClusterError` if the API server refuses, or cannot be reached.

    Args:
        namespace: the namespace; None for that of the context.
        kubeconfig: the kubeconfig; None for the one that kubectl would use.
        context: context of the kubeconfig; None for the current one.
        reader_image: image of the Pod that reads a log of the workspace; None for the job's own.
    """

    def __init__(
        self,
        *,
        namespace: str | None = None,
        kubeconfig: Path | None = None,
        context: str | None = None,
        reader_image: str | None = None,
    ) -> None:
        self._namespace, self._kubeconfig, self._context = namespace, kubeconfig, context
        self._reader_image = reader_image
        self._stack = AsyncExitStack()
        self._entered: KubernetesApi | None = None

    async def __aenter__(self) -> Self:
        connection = connected(self._kubeconfig, self._context)
        self._entered = await self._stack.enter_async_context(connection)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def _api(self) -> KubernetesApi:
        assert self._entered is not None, "entered before"
        return self._entered

    @property
    def namespace(self) -> str:
        """The namespace: as named, or else that of the context."""
        return self._namespace or namespace_of_context(self._kubeconfig, self._context)

    async def create(self, job: LLMTrainingJob) -> Job:
        """Create a job; it starts at once.

        Args:
            job: the manifest; if it names a namespace, that is the one of these jobs.

        Raises:
            ManifestError: the manifest is for a laptop alone, or for another namespace.
            JobExistsError: there is a job with this name.
        """
        require_no_home(job)
        name, where, wanted = job.metadata.name, self.namespace, job.metadata.namespace
        if wanted not in {None, where}:
            message = f"metadata.namespace: the manifest is for namespace {wanted}, not for {where}"
            raise ManifestError(message)
        document = job.model_dump(mode="json", exclude_unset=True)
        document["metadata"]["namespace"] = where
        with cluster_errors():
            try:
                made = await self._api.create(paths.jobs(where), document)
            except KubernetesError as error:
                if error.is_not_found:
                    await demand_llmtrain(self._api)  # else it is the namespace: the error says so
                raise
            if not made:
                message = f"{name} is in namespace {where} already"
                raise JobExistsError(f"{message}; `llmtrain cancel {name}` removes it")
            return await read_job(self._api, where, name)

    async def find(self, name: str) -> Job | None:
        """A job; None if there is none with this name.

        Raises:
            OtherVersionError: another version has written its status.
        """
        with cluster_errors():
            return await find_job(self._api, self.namespace, name)

    async def get(self, name: str) -> Job:
        """A job.

        Raises:
            JobNotFoundError: there is no job with this name.
            OtherVersionError: another version has written its status.
        """
        with cluster_errors():
            return await read_job(self._api, self.namespace, name)

    async def list(self) -> list[Job]:
        """All jobs, by name.

        Raises:
            OtherVersionError: another version has written the status of one of them.
        """
        with cluster_errors():
            items = (await self._api.list(paths.jobs(self.namespace))).items
            if not items:
                await demand_llmtrain(self._api)
        return sorted(map(as_job, items), key=lambda job: job.name)

    async def suspend(self, name: str) -> None:
        """Stop a job after a checkpoint; it holds no compute until it is resumed.

        Raises:
            JobNotFoundError: there is no job with this name.
            JobStateError: the job has ended.
        """
        await self._set_suspend(await self._active(name), suspend=True)

    async def resume(self, name: str) -> None:
        """Resume a suspended job.

        Raises:
            JobNotFoundError: there is no job with this name.
            JobStateError: the job has ended, or nobody has suspended it.
        """
        job = await self._active(name)
        if not job.document.get("policy", {}).get("suspend"):
            if job.status.phase is Phase.SUSPENDED:  # a spent budget stops a job too
                message = f"{name} waits for more: {condition_message(job.status)}"
                raise JobStateError(message)
            raise JobStateError(f"{name} is not suspended")
        await self._set_suspend(job, suspend=False)

    async def _active(self, name: str) -> Job:
        job = await self.get(name)
        job.require_no_end()
        return job

    async def _set_suspend(self, job: Job, *, suspend: bool) -> None:
        change = {"spec": {"policy": {"suspend": suspend}}}
        with cluster_errors():
            await self._api.merge(paths.jobs(job.namespace, job.name), change)

    async def delete(self, job: Job) -> None:
        """Stop a job at once and remove it; its workspace stays."""
        with cluster_errors():
            await self._api.delete(paths.jobs(job.namespace, job.name), uid=job.uid)

    async def logs(
        self, name: str, *, stage: Stage | None, attempt: int | None, follow: bool, remark: Remark
    ) -> AsyncGenerator[str, None]:
        """Parts of the log of a job's stage.

        Ray is asked for it, as long as the attempt's Ray cluster lives; afterwards a Pod, which
        ends at once, reads it from the job's workspace.

        Args:
            name: name of the job.
            stage: the stage; None for the one at work, or the last that was.
            attempt: attempt of the stage; None for the newest.
            follow: whether to go on until nothing more will come.
            remark: takes remarks about the log.

        Raises:
            JobNotFoundError: there is no job with this name.
            JobStateError: there is no such stage or attempt.
            LogError: the log cannot be read; the message says where it is.
        """
        job = await self.get(name)
        reader = ClusterLogs(self._api, job, image=self._reader_image, remark=remark)
        selector = AttemptSelector(stage, attempt)
        async for text in read_logs(reader, job, selector, follow=follow, remark=remark):
            yield text

    async def obstacle(self, _job: Job) -> None:
        """Nothing keeps a job from going on that its own conditions would not say."""
