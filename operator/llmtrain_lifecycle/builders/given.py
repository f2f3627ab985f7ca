"""The part of a Pod that the job brings itself: variables, Secrets by name, volumes."""

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.spec.environment import EnvironmentVariable, SecretUse, SecretVariable
from llmtrain_api.spec.volumes import Volume
from llmtrain_lifecycle.builders.labels import Json
from llmtrain_lifecycle.policies.profiles import Profile

_READABLE_BY_GROUP = 0o440


def given_variables(job: LLMTrainingJob, profile: Profile) -> list[Json]:
    """The container's `env` entries: of the profile, and of `environment` and `secrets`.

    Args:
        job: the job, whose variables win.
        profile: profile of the Pod's nodes.
    """
    own = [
        *(_plain(each) for each in job.spec.environment),
        *(_from_secret(secret, each) for secret in job.spec.secrets for each in secret.environment),
    ]
    taken = {each["name"] for each in own}
    return [*(_plain(each) for each in profile.environment if each.name not in taken), *own]


def _plain(variable: EnvironmentVariable) -> Json:
    return {"name": variable.name, "value": _literal(variable.value)}


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
