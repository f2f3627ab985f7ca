"""The client: jobs on this machine and on a cluster, for programs and notebooks."""

import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Self

from llmtrain.event_loop import EventLoop
from llmtrain.jobs import Job, Jobs
from llmtrain.waiting import wait_for
from llmtrain_api.cost import Cost
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.stages import Stage
from llmtrain_api.status import Phase

log = logging.getLogger(__name__)


class Client:
    """A client of the jobs in one place; `Client.local` and `Client.cluster` make one.

    The methods are the same in both places. They wait for the answer, and may be called where an
    event loop runs, for example in a notebook. Their errors are subclasses of `LLMTrainError`, with
    the sentence that the command line would print.

    A client is a context manager: `close` ends its connection. Jobs outlive it.

    Args:
        jobs: the jobs; an asynchronous context manager.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs, self._loop = jobs, EventLoop()
        try:
            self._loop.run(jobs.__aenter__())
        except BaseException:
            self._loop.close()
            raise

    @classmethod
    def local(
        cls,
        folder: str | Path = "runs",
        *,
        inputs: str | Path = ".",
        price_per_hour: float = 0.0,
    ) -> Self:
        """A client of the jobs on this machine, as `llmtrain run` runs them.

        Args:
            folder: parent folder of the workspaces; each is named like its job.
            inputs: folder that relative paths of a manifest start from.
            price_per_hour: price of this machine in US dollars per hour.

        Raises:
            PlaceError: a folder's path cannot be used.
        """
        from llmtrain.local.backend import LocalJobs

        price = Decimal(str(price_per_hour))
        return cls(LocalJobs(Path(folder), inputs=Path(inputs), usd_per_hour=price))

    @classmethod
    def cluster(
        cls,
        *,
        namespace: str | None = None,
        kubeconfig: str | Path | None = None,
        context: str | None = None,
    ) -> Self:
        """A client of the jobs in a namespace of a cluster.

        Args:
            namespace: the namespace; that of the context by default.
            kubeconfig: the kubeconfig; by default the one that kubectl would use, or the service
                account of a Pod.
            context: context of the kubeconfig; the current one by default.

        Raises:
            KubeconfigError: the kubeconfig is damaged.
            ClusterError: no cluster is known.
        """
        from llmtrain.cluster.backend import ClusterJobs

        path = None if kubeconfig is None else Path(kubeconfig)
        return cls(ClusterJobs(namespace=namespace, kubeconfig=path, context=context))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; jobs go on."""
        self._loop.run(self._jobs.__aexit__(None, None, None))
        self._loop.close()

    def create(self, job: LLMTrainingJob) -> Job:
        """Create a job; it starts at once.

        On this machine it runs in a process that outlives this program.

        Args:
            job: the manifest, for example from `load_manifest`.

        Raises:
            ManifestError: a cluster cannot run the manifest.
            JobExistsError: there is a job with this name.
            RunError, WorkspaceError: the job does not start on this machine.
            ClusterError: the API server refuses, or cannot be reached.
        """
        return self._loop.run(self._jobs.create(job))

    def get(self, name: str) -> Job:
        """A job, as it is now.

        Raises:
            JobNotFoundError: there is no job with this name.
            OtherVersionError, StateError: another version of llmtrain has written it.
            ClusterError: the API server refuses, or cannot be reached.
        """
        return self._loop.run(self._jobs.get(name))

    def list(self) -> list[Job]:
        """All jobs, by name.

        Raises:
            OtherVersionError, StateError: another version of llmtrain has written one of them.
            ClusterError: the API server refuses, or cannot be reached.
        """
        return self._loop.run(self._jobs.list())

    def wait(
        self, name: str, state: str = Phase.SUCCEEDED, *, timeout_seconds: float | None = None
    ) -> Job:
        """Wait until a job is in a state; returns the job in that state.

        Args:
            name: name of the job.
            state: a phase, such as `Running`, or the type of a condition that is to become true,
                such as `Ready`.
            timeout_seconds: time limit in seconds; None waits without one.

        Raises:
            WaitTimeoutError: the state has not come in time.
            JobStateError: the state cannot come: the job has ended, is suspended, or its run on
                this machine was killed.
            JobNotFoundError: there is no job with this name, or it was removed.
            ClusterError: the API server refuses, or has not answered for a minute.
        """
        return self._loop.run(wait_for(self._jobs, name, state, timeout_seconds=timeout_seconds))

    def logs(
        self,
        name: str,
        *,
        stage: Stage | None = None,
        attempt: int | None = None,
        follow: bool = False,
    ) -> Iterator[str]:
        """The log of a job's stage, in parts of any length.

        Remarks about the log, such as the beginning of the next attempt, are logged by the logger
        `llmtrain.client` at level INFO.

        Args:
            name: name of the job.
            stage: the stage; by default the one at work, or the last that was.
            attempt: attempt of the stage; the newest by default.
            follow: whether to go on, from attempt to attempt, until nothing more will come.

        Raises:
            JobNotFoundError: there is no job with this name.
            JobStateError: the job has no such stage or attempt.
            LogError: the log cannot be read; the message says where it is.
            ClusterError: the API server or Ray refuses, or cannot be reached.
        """
        parts = self._jobs.logs(name, stage=stage, attempt=attempt, follow=follow, remark=log.info)
        return self._loop.iterate(parts)

    def suspend(self, name: str) -> None:
        """Stop a job after a checkpoint; it holds no compute until it is resumed.

        Raises:
            JobNotFoundError: there is no job with this name.
            JobStateError: the job has ended, or its run on this machine was killed.
            ClusterError: the API server refuses, or cannot be reached.
        """
        self._loop.run(self._jobs.suspend(name))

    def resume(self, name: str) -> None:
        """Go on with a suspended job, from its newest checkpoint.

        Raises:
            JobNotFoundError: there is no job with this name.
            JobStateError: the job has ended, or nobody has suspended it.
            RunError: the job does not start on this machine.
            ClusterError: the API server refuses, or cannot be reached.
        """
        self._loop.run(self._jobs.resume(name))

    def delete(self, name: str) -> None:
        """Stop a job at once and remove it; its workspace stays.

        Raises:
            JobNotFoundError: there is no job with this name.
            ClusterError: the API server refuses, or cannot be reached.
        """

        async def delete() -> None:
            await self._jobs.delete(await self._jobs.get(name))

        self._loop.run(delete())

    def cost(self, name: str) -> Cost | None:
        """Cost of a job so far; None as long as no price is known.

        Raises:
            JobNotFoundError: there is no job with this name.
            ClusterError: the API server refuses, or cannot be reached.
        """
        return self.get(name).status.cost
