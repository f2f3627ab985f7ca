"""`llmtrain submit`: starts a job on a cluster."""

from pathlib import Path

import typer

from llmtrain.cluster.backend import ClusterJobs
from llmtrain.errors import ManifestError
from llmtrain.manifest import load_manifest, require_no_home
from llmtrain_api.job import LLMTrainingJob
from llmtrain_cli.arguments import Context, Kubeconfig, ManifestFile, Namespace, Target
from llmtrain_cli.exits import WRONG_INPUT
from llmtrain_cli.session import in_cluster
from llmtrain_cli.text import echo


def submit(
    file: ManifestFile,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Check a manifest, and start its job on a cluster."""
    try:
        manifest = _load_for_cluster(file)
    except ManifestError as error:
        echo(str(error), err=True)
        raise typer.Exit(WRONG_INPUT) from None

    async def create(jobs: ClusterJobs) -> None:
        made = await jobs.create(manifest)
        name, where = made.name, made.namespace
        echo(f"{name} has started in namespace {where}.")
        echo(f"Watch it:  llmtrain status {name} -n {where}")
        echo(f"Its log:   llmtrain logs {name} -n {where} --follow")

    namespace = namespace or manifest.metadata.namespace
    in_cluster(create, Target(namespace, context, kubeconfig))


def _load_for_cluster(file: Path) -> LLMTrainingJob:
    """Load the job in a file.

    Raises:
        ManifestError: the manifest is invalid, or for a laptop alone.
    """
    job = load_manifest(file)
    try:
        require_no_home(job)
    except ManifestError as error:
        raise ManifestError(f"{file}: {error}") from None
    return job
