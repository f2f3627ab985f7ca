"""Checks that this machine has what a cluster would put into a job's Pods.

A laptop has no Secrets and no claims. The variables that a job takes from Secrets come from the
environment of `llmtrain run`, under the same names. Files of Secrets and volumes are those in the
same folders as in a Pod.
"""

from collections.abc import Container, Iterator
from pathlib import Path

from llmtrain_api.job import JobSpec


class NotProvidedError(Exception):
    """This machine lacks something; the message says what, and how to provide it."""


def require_provided(spec: JobSpec, environment: Container[str]) -> None:
    """Make sure that a job finds its Secrets and volumes on this machine.

    Args:
        spec: the job's spec.
        environment: names of the environment variables that are set.

    Raises:
        NotProvidedError: something is missing.
    """
    missing = "\n".join(_missing(spec, environment))
    if missing:
        raise NotProvidedError(missing)


def _missing(spec: JobSpec, environment: Container[str]) -> Iterator[str]:
    for number, secret in enumerate(spec.secrets):
        for variable in secret.environment:
            if variable.name not in environment:
                yield (
                    f"secrets[{number}].environment: on this machine {variable.name} is not read "
                    f"from a Secret ({secret.name}) but from the environment: set {variable.name} "
                    "before `llmtrain run`"
                )
        if secret.files and not Path(secret.folder).is_dir():
            yield (
                f"secrets[{number}].files: on this machine the files of the Secret {secret.name} "
                f"are those in {secret.folder}, which is not there: make the folder, or remove the "
                "Secret from the manifest"
            )
    for number, volume in enumerate(spec.volumes):
        if not Path(volume.folder).is_dir():
            yield (
                f"volumes[{number}]: on this machine the volume {volume.name} is the folder "
                f"{volume.folder}, which is not there: make it, or a symbolic link to the data"
            )
