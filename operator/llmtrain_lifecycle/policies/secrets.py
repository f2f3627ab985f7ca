"""The rule for Secrets: a job uses those that their owner has labelled for jobs."""

from collections.abc import Mapping

from llmtrain_api.names import FOR_JOBS_LABEL
from llmtrain_lifecycle.snapshot import Obstacle

Labels = Mapping[str, str]


def secrets_obstacle(namespace: str, found: Mapping[str, Labels | None]) -> Obstacle | None:
    """The obstacle to a job's Ray cluster in the Secrets that the job names.

    Args:
        namespace: namespace of the job.
        found: labels of each Secret, by its name; None for one that does not exist.

    Returns:
        The first one that is missing, or that its owner has not labelled, with the command that
        helps; None if the job may use all of them.
    """
    for name, labels in found.items():
        label = f"kubectl label secret -n {namespace} {name} {FOR_JOBS_LABEL}=true"
        if labels is None:
            return Obstacle(
                "SecretMissing",
                f"secrets: there is no Secret {name} in the namespace {namespace}; make it, and "
                f"allow jobs to use it: {label}",
            )
        if labels.get(FOR_JOBS_LABEL) != "true":
            return Obstacle(
                "SecretNotForJobs",
                f"secrets: the Secret {name} is not for jobs; whoever owns it allows jobs of the "
                f"namespace {namespace} to use it: {label} --overwrite",
            )
    return None
