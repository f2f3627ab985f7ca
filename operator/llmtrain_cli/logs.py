"""`llmtrain logs`: what the current stage of a job on a cluster prints."""

import asyncio
from typing import Annotated

import typer

from llmtrain_api.names import WORKSPACE_PATH
from llmtrain_api.status import JobStatus, StageState, StageStatus
from llmtrain_cli.cluster.session import (
    JobName,
    Namespace,
    NoSuchJobError,
    chosen_namespace,
    in_cluster,
    read_job,
)
from llmtrain_operator.io import paths
from llmtrain_operator.io.kubernetes_api import KubernetesApi
from llmtrain_operator.io.reach import Reach

_LOOK_SECONDS = 2.0


def logs(
    name: JobName,
    namespace: Namespace = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the attempt ends.")
    ] = False,
) -> None:
    """Print the log of the attempt that runs."""

    async def show(api: KubernetesApi) -> None:
        where, reach, shown = chosen_namespace(namespace), Reach(api, None), 0
        while True:
            _, status = await read_job(api, where, name)
            stage = _current(name, status)
            assert status.cluster is not None, "an attempt is recorded for a cluster"
            cluster = await api.get(paths.ray_clusters(where, status.cluster.name))
            if cluster is None:
                raise NoSuchJobError(_where_logs_lie(name))
            head = await reach.head(where, status.cluster.name, cluster["metadata"]["uid"])
            assert stage.submission_id is not None, "it is at work"
            text = await head.jobs.logs(stage.submission_id)
            typer.echo(text[shown:], nl=False)
            shown = len(text)
            if not follow:
                return
            await asyncio.sleep(_LOOK_SECONDS)

    in_cluster(show)


def _current(name: str, status: JobStatus) -> StageStatus:
    """The stage whose attempt runs."""
    at_work = {StageState.RUNNING, StageState.STOPPING}
    stage = next((s for s in status.stages if s.state in at_work), None)
    if stage is None or status.cluster is None:
        raise NoSuchJobError(f"no stage of {name} runs now; {_where_logs_lie(name)}")
    return stage


def _where_logs_lie(name: str) -> str:
    return f"the logs of {name} lie in its workspace, {WORKSPACE_PATH}/logs/STAGE-ATTEMPT.log"
