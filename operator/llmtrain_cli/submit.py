"""`llmtrain submit`: starts a job on a cluster."""

from pathlib import Path

import typer

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import as_applied
from llmtrain_api.named_paths import paths_from_home
from llmtrain_cli.cluster.jobs import demand_llmtrain
from llmtrain_cli.cluster.session import Namespace, chosen_namespace, in_cluster
from llmtrain_cli.exits import WRONG_INPUT, CommandError
from llmtrain_cli.manifest import ManifestError, ManifestFile, load_manifest, read_document
from llmtrain_cli.text import echo
from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import KubernetesApi, KubernetesError


def submit(
    file: ManifestFile,
    namespace: Namespace = None,
) -> None:
    """Check a manifest, and start its job on kubectl's current cluster."""
    try:
        job = _load_for_cluster(file)
    except ManifestError as error:
        echo(str(error), err=True)
        raise typer.Exit(WRONG_INPUT) from None

    async def create(api: KubernetesApi) -> None:
        name, where = job.metadata.name, chosen_namespace(namespace, job.metadata.namespace)
        document = as_applied(read_document(file))
        document["metadata"]["namespace"] = where
        try:
            made = await api.create(paths.jobs(where), document)
        except KubernetesError as error:
            if error.is_not_found:
                await demand_llmtrain(api)  # else it is the namespace, and the error says so
            raise
        if not made:
            message = f"{name} is in namespace {where} already; `llmtrain cancel {name}` removes it"
            raise CommandError(message)
        echo(f"{name} has started in namespace {where}.")
        echo(f"Watch it:  llmtrain status {name} -n {where}")
        echo(f"Its log:   llmtrain logs {name} -n {where} --follow")

    in_cluster(create)


def _load_for_cluster(file: Path) -> LLMTrainingJob:
    """Load the job in a file.

    Raises:
        ManifestError: the manifest is invalid, or for a laptop alone.
    """
    job = load_manifest(file)
    if found := paths_from_home(job.spec):
        raise ManifestError(
            f"{file}: {found[0]}: a cluster has no home folder; write an absolute path, or one "
            "from the workspace on"
        )
    return job
