"""`llmtrain suspend` and `llmtrain resume`: release a job's compute, and get it again."""

from llmtrain_api.status import JobStatus, Phase
from llmtrain_cli.cluster.attempts import condition_message
from llmtrain_cli.cluster.jobs import read_job
from llmtrain_cli.cluster.session import JobName, Namespace, chosen_namespace, in_cluster
from llmtrain_cli.exits import JOB_FAILED, CommandError
from llmtrain_cli.text import echo
from llmtrain_clients import paths
from llmtrain_clients.kubernetes_api import Json, KubernetesApi


def suspend(name: JobName, namespace: Namespace = None) -> None:
    """Stop a job after a checkpoint; it holds no compute until it is resumed."""
    _set_suspend(name, namespace, suspend=True)
    echo(f"{name} stops after a checkpoint; `llmtrain resume {name}` goes on from there.")


def resume(name: JobName, namespace: Namespace = None) -> None:
    """Resume a suspended job."""
    _set_suspend(name, namespace, suspend=False)
    echo(f"{name} goes on from its newest checkpoint.")


def _set_suspend(name: str, namespace: str | None, *, suspend: bool) -> None:
    async def change(api: KubernetesApi) -> None:
        where = chosen_namespace(namespace)
        body, status = await read_job(api, where, name)
        if status.phase.terminal:
            raise CommandError(f"{name} has ended ({status.phase}), which is final")
        if not suspend:
            _demand_effect(name, body, status)
        await set_suspend(api, where, name, suspend=suspend)

    in_cluster(change)


async def set_suspend(api: KubernetesApi, namespace: str, name: str, *, suspend: bool) -> None:
    """Set `policy.suspend` of a job."""
    await api.merge(paths.jobs(namespace, name), {"spec": {"policy": {"suspend": suspend}}})


def _demand_effect(name: str, body: Json, status: JobStatus) -> None:
    """Refuse to resume a job that nobody suspended: a spent budget stops a job too.

    Raises:
        CommandError: the command would change nothing.
    """
    if body["spec"].get("policy", {}).get("suspend"):
        return
    if status.phase is Phase.SUSPENDED:
        raise CommandError(f"{name} waits for more: {condition_message(status)}", JOB_FAILED)
    raise CommandError(f"{name} is not suspended")
