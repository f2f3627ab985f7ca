"""The part of a Pod that the job brings itself: variables, Secrets by name, volumes."""

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.spec.environment import SecretUse, SecretVariable
from llmtrain_api.spec.volumes import Volume
from llmtrain_lifecycle.builders.labels import Json

_READABLE_BY_GROUP = 0o440


def given_variables(job: LLMTrainingJob) -> list[Json]:
    """The container's `env` entries of the sections `environment` and `secrets`."""
    return [
        *({"name": each.name, "value": _literal(each.value)} for each in job.spec.environment),
        *(_from_secret(secret, each) for secret in job.spec.secrets for each in secret.environment),
    ]


def _literal(value: str) -> str:
    """A value in which the kubelet finds no reference to another variable."""
    return value.replace("$", "$$")


def _from_secret(secret: SecretUse, variable: SecretVariable) -> Json:
    reference = {"name": secret.name, "key": variable.key or variable.name}
    return {"name": variable.name, "valueFrom": {"secretKeyRef": reference}}


def given_volumes(job: LLMTrainingJob) -> list[Json]:
    """The Pod's volumes: Secrets that are used as files, and the section `volumes`."""
    return [
        *(
            {
                "name": f"secret-{number}",
                "secret": {"secretName": secret.name, "defaultMode": _READABLE_BY_GROUP},
            }
            for number, secret in _with_files(job)
        ),
        *map(_volume, job.spec.volumes),
    ]


def given_mounts(job: LLMTrainingJob) -> list[Json]:
    """The container's mounts of these volumes."""
    return [
        *(
            {"name": f"secret-{number}", "mountPath": secret.folder, "readOnly": True}
            for number, secret in _with_files(job)
        ),
        *map(_mount, job.spec.volumes),
    ]


def _with_files(job: LLMTrainingJob) -> list[tuple[int, SecretUse]]:
    return [(number, each) for number, each in enumerate(job.spec.secrets) if each.files]


def _name(volume: Volume) -> str:
    return f"volume-{volume.name}"


def _volume(volume: Volume) -> Json:
    # The kubelet sets the group of all files, but not in a volume whose source is read-only.
    source = {"claimName": volume.claim_name, "readOnly": volume.read_only}
    return {"name": _name(volume), "persistentVolumeClaim": source}


def _mount(volume: Volume) -> Json:
    mount: Json = {
        "name": _name(volume),
        "mountPath": volume.folder,
        "readOnly": volume.read_only,
    }
    return mount | ({"subPath": volume.sub_path} if volume.sub_path else {})
