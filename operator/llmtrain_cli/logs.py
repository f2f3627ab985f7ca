"""`llmtrain logs`: the logs of a job on a cluster."""

from http import HTTPStatus
from typing import Annotated

import typer

from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, StageState
from llmtrain_cli.cluster.attempts import Attempt, AttemptSelector
from llmtrain_cli.cluster.follow import Follower
from llmtrain_cli.cluster.jobs import read_job
from llmtrain_cli.cluster.log_sources import RayLogs, read_kept_log
from llmtrain_cli.cluster.session import JobName, Namespace, chosen_namespace, in_cluster
from llmtrain_cli.exits import CommandError
from llmtrain_cli.text import echo
from llmtrain_clients.http import UnreachableError
from llmtrain_clients.kubernetes_api import Json, KubernetesApi, KubernetesError
from llmtrain_clients.ray_jobs import RayJobsError


def logs(
    name: JobName,
    namespace: Namespace = None,
    stage: Annotated[
        Stage | None, typer.Option(help="By default the one at work, or the last that was.")
    ] = None,
    attempt: Annotated[
        int | None, typer.Option(min=0, help="Of the stage; the newest by default.")
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(help="Of the Pod that reads a log of the workspace; any that has `tail`."),
    ] = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until nothing more will come.")
    ] = False,
) -> None:
    """Print the log of a job's stage.

    Ray is asked for it, as long as the attempt's Ray cluster lives; afterwards a Pod, which ends
    at once, reads it from the job's workspace.
    """

    async def show(api: KubernetesApi) -> None:
        body, status = await read_job(api, chosen_namespace(namespace), name)
        if stage is not None and stage not in body["spec"]:
            raise CommandError(f"{name} has no stage {stage}")
        selector = AttemptSelector(stage, attempt).resolve(status)
        if not follow or selector.is_over(status) or selector.number is not None:
            selector.newest(name, status)  # or report that there is none
        if follow:
            await Follower(api, body, status, selector, image=image).follow()
        else:
            text = await _log(api, body, status, selector.newest(name, status), image=image)
            echo(text, nl=False)

    in_cluster(show)


async def _log(
    api: KubernetesApi, body: Json, status: JobStatus, attempt: Attempt, *, image: str | None
) -> str:
    text = await _of_ray(api, body, status, attempt)
    if text is not None:
        return text
    if attempt.is_at_work(status) and status.stage(attempt.stage).state is StageState.STARTING:
        echo(f"{attempt} has printed nothing yet.", err=True)
        return ""
    return await read_kept_log(api, body, attempt, image=image)


async def _of_ray(
    api: KubernetesApi, body: Json, status: JobStatus, attempt: Attempt
) -> str | None:
    """The log from Ray; None if Ray does not have it, or the user may not read it."""
    try:
        return await RayLogs(api).read(body, status, attempt)
    except (UnreachableError, RayJobsError) as error:
        reason = str(error)
    except KubernetesError as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        reason = str(error)
    echo(f"Ray cannot be asked: {reason}", err=True)
    return None
