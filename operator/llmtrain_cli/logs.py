"""`llmtrain logs`: the logs of a job on a cluster."""

from functools import partial
from typing import Annotated

import typer

from llmtrain.cluster.backend import ClusterJobs
from llmtrain_api.stages import Stage
from llmtrain_cli.arguments import Context, JobName, Kubeconfig, Namespace, Target
from llmtrain_cli.session import in_cluster
from llmtrain_cli.text import echo


def logs(  # noqa: PLR0913 - three of them name the cluster
    name: JobName,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
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

    async def show(jobs: ClusterJobs) -> None:
        remark = partial(echo, err=True)
        parts = jobs.logs(name, stage=stage, attempt=attempt, follow=follow, remark=remark)
        async for text in parts:
            echo(text, nl=False)

    in_cluster(show, Target(namespace, context, kubeconfig), reader_image=image)
