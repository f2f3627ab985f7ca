"""Waits until a job has reached a state."""

import asyncio
import time

from llmtrain.errors import ClusterError, JobNotFoundError, JobStateError, WaitTimeoutError
from llmtrain.jobs import Job, Jobs, condition_message

_LOOK_SECONDS = 0.5
_PATIENCE_SECONDS = 60.0
"""Time limit for an API server that does not answer."""


def is_final(error: ClusterError, *, since: float) -> bool:
    """Whether another try would be in vain: refused, or the API server is away for long.

    Args:
        error: error of the last request.
        since: time of the last answer, by the monotonic clock.
    """
    return error.is_refusal or time.monotonic() - since > _PATIENCE_SECONDS


async def wait_for(jobs: Jobs, name: str, state: str, *, timeout_seconds: float | None) -> Job:
    """Wait until a job is in a state; see `Client.wait`."""
    deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    job = await jobs.get(name)
    while not job.is_(state):
        if job.has_stopped and job.is_(job.status.phase):
            message = f"{name} is {job.status.phase}, not {state}: {condition_message(job.status)}"
            raise JobStateError(message)
        if obstacle := await jobs.obstacle(job):
            raise JobStateError(obstacle)
        if deadline is not None and time.monotonic() > deadline:
            message = (
                f"{name} is not {state} within {timeout_seconds:g} s; "
                f"it is {job.status.phase}: {condition_message(job.status)}"
            )
            raise WaitTimeoutError(message)
        await asyncio.sleep(_LOOK_SECONDS)
        job = await _same(jobs, job)
    return job


async def _same(jobs: Jobs, job: Job) -> Job:
    """The job as it is now; an API server may be away for a moment.

    Raises:
        JobNotFoundError: the job was removed.
        ClusterError: the API server refuses, or has not answered for long.
    """
    since = time.monotonic()
    while True:
        try:
            found = await jobs.find(job.name)
        except ClusterError as error:
            if is_final(error, since=since):
                raise
            await asyncio.sleep(_LOOK_SECONDS)
            continue
        if found is None or found.uid != job.uid:
            raise JobNotFoundError(f"{job.name} was removed")
        return found
