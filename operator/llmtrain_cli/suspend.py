"""`llmtrain suspend` and `llmtrain resume`: release a job's compute, and get it again."""

from llmtrain_cli.arguments import Context, JobName, Kubeconfig, Namespace, Target
from llmtrain_cli.session import in_cluster
from llmtrain_cli.text import echo


def suspend(
    name: JobName,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Stop a job after a checkpoint; it holds no compute until it is resumed."""
    in_cluster(lambda jobs: jobs.suspend(name), Target(namespace, context, kubeconfig))
    echo(f"{name} stops after a checkpoint; `llmtrain resume {name}` goes on from there.")


def resume(
    name: JobName,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
) -> None:
    """Resume a suspended job."""
    in_cluster(lambda jobs: jobs.resume(name), Target(namespace, context, kubeconfig))
    echo(f"{name} goes on from its newest checkpoint.")
